#include "control_compact.h"

#include <stdio.h>

#include "cassette/compact.h"
#include "control_peer.h"
#include "deleted_days.h"

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
  struct control_peer peer = {.node = node, .fd = fd};
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
                                              .progress = control_peer_go_on,
                                              .arg = &peer};
  struct cas_compact_result result;
  cas_status status;
  do {
    status = cas_store_compact(node->store, &options, &result, error);
  } while (status == CAS_BUSY && control_peer_waits(&peer));
  if (status == CAS_OK) return success(id, &result);
  control_peer_explain(status, error);
  return NULL;
}
