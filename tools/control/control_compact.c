#include "control_compact.h"

#include <poll.h>
#include <stdio.h>

#include "cassette/compact.h"
#include "deleted_days.h"

/* How long it waits, again and again, for whoever else compacts. */
#define WAIT_MS 100

struct compacting {
  struct control_node *node;
  int fd;
};

static bool has_hung_up(int fd, int wait_ms) {
  struct pollfd peer = {.fd = fd, .events = POLLRDHUP};
  return poll(&peer, 1, wait_ms) > 0;
}

static cas_status go_on(void *arg, const struct cas_compact_progress *progress) {
  const struct compacting *compacting = arg;
  (void)progress;
  return atomic_load(&compacting->node->stopping) || has_hung_up(compacting->fd, 0) ? CAS_END : CAS_OK;
}

static json_t *success(json_int_t id, const struct cas_compact_result *result) {
  return json_pack("{sIsbsIsIsIsIsIsIsIsI}", "id", id, "ok", 1, "segments", (json_int_t)result->segments,
                   "bytes_before", (json_int_t)result->bytes_before, "bytes_after", (json_int_t)result->bytes_after,
                   "packed_blobs", (json_int_t)result->packed_blobs, "dropped_records",
                   (json_int_t)result->dropped_records, "damaged_segments", (json_int_t)result->damaged_segments,
                   "discarded_versions", (json_int_t)result->discarded_versions, "bytes_left",
                   (json_int_t)result->bytes_left);
}

json_t *control_compact_serve(struct control_node *node, int fd, json_int_t id, const json_t *request,
                              struct cas_error *error) {
  struct compacting compacting = {.node = node, .fd = fd};
  const json_int_t percent = json_integer_value(json_object_get(request, "min_percent"));
  const char *deleted = json_string_value(json_object_get(request, "deleted"));
  unsigned days = node->options.deleted_days;
  if (deleted != NULL && !deleted_days_parse(deleted, &days)) {
    error->status = CAS_INVALID;
    snprintf(error->message, sizeof error->message, "\"deleted\" is neither now, never nor days");
    return NULL;
  }
  const struct cas_compact_options options = {.min_percent = percent > 0 && percent <= 100 ? (uint32_t)percent : 0,
                                              .segments_max = 1,
                                              .in_background = true,
                                              .seal_bytes = 1,
                                              .deleted_before_ns = deleted_days_before(days),
                                              .progress = go_on,
                                              .arg = &compacting};
  struct cas_compact_result result;
  cas_status status;
  do {
    status = cas_store_compact(node->store, &options, &result, error);
  } while (status == CAS_BUSY && !atomic_load(&node->stopping) && !has_hung_up(fd, WAIT_MS));
  if (status == CAS_OK) return success(id, &result);
  if (status == CAS_END) {
    error->status = CAS_BUSY;
    snprintf(error->message, sizeof error->message, "the daemon is stopping");
  }
  if (error->status == CAS_OK) error->status = status;
  return NULL;
}
