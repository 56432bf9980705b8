#include "control_change.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

const char *control_user_name(uid_t uid, char *name, size_t capacity) {
  struct passwd entry, *found = NULL;
  char room[4096];
  if (getpwuid_r(uid, &entry, room, sizeof room, &found) == 0 && found != NULL)
    snprintf(name, capacity, "%s", entry.pw_name);
  else
    snprintf(name, capacity, "uid %lu", (unsigned long)uid);
  return name;
}

const char *control_peer_name(int fd, char *name, size_t capacity) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) return control_user_name(peer.uid, name, capacity);
  snprintf(name, capacity, "unknown");
  return name;
}

/* --- the client's end --- */

int control_targets_file(const struct cas_target *targets, size_t count) {
  int fd = memfd_create("cassette targets", MFD_CLOEXEC);
  if (fd < 0) return -1;
  int copy = dup(fd);
  FILE *file = copy < 0 ? NULL : fdopen(copy, "w");
  bool written = file != NULL;
  for (size_t i = 0; written && i < count; i++)
    written = fprintf(file, "%u %s\n", targets[i].version, targets[i].uid) > 0;
  if (file != NULL)
    written = fclose(file) == 0 && written;
  else if (copy >= 0)
    close(copy);
  if (written) return fd;
  close(fd);
  return -1;
}

json_t *control_change_request(const struct cas_change *change, int *file) {
  *file = -1;
  json_t *request = json_pack("{ssssssss}", "command", "change", "action", cas_action_name(change->action), "reason",
                              cas_reason_name(change->reason), "why", change->why != NULL ? change->why : "");
  if (request == NULL) return NULL;
  *file = control_targets_file(change->targets, change->target_count);
  if (*file >= 0) return request;
  json_decref(request);
  return NULL;
}

/* --- the daemon's end --- */

void control_change_fini(struct control_change *change) {
  free(change->targets);
  free(change->text);
  *change = (struct control_change){0};
}

static cas_status refuse(struct cas_error *error, cas_status status, const char *message) {
  error->status = status;
  snprintf(error->message, sizeof error->message, "%s", message);
  return status;
}

static char *read_text(int file) {
  struct stat about;
  if (file < 0 || fstat(file, &about) < 0 || !S_ISREG(about.st_mode) || about.st_size > CONTROL_TARGETS_BYTES_MAX)
    return NULL;
  size_t size = (size_t)about.st_size, done = 0;
  char *text = malloc(size + 1);
  while (text != NULL && done < size) {
    ssize_t got = pread(file, text + done, size - done, (off_t)done);
    if (got <= 0) break;
    done += (size_t)got;
  }
  if (text != NULL) text[done] = '\0';
  return text;
}

/* Cuts the text into lines, each a version and a UID. */
static bool cut_targets(struct control_change *change) {
  size_t lines = 0, count = 0;
  for (const char *at = change->text; (at = strchr(at, '\n')) != NULL; at++) lines++;
  change->targets = calloc(lines + 1, sizeof *change->targets);
  if (change->targets == NULL) return false;
  for (char *at = change->text; *at != '\0';) {
    char *line_end = strchr(at, '\n'), *end;
    if (line_end == NULL) return false;
    *line_end = '\0';
    unsigned long long version = strtoull(at, &end, 10);
    if (end == at || *end != ' ' || version > UINT32_MAX) return false;
    change->targets[count++] = (struct cas_target){.uid = end + 1, .version = (uint32_t)version};
    at = line_end + 1;
  }
  change->change.targets = change->targets;
  change->change.target_count = count;
  return count > 0;
}

cas_status control_targets_read(int file, int fd, struct control_change *change, struct cas_error *error) {
  change->change.who = control_peer_name(fd, change->who, sizeof change->who);
  change->text = read_text(file);
  if (change->text == NULL) return refuse(error, CAS_INVALID, "a file with targets is needed");
  return cut_targets(change) ? CAS_OK : refuse(error, CAS_INVALID, "lines of versions and UIDs are needed");
}

static bool read_action(const json_t *request, struct cas_change *change) {
  const char *action = json_string_value(json_object_get(request, "action"));
  const char *reason = json_string_value(json_object_get(request, "reason"));
  if (action == NULL || reason == NULL || !cas_reason_by_name(reason, &change->reason)) return false;
  static const enum cas_action actions[] = {CAS_ACTION_DELETE, CAS_ACTION_HIDE, CAS_ACTION_SHOW, CAS_ACTION_UNDELETE};
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
    if (strcmp(action, cas_action_name(actions[i])) != 0) continue;
    change->action = actions[i];
    return true;
  }
  return false;
}

cas_status control_change_read(const json_t *request, int file, int fd, struct control_change *change,
                               struct cas_error *error) {
  *change = (struct control_change){0};
  if (!read_action(request, &change->change))
    return refuse(error, CAS_INVALID, "a change needs an action and a reason");
  change->change.why = json_string_value(json_object_get(request, "why"));
  return control_targets_read(file, fd, change, error);
}
