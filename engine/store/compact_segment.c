/*
 * One segment written anew. The thread that compacts reads it once, from its beginning to its end; decides of each
 * record whether it is needed; and lets the queue encode and write what is (pack_queue.h).
 *
 *   read -> needed? -> queue -> new file -> durable -> index, batch by batch -> old file removed
 *
 * What is needed: blobs with users, manifests that the tree has at this place, and all other records but
 * those of states that were left out with their instances. A blob without users is doomed first, so that no object on
 * its way counts on it any more, and then looked at once more.
 */
#include "store/compact_segment.h"

#include <inttypes.h>

#include "base/limits.h"
#include "segment/segment_rewrite.h"
#include "store/compact_change.h"
#include "store/manifest_read.h"
#include "store/pack_queue.h"
#include "store/pins.h"
#include "store/placement.h"
#include "store/read_cache.h"
#include "store/revive.h"
#include "store/state_apply.h"
#include "store/superseded.h"
#include "store/worker_pool.h"

struct rewriting {
  struct compaction *compaction;
  struct cas_store *store;
  uint64_t segment; /* the old generation */
  uint64_t size;    /* its length */
  enum volume_tier tier;
  struct segment_rewrite *rewrite;
  struct pack_queue *queue;
  struct relocation relocation;
  uint64_t packed, dropped;
  struct cas_error *error;
};

/* --- out: by the queue, in order --- */

static cas_status write_record(void *arg, const struct packed_record *packed) {
  struct rewriting *rewriting = arg;
  const struct record *record = &packed->record;
  struct record_cookie cookie;
  if (packed->is_commit) return segment_rewrite_commit(rewriting->rewrite, rewriting->error);
  STATUS_TRY(
      segment_rewrite_append(rewriting->rewrite, packed->group, record, packed->payload, &cookie, rewriting->error));
  rewriting->packed += packed->was_packed;
  if (record->kind == RECORD_MANIFEST)
    return relocation_add_manifest(&rewriting->relocation, packed->uid, packed->version, cookie);
  if (record->kind != RECORD_BLOB) return CAS_OK;
  struct index_blob place = {.cookie = cookie,
                             .codec = record->codec,
                             .raw_size = (uint32_t)record->raw_size,
                             .stored_size = (uint32_t)packed->payload.size};
  return relocation_add_blob(&rewriting->relocation, &record->id, &place);
}

/* --- in --- */

static cas_status leave(const struct rewriting *rewriting, const struct segment_event *event) {
  return status_fail(rewriting->error, CAS_CORRUPT, "segment %" PRIu32 " is damaged at %" PRIu64 ": it stays as it is",
                     event->segment, event->offset);
}

/* What is damaged keeps the segment as it is, unless it was healed and is not needed. */
static cas_status leave_out(struct rewriting *rewriting, const struct segment_event *event) {
  bool covers;
  STATUS_TRY(superseded_covers(rewriting->store->index, rewriting->segment, event->offset, event->size, &covers,
                               rewriting->error));
  if (!covers) return leave(rewriting, event);
  rewriting->dropped++;
  return CAS_OK;
}

static bool is_at(struct record_cookie cookie, const struct segment_event *event) {
  return memcmp(cookie.bytes, event->cookie.bytes, sizeof cookie.bytes) == 0;
}

/* Nobody uses the blob, and from now on nobody can begin to. */
static cas_status doom(struct rewriting *rewriting, const struct segment_event *event, struct index_blob *place,
                       bool *is_dead) {
  struct pins *pins = rewriting->store->pins;
  *is_dead = pins_doom(pins, event->segment, &event->record.id);
  if (!*is_dead) return CAS_OK;
  STATUS_TRY(ledger_find_blob(rewriting->store->index, NULL, &event->record.id, place, rewriting->error));
  *is_dead = place->users == 0 && is_at(place->cookie, event);
  if (!*is_dead) pins_pardon(pins, &event->record.id);
  return CAS_OK;
}

