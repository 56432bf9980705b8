/*
 * Owns one C-GET and the file that is being written. Invariants:
 *  1. A file is written under another name, and renamed when its last byte is there.
 *  2. No name but a UID's becomes a file's.
 */
#include "remote_get.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "file_meta.h"
#include "instance_copy.h"

/* Where one object goes. */
struct target {
  char temporary[64], name[80];
  int fd; /* -1: nowhere */
  cas_status status;
};

static void fail_target(struct target *target, cas_status status) {
  if (target->status == CAS_OK) target->status = status;
  if (target->fd < 0) return;
  close(target->fd);
  target->fd = -1;
}

static void open_target(const struct remote_get *get, const struct dimse_command *request, const char *syntax,
                        struct target *target, struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer head = {0};
  struct file_meta meta;
  target->status = file_meta_is_uid(request->sop_instance_uid) && syntax != NULL ? CAS_OK : CAS_REFUSED;
  if (target->status != CAS_OK) return;
  snprintf(meta.sop_class_uid, sizeof meta.sop_class_uid, "%s", request->sop_class_uid);
  snprintf(meta.sop_instance_uid, sizeof meta.sop_instance_uid, "%s", request->sop_instance_uid);
  snprintf(meta.transfer_syntax_uid, sizeof meta.transfer_syntax_uid, "%s", syntax);
  snprintf(target->name, sizeof target->name, "%.64s.dcm", request->sop_instance_uid);
  snprintf(target->temporary, sizeof target->temporary, ".cassette-%ld.part", (long)getpid());
  if (!get->force && faccessat(get->folder_fd, target->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
    target->status = CAS_EXISTS;
    return;
  }
  (void)unlinkat(get->folder_fd, target->temporary, 0);
  target->fd = openat(get->folder_fd, target->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  cas_status status = target->fd >= 0 ? CAS_OK : instance_fail_errno(error, errno);
  if (status == CAS_OK) status = file_meta_format(&meta, get->remote->called, &head);
  const struct cas_slice bytes = {.data = head.data, .size = head.size};
  if (status == CAS_OK) status = instance_write_fd(&target->fd, bytes, error);
  if (status != CAS_OK) fail_target(target, status);
}

static void close_target(const struct remote_get *get, struct target *target, struct cas_error *error) {
  if (target->fd < 0) return;
  const int fd = target->fd;
  target->fd = -1;
  const bool closed = close(fd) == 0;
  if (!closed || renameat(get->folder_fd, target->temporary, get->folder_fd, target->name) != 0)
    target->status = instance_fail_errno(error, errno);
}

static const char *syntax_of(const struct requestor *requestor, const struct get_proposal *proposal,
                             uint8_t context_id) {
  size_t syntax;
  const size_t index = context_id / 2;
  if (index == 0 || index >= proposal->count || requestor_context(requestor, index, &syntax) != context_id) return NULL;
  return proposal->contexts[index].transfer_syntaxes[syntax];
}

static cas_status answer(struct requestor *requestor, uint8_t context_id, const struct dimse_command *request,
                         const struct target *target, struct cas_error *error) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer command = {0};
  const enum dimse_status said = target->status == CAS_EXISTS ? DIMSE_SUCCESS : dimse_status_of(target->status);
  const cas_status status = dimse_response_encode(request, said, NULL, &command);
  if (status != CAS_OK) return status;
  return requestor_send(requestor, context_id, (struct cas_slice){.data = command.data, .size = command.size},
                        (struct cas_slice){0}, error);
}

static void count(struct remote_get *get, const struct dimse_command *request, const struct target *target,
                  uint64_t bytes, const struct cas_error *error) {
  if (target->status == CAS_OK) {
    get->written++;
    get->bytes += bytes;
  } else if (target->status == CAS_EXISTS) {
    get->kept++;
  } else {
    get->refused++;
    cli_error("%s: %s", request->sop_instance_uid, cli_reason(target->status, error));
  }
}

/* Takes one object to its end, whatever the disk says. */
static cas_status take_object(struct remote_get *get, struct requestor *requestor, const struct get_proposal *proposal,
                              uint8_t context_id, const struct dimse_command *request, struct cas_error *error) {
  struct target target = {.fd = -1};
  struct cas_error reason = {0};
  struct pdu_fragment fragment = {.last = !request->has_data_set};
  uint64_t bytes = 0;
  open_target(get, request, syntax_of(requestor, proposal, context_id), &target, &reason);
  while (!fragment.last) {
    const enum pdu_event event = message_read_fragment(requestor_stream(requestor), context_id, &fragment, error);
    if (event != PDU_FRAGMENT) {
      fail_target(&target, CAS_IO);
      (void)unlinkat(get->folder_fd, target.temporary, 0);
      return requestor_ended(requestor, event, error);
    }
    bytes += fragment.bytes.size;
    if (target.fd < 0) continue;
    const cas_status written = instance_write_fd(&target.fd, fragment.bytes, &reason);
    if (written != CAS_OK) fail_target(&target, written);
  }
  close_target(get, &target, &reason);
  if (target.status != CAS_OK && target.temporary[0] != '\0') (void)unlinkat(get->folder_fd, target.temporary, 0);
  count(get, request, &target, bytes, &reason);
  const struct cli_progress_state state = {.files = get->written + get->kept, .bytes = get->bytes};
  cli_progress_set(get->progress, &state);
  return answer(requestor, context_id, request, &target, error);
}

/* Takes what comes until the final response. */
static cas_status take_all(struct remote_get *get, struct requestor *requestor, const struct get_proposal *proposal,
                           uint8_t get_context, uint16_t message_id, struct cas_error *error) {
  for (;;) {
    uint8_t context_id;
    bool whole;
    struct dimse_command command;
    cas_status status = requestor_receive_command(requestor, &context_id, &command, error);
    if (status == CAS_OK && command.field == DIMSE_C_STORE_RQ)
      status = take_object(get, requestor, proposal, context_id, &command, error);
    if (status != CAS_OK) return status;
    if (!get->interrupted && cli_interrupted(get->interrupt)) {
      get->interrupted = true;
      status = remote_cancel(requestor, get_context, message_id, error);
      if (status != CAS_OK) return status;
    }
    if (command.field != (DIMSE_C_GET_RQ | DIMSE_RESPONSE_BIT)) continue;
    __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer list = {0};
    if (command.has_data_set) {
      const enum pdu_event event =
          message_read_data_set(requestor_stream(requestor), context_id, 0, &list, &whole, error);
      if (event != PDU_FRAGMENT) return requestor_ended(requestor, event, error);
    }
    if (command.status == DIMSE_PENDING) continue;
    get->status = command.status;
    get->counts = command.counts;
    return CAS_OK;
  }
}

cas_status remote_get_run(struct remote_get *get, const struct get_proposal *proposal, struct cas_error *error) {
  struct requestor *requestor;
  cas_status status =
      remote_open(get->remote, proposal->contexts, proposal->count, (struct cas_slice){0}, &requestor, error);
  if (status != CAS_OK) return status;
  size_t syntax;
  const uint8_t context_id = requestor_context(requestor, 0, &syntax);
  struct dimse_command request = {.field = DIMSE_C_GET_RQ};
  snprintf(request.sop_class_uid, sizeof request.sop_class_uid, "%s", proposal->contexts[0].abstract_syntax);
  if (context_id == 0) {
    snprintf(error->message, sizeof error->message, "the peer does not provide C-GET of this model");
    status = CAS_REFUSED;
  }
  if (status == CAS_OK) status = remote_ask(requestor, context_id, &request, get->keys, error);
  if (status == CAS_OK) status = take_all(get, requestor, proposal, context_id, request.message_id, error);
  if (status == CAS_OK)
    requestor_release(requestor);
  else
    requestor_abort(requestor);
  if (get->written > 0 && syncfs(get->folder_fd) != 0 && status == CAS_OK) status = instance_fail_errno(error, errno);
  return status;
}
