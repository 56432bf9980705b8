/*
 * From segment to segment by their numbers, from the mark's on: a list of all of them would cost more than the rest.
 */
#include "segment/segment_behind.h"

#include "base/status.h"
#include "segment/segment_bounds.h"
#include "segment/segment_walk.h"

struct search {
  struct volume *volume;
  const struct segment_store_key *key;
  const struct segment_mark *mark;
  uint64_t first; /* group with records behind the mark, 0: none so far */
  bool proven;
  struct cas_error *error;
};

/* What the log does not give says nothing, and is not this search's to report. */
static bool is_passed_over(cas_status status) {
  return status == CAS_NOT_FOUND || status == CAS_AWAY || status == CAS_IO || status == CAS_CORRUPT ||
         status == CAS_UNSUPPORTED;
}

static cas_status look_through(struct search *search, uint64_t segment, uint64_t from, uint64_t end) {
  CLEANUP_WALK struct segment_walk walk = {0};
  struct segment_walk_item item;
  STATUS_TRY(segment_walk_init(&walk, search->volume, search->key, segment, from, end, search->error));
  walk.passes_over = true;
  do {
    STATUS_TRY(segment_walk_next(&walk, &item, search->error));
    if (item.kind != WALK_COMMIT || item.commit.records == 0 || item.header.group <= search->mark->group) continue;
    search->proven = search->first != 0 && item.header.group > search->first;
    if (!search->proven) search->first = item.header.group;
  } while (item.kind != WALK_END && !search->proven);
  return CAS_OK;
}

/* The segment behind it, with what it says of the end of this one. *next stays 0 where there is none. */
static cas_status find_next(const struct search *search, uint64_t segment, uint64_t *next,
                            struct segment_origin *origin) {
  uint32_t number = segment_file_number(segment);
  if (number == UINT32_MAX) return CAS_OK;
  uint64_t found;
  STATUS_TRY(volume_find(search->volume, number + 1, &found, search->error));
  STATUS_TRY(segment_origin_read(search->volume, search->key, found, origin, search->error));
  if (!segment_is_void(origin)) *next = found;
  return CAS_OK;
}

static cas_status search_segment(struct search *search, uint64_t segment, uint64_t *next) {
  struct segment_origin origin = {0};
  struct segment_range range = {0};
  cas_status status = find_next(search, segment, next, &origin);
  if (status != CAS_OK && !is_passed_over(status)) return status;
  if (*next != 0 && origin.previous_known && origin.previous.group <= search->mark->group) return CAS_OK;
  /* The mark's offset is one of the generation that it was made in. */
  bool begins_here = segment_file_generation(segment) == 0 && segment == search->mark->segment;
  range.offset = begins_here && search->mark->offset > 0 ? search->mark->offset : SEGMENT_HEADER_BYTES;
  if (*next == 0 || !segment_end_from_next(segment, &origin, &range)) range.end = UINT64_MAX;
  return look_through(search, segment, range.offset, range.end);
}

cas_status segment_find_proven(struct volume *volume, const struct segment_store_key *key,
                               const struct segment_mark *mark, uint64_t *group, struct cas_error *error) {
  struct cas_error detail = {0};
  struct search search = {.volume = volume, .key = key, .mark = mark, .error = &detail};
  uint64_t segment = 0;
  cas_status status = volume_find(volume, mark->segment == 0 ? 1 : mark->segment, &segment, &detail);
  for (uint64_t next = 0; status == CAS_OK && segment != 0 && !search.proven; segment = next, next = 0)
    status = search_segment(&search, segment, &next);
  *group = search.proven ? search.first : 0;
  if (status == CAS_OK || is_passed_over(status)) return CAS_OK;
  return status_fail(error, status, "%s", detail.message);
}
