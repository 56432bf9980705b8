/*
 * Owns nothing: each call connects or opens, writes, and closes.
 */
#include "state_writer.h"

#include <unistd.h>

#include "cli.h"
#include "control/control_change.h"
#include "control/control_client.h"

cas_status state_writer_change(const char *store_path, const struct cas_change *change, uint64_t *changed,
                               struct cas_error *error) {
  struct control_client *client;
  struct cas_error no_daemon = {0};
  cas_status status;
  *changed = 0;
  if (control_connect(store_path, &client, &no_daemon) == CAS_OK) {
    status = control_change(client, change, changed, error);
    control_close(client);
    return status;
  }
  CLI_STORE struct cas_store *store = NULL;
  struct cas_change ours = *change;
  char who[CAS_WHO_MAX + 1];
  ours.who = control_user_name(getuid(), who, sizeof who);
  status = cli_store_try(store_path, CAS_OPEN_WRITE, &store, error);
  return status == CAS_OK ? cas_store_change(store, &ours, changed, error) : status;
}
