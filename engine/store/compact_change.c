#include "store/compact_change.h"

#include "base/limits.h"
#include "store/commit_record.h"

static cas_status seal(struct commit_record *record, struct record_group *group) {
  if (!segment_writer_is_open(group->writer)) return segment_writer_seal(group->writer, group->error);
  record->status = CAS_BUSY;
  return CAS_OK;
}

cas_status compact_seal(struct cas_store *store, struct cas_error *error) {
  cas_status status = CAS_BUSY;
  /* Where objects come all the time, the segment is left by itself soon. */
  for (unsigned i = 0; i < SEAL_ATTEMPTS_MAX && status == CAS_BUSY; i++) {
    struct commit_record record = {.append = seal};
    status = commit_record_wait(store, &record, error);
  }
  return status;
}

static cas_status flush(struct commit_record *record, struct record_group *group) {
  record->status = index_flush(group->store->index, &record->error);
  return CAS_OK;
}

cas_status compact_flush(struct cas_store *store, struct cas_error *error) {
  struct commit_record record = {.append = flush};
  return commit_record_wait(store, &record, error);
}

struct relocating {
  struct commit_record record; /* first */
  const struct relocation *relocation;
  size_t from, next;
};

static cas_status relocate(struct commit_record *record, struct record_group *group) {
  struct relocating *relocating = (struct relocating *)record;
  struct cas_error detail = {0};
  cas_status status =
      relocation_apply(relocating->relocation, relocating->from, group->batch, &relocating->next, &detail);
  if (status == CAS_BUSY) {
    record->status = status;
    record->error = detail;
    return CAS_OK;
  }
  if (status != CAS_OK) *group->error = detail;
  return status;
}

cas_status compact_relocate(struct cas_store *store, const struct relocation *relocation, struct cas_error *error) {
  struct relocating relocating = {.relocation = relocation};
  do {
    relocating.record = (struct commit_record){.append = relocate};
    relocating.from = relocating.next;
    cas_status status = commit_record_wait(store, &relocating.record, error);
    /* The index knows the new generation already: it is not as it was. */
    if (status == CAS_BUSY && relocating.from > 0)
      return status_fail(error, CAS_CORRUPT, "a blob came into use while its segment was left");
    STATUS_TRY(status);
  } while (relocating.next < relocation->count);
  return CAS_OK;
}
