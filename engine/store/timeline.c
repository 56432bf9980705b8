#include "store/timeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/status.h"

#define LAST_FACT "time"
#define FACT_PREFIX "time/"
#define FACT_NAME_BYTES (sizeof FACT_PREFIX + 16)

/* Whether `a` is before `b` by more than a step. */
static bool is_before(int64_t a, int64_t b) { return a < b && (uint64_t)b - (uint64_t)a > TIMELINE_STEP_NS; }

cas_status timeline_note(struct index_batch *batch, uint64_t group, int64_t time_ns, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer last = {0};
  char name[FACT_NAME_BYTES];
  uint8_t value[8];
  cas_status status = index_batch_get_fact(batch, LAST_FACT, &last, error);
  if (status != CAS_NOT_FOUND) STATUS_TRY(status);
  if (last.size == sizeof value) {
    int64_t last_ns = (int64_t)load_u64(last.data);
    if (!is_before(time_ns, last_ns) && !is_before(last_ns, time_ns)) return CAS_OK;
  }
  store_u64(value, (uint64_t)time_ns);
  snprintf(name, sizeof name, FACT_PREFIX "%016" PRIx64, group);
  STATUS_TRY(index_batch_put_fact(batch, name, slice_of(value, sizeof value), error));
  return index_batch_put_fact(batch, LAST_FACT, slice_of(value, sizeof value), error);
}

static cas_status take_point(void *arg, const char *name, struct cas_slice value) {
  struct timeline *line = arg;
  if (value.size != 8) return CAS_CORRUPT;
  struct timeline_point point = {.group = strtoull(name + strlen(FACT_PREFIX), NULL, 16),
                                 .time_ns = (int64_t)load_u64(value.data)};
  if (point.time_ns > line->now_ns) return CAS_OK;
  if (line->count == line->capacity) {
    size_t capacity = line->capacity == 0 ? 64 : line->capacity * 2;
    struct timeline_point *grown = reallocarray(line->points, capacity, sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    line->points = grown;
    line->capacity = capacity;
  }
  point.latest_ns = point.time_ns;
  if (line->count > 0 && line->points[line->count - 1].latest_ns > point.latest_ns)
    point.latest_ns = line->points[line->count - 1].latest_ns;
  line->points[line->count++] = point;
  return CAS_OK;
}

cas_status timeline_load(struct index *index, int64_t now_ns, struct timeline *line, struct cas_error *error) {
  *line = (struct timeline){.now_ns = now_ns};
  cas_status status = index_list_facts(index, FACT_PREFIX, NULL, take_point, line, error);
  if (status == CAS_CORRUPT && error != NULL && error->status == CAS_OK)
    return status_fail(error, status, "an index entry of the times of the log is damaged: rebuild the index");
  return status;
}

void timeline_fini(struct timeline *line) {
  free(line->points);
  *line = (struct timeline){0};
}

/* The first point that is not before the group. */
static size_t find_group(const struct timeline *line, uint64_t group) {
  size_t low = 0, high = line->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (line->points[middle].group < group)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

int64_t timeline_settle(const struct timeline *line, uint64_t group, int64_t time_ns) {
  size_t at = find_group(line, group);
  int64_t not_before = at > 0 ? line->points[at - 1].latest_ns : INT64_MIN;
  if (at < line->count && line->points[at].group == group) at++;
  while (at < line->count && line->points[at].time_ns < not_before) at++;
  int64_t not_after = at < line->count ? line->points[at].time_ns : line->now_ns;
  bool fits = time_ns <= line->now_ns && !is_before(time_ns, not_before) && !is_before(not_after, time_ns);
  return fits ? time_ns : not_after;
}
