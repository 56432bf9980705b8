/*
 * Order matters: the empty group comes before the replay. A group whose sync failed may lie whole at the end of the
 * log, and only what is durable behind it says that it is void.
 */
#include "store/revive.h"

#include <inttypes.h>

#include "base/limits.h"
#include "store/condition.h"

cas_status revive_check_space(struct cas_store *store, uint64_t spare_bytes, struct cas_error *error) {
  uint64_t free_bytes, total_bytes;
  STATUS_TRY(store->disk->ops->space(store->disk, &free_bytes, &total_bytes, error));
  if (free_bytes >= DISK_RESERVE_BYTES + spare_bytes) return CAS_OK;
  return status_fail(error, CAS_NO_SPACE,
                     "the disk is full: %" PRIu64 " MiB are free, of which the index and the log need %u",
                     free_bytes >> 20, DISK_RESERVE_BYTES >> 20);
}

static cas_status replay_into_index(struct cas_store *store, const struct segment_mark *mark, struct cas_error *error) {
  struct segment_mark end;
  STATUS_TRY(index_reopen(store->index, error));
  STATUS_TRY(store_replay(store, SEGMENT_SCAN_PAYLOADS, NULL, &end, error));
  if (end.group == mark->group && end.segment == mark->segment && end.offset == mark->offset) return CAS_OK;
  return status_fail(error, CAS_CORRUPT,
                     "the log ends in segment %" PRIu32 " at %" PRIu64 ", and not at %" PRIu64
                     " as it was written: the store must be opened anew",
                     end.segment, end.offset, mark->offset);
}

static cas_status try_index(struct cas_store *store, const struct segment_mark *mark, struct cas_error *error) {
  struct index_batch *batch;
  STATUS_TRY(index_batch_begin(store->index, &batch, error));
  cas_status status = mark_put(batch, mark, error);
  if (status == CAS_OK) return index_batch_apply(batch, error);
  index_batch_abort(batch);
  return status;
}

static cas_status try_all(struct cas_store *store, struct segment_writer *writer, bool *index_is_behind,
                          struct cas_error *error) {
  struct segment_mark mark;
  /* More than storing asks for, so that the state does not change with every object. */
  STATUS_TRY(revive_check_space(store, GROUP_BYTES_MAX, error));
  STATUS_TRY(segment_writer_commit_empty(writer, &mark, error));
  cas_status status = *index_is_behind ? replay_into_index(store, &mark, error) : try_index(store, &mark, error);
  *index_is_behind = status != CAS_OK;
  return status;
}

void revive(struct cas_store *store, struct segment_writer *writer, bool *index_is_behind) {
  struct cas_error error = {0};
  cas_status status = try_all(store, writer, index_is_behind, &error);
  if (status == CAS_OK)
    condition_clear(store->condition);
  else
    condition_fail(store->condition, status, &error);
}
