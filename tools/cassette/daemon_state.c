#include "daemon_state.h"

#include "cli.h"
#include "control/control_client.h"

json_t *daemon_state_get(const char *store_path) {
  struct control_client *client = NULL;
  struct cas_error error = {0};
  if (control_connect(store_path, &client, &error) != CAS_OK) return NULL;
  CLI_FREE char *text = NULL;
  cas_status status = control_status(client, &text, &error);
  control_close(client);
  return status == CAS_OK ? json_loads(text, 0, NULL) : NULL;
}
