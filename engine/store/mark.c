/*
 * Owns the fact "mark" of the index: group, segment, offset and where doubt begins.
 */
#include "store/store.h"

#define MARK_FACT "mark"
#define MARK_BYTES 28

cas_status mark_get(struct index *index, struct segment_mark *mark, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  cas_status status = index_get_fact(index, MARK_FACT, &value, error);
  if (status == CAS_NOT_FOUND) {
    *mark = (struct segment_mark){0};
    return CAS_OK;
  }
  STATUS_TRY(status);
  if (value.size != MARK_BYTES) return status_fail(error, CAS_CORRUPT, "the index has no valid mark");
  *mark = (struct segment_mark){.group = load_u64(value.data),
                                .segment = load_u32(value.data + 8),
                                .offset = load_u64(value.data + 12),
                                .doubtful_from = load_u64(value.data + 20)};
  return CAS_OK;
}

cas_status mark_put(struct index_batch *batch, const struct segment_mark *mark, struct cas_error *error) {
  uint8_t value[MARK_BYTES];
  store_u64(value, mark->group);
  store_u32(value + 8, mark->segment);
  store_u64(value + 12, mark->offset);
  store_u64(value + 20, mark->doubtful_from);
  return index_batch_put_fact(batch, MARK_FACT, slice_of(value, sizeof value), error);
}
