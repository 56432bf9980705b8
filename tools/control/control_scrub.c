#include "control_scrub.h"

#include <stdio.h>
#include <string.h>

static void put(json_t *object, const char *key, uint64_t number) {
  json_object_set_new(object, key, json_integer((json_int_t)number));
}

/* The moment in seconds; nothing where there is none. */
static void put_time(json_t *object, const char *key, int64_t ns) {
  if (ns != 0) json_object_set_new(object, key, json_integer((json_int_t)(ns / 1000000000)));
}

static void put_counts(json_t *object, const struct cas_scrub_counts *counts) {
  put_time(object, "started", counts->started_ns);
  put_time(object, "ended", counts->ended_ns);
  put(object, "segments", counts->segments);
  put(object, "records", counts->records);
  put(object, "bytes", counts->bytes);
  put(object, "damaged_records", counts->damaged_records);
  put(object, "damaged_instances", counts->damaged_instances);
  put(object, "index_findings", counts->index_findings);
  put(object, "away_segments", counts->away_segments);
}

static const char *state_name(enum cas_scrub_state state) {
  switch (state) {
  case CAS_SCRUB_READING: return "reading";
  case CAS_SCRUB_PAUSED: return "paused";
  default: return "resting";
  }
}

json_t *control_scrub_json(const struct cas_scrub_status *status) {
  json_t *object = json_pack("{ss}", "state", state_name(status->state));
  if (object == NULL) return NULL;
  put(object, "cycles", status->cycles);
  put(object, "total_bytes", status->total_bytes);
  put(object, "bytes_per_second", status->bytes_per_second);
  put_time(object, "next_cycle", status->due_ns);
  if (status->trouble[0] != '\0') json_object_set_new(object, "trouble", json_string(status->trouble));
  put_counts(object, &status->now);
  if (status->whole.ended_ns != 0) {
    json_t *last = json_object();
    put_counts(last, &status->whole);
    json_object_set_new(object, "last", last);
  }
  return object;
}

cas_status control_scrub_do(struct cas_scrubber *scrubber, const char *action, struct cas_error *error) {
  if (strcmp(action, "start") == 0) {
    cas_scrub_begin(scrubber);
  } else if (strcmp(action, "pause") == 0 || strcmp(action, "resume") == 0) {
    cas_scrub_pause(scrubber, action[0] == 'p');
  } else {
    error->status = CAS_INVALID;
    snprintf(error->message, sizeof error->message, "scrubbing knows start, pause and resume");
    return CAS_INVALID;
  }
  return CAS_OK;
}
