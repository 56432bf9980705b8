/* Owns the UIDs that are not told yet. */
#include "disclosure.h"

#include <stdio.h>

#include "cli.h"

/* False: a daemon is there and was not told. */
static bool tell(const char *store_path, const struct control_access *access) {
  struct control_client *client;
  struct cas_error error = {0};
  cas_status status = control_connect(store_path, &client, &error);
  if (status == CAS_NOT_FOUND) return true;
  if (status == CAS_OK) {
    status = control_tell_access(client, access, &error);
    control_close(client);
  }
  if (status == CAS_OK) return true;
  cli_error("the audit trail was not told: %s", cli_reason(status, &error));
  return false;
}

void disclosure_end(struct disclosure *disclosure) {
  struct cas_target targets[DISCLOSURE_MAX];
  for (size_t i = 0; i < disclosure->count; i++) targets[i] = (struct cas_target){.uid = disclosure->uids[i]};
  const struct control_access access = {
      .kind = CONTROL_EXPORTED, .how = disclosure->how, .targets = targets, .target_count = disclosure->count};
  if (disclosure->count > 0 && !disclosure->has_failed) disclosure->has_failed = !tell(disclosure->store_path, &access);
  disclosure->count = 0;
}

void disclosure_add(struct disclosure *disclosure, const char *uid) {
  snprintf(disclosure->uids[disclosure->count++], CAS_UID_TEXT_MAX, "%s", uid);
  if (disclosure->count == DISCLOSURE_MAX) disclosure_end(disclosure);
}

void disclosure_mount(const char *store_path, enum control_access_kind kind, const char *folder) {
  char how[1024];
  snprintf(how, sizeof how, "mount at %.1000s", folder);
  (void)tell(store_path, &(struct control_access){.kind = kind, .how = how});
}
