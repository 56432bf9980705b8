#include "control_tier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_peer.h"

static uint64_t number(const json_t *object, const char *key) {
  const json_int_t value = json_integer_value(json_object_get(object, key));
  return value > 0 ? (uint64_t)value : 0;
}

json_t *control_tier_request(bool recall, const struct cas_tier_options *options) {
  json_t *request = json_pack("{sssssIsIsIsIsb}", "command", "tier", "action", recall ? "recall" : "move",
                              "sealed_before_ns", (json_int_t)options->sealed_before_ns, "keep_free_bytes",
                              (json_int_t)options->keep_free_bytes, "after", (json_int_t)options->after,
                              "bytes_per_second", (json_int_t)options->bytes_per_second, "dry_run", options->dry_run);
  json_t *segments = json_array();
  for (size_t i = 0; i < options->segment_count; i++)
    json_array_append_new(segments, json_integer(options->segments[i]));
  if (options->segment_count > 0)
    json_object_set_new(request, "segments", segments);
  else
    json_decref(segments);
  return request;
}

void control_tier_result(const json_t *answer, struct cas_tier_result *result) {
  *result = (struct cas_tier_result){.segments = number(answer, "segments"),
                                     .bytes = number(answer, "bytes"),
                                     .damaged_segments = number(answer, "damaged_segments"),
                                     .segments_left = number(answer, "segments_left"),
                                     .bytes_left = number(answer, "bytes_left"),
                                     .reached = (uint32_t)number(answer, "reached")};
}

static json_t *success(json_int_t id, const struct cas_tier_result *result) {
  return json_pack("{sIsbsIsIsIsIsIsI}", "id", id, "ok", 1, "segments", (json_int_t)result->segments, "bytes",
                   (json_int_t)result->bytes, "damaged_segments", (json_int_t)result->damaged_segments, "segments_left",
                   (json_int_t)result->segments_left, "bytes_left", (json_int_t)result->bytes_left, "reached",
                   (json_int_t)result->reached);
}

static json_t *run(struct control_peer *peer, json_int_t id, bool recall, const struct cas_tier_options *options,
                   struct cas_error *error) {
  struct cas_tier_result result;
  cas_status status;
  do {
    status = recall ? cas_store_tier_recall(peer->node->store, options, &result, error)
                    : cas_store_tier_move(peer->node->store, options, &result, error);
  } while (status == CAS_BUSY && control_peer_waits(peer));
  if (status == CAS_OK) return success(id, &result);
  control_peer_explain(status, error);
  return NULL;
}

json_t *control_tier_serve(struct control_node *node, int fd, json_int_t id, const json_t *request,
                           struct cas_error *error) {
  struct control_peer peer = {.node = node, .fd = fd};
  const char *action = json_string_value(json_object_get(request, "action"));
  const json_t *numbers = json_object_get(request, "segments");
  const size_t count = json_array_size(numbers);
  uint32_t *segments = calloc(count + 1, sizeof *segments);
  const bool recall = action != NULL && strcmp(action, "recall") == 0;
  if (segments == NULL || action == NULL || (!recall && strcmp(action, "move") != 0)) {
    free(segments);
    error->status = CAS_INVALID;
    snprintf(error->message, sizeof error->message, "tier knows move and recall");
    return NULL;
  }
  for (size_t i = 0; i < count; i++) segments[i] = (uint32_t)json_integer_value(json_array_get(numbers, i));
  const struct cas_tier_options options = {.sealed_before_ns = (int64_t)number(request, "sealed_before_ns"),
                                           .keep_free_bytes = number(request, "keep_free_bytes"),
                                           .segments = segments,
                                           .segment_count = count,
                                           .after = (uint32_t)number(request, "after"),
                                           .segments_max = 1,
                                           .bytes_per_second = number(request, "bytes_per_second"),
                                           .dry_run = json_is_true(json_object_get(request, "dry_run")),
                                           .progress = control_peer_go_on,
                                           .arg = &peer};
  json_t *answer = run(&peer, id, recall, &options, error);
  free(segments);
  return answer;
}