static cas_status needs_blob(struct rewriting *rewriting, const struct segment_event *event, bool *needed) {
  struct index_blob place;
  bool is_dead = false;
  *needed = false;
  cas_status status = ledger_find_blob(rewriting->store->index, NULL, &event->record.id, &place, rewriting->error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  STATUS_TRY(status);
  if (!is_at(place.cookie, event)) return CAS_OK;
  if (place.users == 0) STATUS_TRY(doom(rewriting, event, &place, &is_dead));
  *needed = !is_dead;
  if (*needed) return CAS_OK;
  return relocation_drop_blob(&rewriting->relocation, &event->record.id, &place, event->payload);
}

static cas_status put(struct rewriting *rewriting, const struct segment_event *event, const struct manifest *manifest) {
  if (!event->payload_good) return leave(rewriting, event);
  struct packed_record record = {.record = event->record,
                                 .group = event->group,
                                 .payload = event->payload,
                                 .uid = manifest != NULL ? manifest->sop_instance_uid : NULL,
                                 .version = manifest != NULL ? manifest->version : 0};
  return pack_queue_put(rewriting->queue, &record);
}

static cas_status put_manifest(struct rewriting *rewriting, const struct segment_event *event) {
  struct manifest manifest;
  struct record_cookie cookie;
  if (!event->payload_good) return leave_out(rewriting, event);
  cas_status status = manifest_decode_record(rewriting->store, &event->record, event->payload, &manifest);
  if (status == CAS_CORRUPT) return leave(rewriting, event);
  STATUS_TRY(status);
  status =
      placement_find(rewriting->store->index, manifest.sop_instance_uid, manifest.version, &cookie, rewriting->error);
  if (status == CAS_OK && is_at(cookie, event))
    status = put(rewriting, event, &manifest);
  else if (status == CAS_OK || status == CAS_NOT_FOUND)
    status = (rewriting->dropped++, CAS_OK);
  manifest_fini(&manifest);
  return status;
}

/* What was left out with its instance (replay.c) must not come back with the group's good records. */
static cas_status put_states(struct rewriting *rewriting, const struct segment_event *event) {
  struct state_record state;
  bool applied = true;
  if (!event->payload_good) return leave(rewriting, event);
  cas_status status = state_record_read(rewriting->store, &event->record, event->payload, &state);
  if (status == CAS_CORRUPT) return put(rewriting, event, NULL);
  STATUS_TRY(status);
  if (state_record_needs_instance(&state))
    status = state_is_applied(rewriting->store->index, event->group, &state, &applied, rewriting->error);
  state_record_fini(&state);
  STATUS_TRY(status);
  if (applied) return put(rewriting, event, NULL);
  rewriting->dropped++;
  return CAS_OK;
}

static cas_status put_blob(struct rewriting *rewriting, const struct segment_event *event) {
  bool needed;
  STATUS_TRY(needs_blob(rewriting, event, &needed));
  if (needed) return put(rewriting, event, NULL);
  rewriting->dropped++;
  return CAS_OK;
}

static cas_status take_event(void *arg, const struct segment_event *event) {
  struct rewriting *rewriting = arg;
  STATUS_TRY(pace_keep(&rewriting->compaction->pace, event->size));
  switch (event->kind) {
  case SEGMENT_EVENT_TORN: return CAS_OK;
  case SEGMENT_EVENT_DAMAGE: return leave_out(rewriting, event);
  case SEGMENT_EVENT_COMMIT: {
    struct packed_record commit = {.is_commit = true};
    return pack_queue_put(rewriting->queue, &commit);
  }
  case SEGMENT_EVENT_RECORD: break;
  }
  switch (event->record.kind) {
  case RECORD_BLOB: return put_blob(rewriting, event);
  case RECORD_MANIFEST: return put_manifest(rewriting, event);
  case RECORD_STATE: return put_states(rewriting, event);
  default: return put(rewriting, event, NULL);
  }
}

/* --- one segment --- */

static cas_status write_anew(struct rewriting *rewriting, uint64_t *size_after) {
  struct cas_store *store = rewriting->store;
  const struct segment_store_key *key = &store->superblock.key;
  struct compaction *compaction = rewriting->compaction;
  unsigned threads =
      compaction->options->threads != 0 ? compaction->options->threads : worker_pool_size(store->workers);
  STATUS_TRY(revive_check_space(store, rewriting->size, rewriting->error));
  STATUS_TRY(segment_rewrite_create(store->volume, key, rewriting->segment, &rewriting->rewrite, rewriting->error));
  STATUS_TRY(pack_queue_create(store->codec, threads, compaction->options->in_background, write_record, rewriting,
                               &rewriting->queue, rewriting->error));
  STATUS_TRY(segment_scan(store->volume, key, rewriting->segment, 0, NULL,
                          SEGMENT_SCAN_PAYLOADS | SEGMENT_SCAN_UNREADABLE, take_event, rewriting, rewriting->error));
  STATUS_TRY(pack_queue_finish(rewriting->queue));
  const uint32_t number = segment_file_number(rewriting->segment);
  *store->unsettled = (struct unsettled_segment){
      .segment = segment_file(number, segment_file_generation(rewriting->segment) + 1), .tier = rewriting->tier};
  return segment_rewrite_finish(rewriting->rewrite, &rewriting->relocation.segment, size_after, rewriting->error);
}

static void forget_dropped(struct cas_store *store, const struct relocation *relocation) {
  for (size_t i = 0; i < relocation->count; i++)
    if (relocation->records[i].is_dropped) read_cache_forget(store->read_cache, &relocation->records[i].id);
}

static cas_status switch_over(struct rewriting *rewriting, uint64_t size_after) {
  struct cas_store *store = rewriting->store;
  struct cas_compact_result *result = rewriting->compaction->result;
  rewriting->relocation.saved = rewriting->size > size_after ? rewriting->size - size_after : 0;
  STATUS_TRY(compact_relocate(store, &rewriting->relocation, rewriting->error));
  forget_dropped(store, &rewriting->relocation);
  result->segments++;
  result->bytes_before += rewriting->size;
  result->bytes_after += size_after;
  result->packed_blobs += rewriting->packed;
  result->dropped_records += rewriting->dropped;
  store_log(store, CAS_LOG_NOTICE,
            "segment %" PRIu32 " was written anew: %" PRIu64 " bytes instead of %" PRIu64 ", %" PRIu64
            " blobs packed, %" PRIu64 " records dropped",
            segment_file_number(rewriting->segment), size_after, rewriting->size, rewriting->packed,
            rewriting->dropped);
  return volume_discard(store->volume, rewriting->segment, rewriting->tier, rewriting->error);
}

cas_status compact_settle(struct cas_store *store, struct cas_error *error) {
  const uint64_t segment = store->unsettled->segment;
  const uint32_t number = segment_file_number(segment), generation = segment_file_generation(segment);
  struct cas_store_condition condition;
  struct ledger_segment known;
  if (segment != 0) {
    /* What the index has of a batch that failed shows when it was opened anew. */
    cas_store_condition(store, &condition);
    if (condition.read_only) return status_fail(error, condition.status, "%s", condition.reason);
    STATUS_TRY(ledger_get_segment(store->index, NULL, number, &known, error));
    cas_status status = CAS_NOT_FOUND;
    if (known.generation < generation) status = volume_discard(store->volume, segment, store->unsettled->tier, error);
    if (status != CAS_NOT_FOUND) STATUS_TRY(status);
    if (known.generation == generation && known.settled < generation)
      return status_fail(error, CAS_BUSY, "segment %" PRIu32 " is settled at the next start", number);
  }
  store->unsettled->segment = 0;
  pins_end(store->pins);
  return CAS_OK;
}

cas_status compact_segment(struct compaction *compaction, uint64_t segment) {
  struct cas_store *store = compaction->store;
  struct rewriting rewriting = {
      .compaction = compaction, .store = store, .segment = segment, .error = compaction->error};
  uint64_t size_after;
  STATUS_TRY(compact_settle(store, compaction->error));
  STATUS_TRY(volume_size(store->volume, segment, &rewriting.size, compaction->error));
  STATUS_TRY(volume_tier_of(store->volume, segment, &rewriting.tier, compaction->error));
  cas_status status = write_anew(&rewriting, &size_after);
  if (status == CAS_OK) status = switch_over(&rewriting, size_after);
  pack_queue_destroy(rewriting.queue);
  segment_rewrite_destroy(rewriting.rewrite);
  relocation_fini(&rewriting.relocation);
  if (status == CAS_OK) store->unsettled->segment = 0;
  (void)!compact_settle(store, NULL); /* or whoever compacts or moves next */
  return status;
}
