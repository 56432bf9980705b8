/*
 * Owns nothing: each call connects or opens, writes one record, and closes.
 */
#include "snapshot_writer.h"

#include <stdio.h>
#include <time.h>

#include "cli.h"
#include "control/control_client.h"

/* Nobody but the daemon holds a store for longer, unless it imports or compacts: who unmounts and mounts again must not
 * meet the mount that is ending, which takes its own snapshot away. */
#define BUSY_MS_MAX 5000
#define BUSY_STEP_MS 50

static cas_status write_by_ourselves(const char *store_path, const char *name, bool removes, struct cas_error *error) {
  CLI_STORE struct cas_store *store = NULL;
  cas_status status = cli_store_try(store_path, CAS_OPEN_WRITE, &store, error);
  if (status != CAS_OK) return status;
  return removes ? cas_snapshot_remove(store, name, error) : cas_snapshot_create(store, name, error);
}

static cas_status try_to_write(const char *store_path, const char *name, bool removes, struct cas_error *error) {
  struct control_client *client;
  struct cas_error no_daemon = {0};
  if (control_connect(store_path, &client, &no_daemon) != CAS_OK)
    return write_by_ourselves(store_path, name, removes, error);
  cas_status status =
      removes ? control_snapshot_remove(client, name, error) : control_snapshot_create(client, name, error);
  control_close(client);
  return status;
}

static cas_status write_snapshot(const char *store_path, const char *name, bool removes, struct cas_error *error) {
  cas_status status = try_to_write(store_path, name, removes, error);
  for (unsigned waited = 0; status == CAS_BUSY && waited < BUSY_MS_MAX; waited += BUSY_STEP_MS) {
    nanosleep(&(struct timespec){.tv_nsec = BUSY_STEP_MS * 1000000L}, NULL);
    status = try_to_write(store_path, name, removes, error);
  }
  return status;
}

cas_status snapshot_writer_create(const char *store_path, const char *name, struct cas_error *error) {
  return write_snapshot(store_path, name, false, error);
}

cas_status snapshot_writer_remove(const char *store_path, const char *name, struct cas_error *error) {
  return write_snapshot(store_path, name, true, error);
}

void snapshot_writer_name(const char *prefix, char name[CAS_SNAPSHOT_NAME_MAX + 1]) {
  struct timespec now;
  struct tm parts;
  char text[32];
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &parts);
  strftime(text, sizeof text, "%Y%m%dT%H%M%S", &parts);
  snprintf(name, CAS_SNAPSHOT_NAME_MAX + 1, "%s-%s.%06ldZ", prefix, text, now.tv_nsec / 1000);
}
