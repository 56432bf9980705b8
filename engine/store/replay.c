/*
 * Applying the log to the index: its tail on every start, all of it in a rebuild.
 *
 * A batch of the index takes whole groups, and the mark behind the last of them, until it is large enough. A group
 * whose records are all good is applied as it was committed. Where records are damaged, an instance stays in the index
 * if the group was durable for certain: its reading will say what is damaged. In a doubtful last group (segment.h) an
 * instance that lacks blobs was never acknowledged, and is left out; a correction and the record of what it replaces
 * count only together, and so do a rejection note and the record of what it hides.
 */
#include <inttypes.h>
#include <stdio.h>

#include "store/blob_read.h"
#include "store/describe.h"
#include "store/dictionaries.h"
#include "store/healed.h"
#include "store/ledger.h"
#include "store/manifest_read.h"
#include "store/placement.h"
#include "store/replay_damage.h"
#include "store/replay_prepare.h"
#include "store/state_apply.h"
#include "store/timeline.h"

/* A manifest, or a record of states. */
struct replayed_record {
  struct prepared_record *prepared; /* owned; good */
  struct placement_origin origin;
  bool placed; /* a manifest: it was not left out */
};

struct replay {
  struct cas_store *store;
  struct index_batch *batch;       /* of the open group and groups before it; NULL: none is open */
  size_t batch_records;            /* instances and blobs in it */
  struct replayed_record *records; /* of the open group */
  size_t record_count, record_capacity;
  int64_t arrival_ns;     /* the last of the open group, 0: none */
  uint64_t group_damage;  /* damaged records or ranges in the open group */
  uint32_t noted_segment; /* whose generation the ledger knows */
  uint32_t torn_segment;  /* where the remains of a torn write were seen last, 0: nowhere */
  bool held;              /* the open group is at its end, but damaged: what follows tells whether it was durable */
  struct segment_mark held_mark;
  struct healed *healed; /* of a replay of the whole log, else NULL */
  struct replay_damage *damage;
  uint64_t instances;
  cas_progress_fn progress;
  void *progress_arg;
  uint64_t bytes_done, bytes_total;
  struct cas_error *error;
};

/* --- records of the open group --- */

/* The beginning of a payload that needs a dictionary. */
static struct cas_slice dictionary_name(const struct segment_event *event) {
  const struct prepared_record *prepared = event->prepared;
  return prepared != NULL ? slice_of(prepared->dictionary, sizeof prepared->dictionary) : event->payload;
}

/* A payload that was not read counts as good where it is the only copy: reading it will say what is damaged. Where a
 * copy is known already, it must not be replaced by a damaged one. */
static cas_status check_second(struct replay *replay, const struct segment_event *event, bool *good) {
  CLEANUP_BUFFER struct cas_buffer payload = {0};
  struct cas_store *store = replay->store;
  struct index_blob present;
  struct record record;
  cas_status status = ledger_find_blob(NULL, replay->batch, &event->record.id, &present, replay->error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  STATUS_TRY(status);
  status = segment_read(store->volume, &store->superblock.key, event->cookie, &record, &payload, NULL);
  *good = status == CAS_OK;
  return status == CAS_CORRUPT || status == CAS_IO ? CAS_OK : status;
}

static cas_status take_blob(struct replay *replay, const struct segment_event *event) {
  struct index_blob present, place = {.cookie = event->cookie,
                                      .codec = event->record.codec,
                                      .raw_size = (uint32_t)event->record.raw_size,
                                      .stored_size = (uint32_t)event->record.stored_size};
  bool good = event->payload_good;
  replay->batch_records++;
  if (!event->payload_read) STATUS_TRY(check_second(replay, event, &good));
  if (!good) {
    replay->group_damage++;
    cas_status status = ledger_find_blob(NULL, replay->batch, &event->record.id, &present, replay->error);
    if (status == CAS_OK) return ledger_kill(replay->batch, event->cookie, replay->error); /* a better copy is known */
    if (status != CAS_NOT_FOUND) return status;
  }
  return ledger_put_blob(replay->batch, &event->record.id, &place, dictionary_name(event), replay->error);
}

/* The record waits for the end of its group. Takes `prepared`. */
static cas_status keep_record(struct replay *replay, const struct segment_event *event,
                              struct prepared_record *prepared) {
  if (replay->record_count == replay->record_capacity) {
    size_t capacity = replay->record_capacity == 0 ? 64 : replay->record_capacity * 2;
    struct replayed_record *grown = realloc(replay->records, capacity * sizeof *grown);
    if (grown == NULL) {
      prepared_record_destroy(prepared);
      return CAS_NO_MEMORY;
    }
    replay->records = grown;
    replay->record_capacity = capacity;
  }
  replay->records[replay->record_count++] =
      (struct replayed_record){.prepared = prepared, .origin = {.cookie = event->cookie, .group = event->group}};
  return CAS_OK;
}

/* Takes `prepared`. */
static cas_status take_prepared(struct replay *replay, const struct segment_event *event,
                                struct prepared_record *prepared) {
  enum record_kind kind = event->record.kind;
  bool is_manifest = kind == RECORD_MANIFEST;
  if (prepared->good && kind != RECORD_SNAPSHOT) return keep_record(replay, event, prepared);
  cas_status status = CAS_OK;
  if (prepared->good) {
    status = snapshot_apply(replay->batch, event->group, &prepared->snapshot, replay->error);
  } else {
    replay_damage_note(replay->damage, replay->store, event,
                       "segment %" PRIu32 ": the %s at %" PRIu64 " is damaged: %s is lost", event->segment,
                       is_manifest            ? "manifest"
                       : kind == RECORD_STATE ? "record of states"
                                              : "snapshot",
                       event->offset, is_manifest ? "an instance" : "it");
    replay->group_damage++;
  }
  prepared_record_destroy(prepared);
  return status;
}

static cas_status take_record(struct replay *replay, const struct segment_event *event) {
  struct prepared_record *prepared = event->prepared;
  if (event->record.kind == RECORD_BLOB) {
    cas_status status = take_blob(replay, event);
    prepared_record_destroy(prepared);
    return status;
  }
  if (prepared == NULL) STATUS_TRY(prepared_record_create(replay->store, event, &prepared));
  return prepared != NULL ? take_prepared(replay, event, prepared) : CAS_OK;
}

/* --- the end of a group --- */

/* The first header of a series is what the next ones resemble; so it is after a rebuild. */
static cas_status note_dictionary(struct replay *replay, const struct manifest *manifest,
                                  const struct cas_attributes *attributes) {
  const char *series_uid = cas_attributes_text(attributes, CAS_TAG_SERIES_INSTANCE_UID);
  char name[CAS_UID_TEXT_MAX + 16];
  uint8_t value[CODEC_DICTIONARY_NAME_BYTES];
  struct index_blob place;
  if (series_uid[0] == '\0' || strlen(series_uid) >= CAS_UID_TEXT_MAX || manifest->blob_count == 0) return CAS_OK;
  const struct blob_id *id = &manifest->blobs[0].id;
  if (ledger_find_blob(NULL, replay->batch, id, &place, NULL) != CAS_OK) return CAS_OK;
  if (place.codec == CODEC_ZSTD_DICTIONARY || place.raw_size < DICTIONARY_BYTES_MIN ||
      place.raw_size > DICTIONARY_BYTES_MAX)
    return CAS_OK;
  dictionary_fact_name(series_uid, name);
  memcpy(value, id->hash.bytes, 16);
  store_u16(value + 16, id->ordinal);
  return index_batch_put_fact(replay->batch, name, slice_of(value, sizeof value), replay->error);
}

static cas_status place(struct replay *replay, const struct replayed_record *replayed,
                        const struct cas_attributes *attributes) {
  const struct manifest *manifest = &replayed->prepared->manifest;
  STATUS_TRY(placement_put(replay->batch, replay->store->placement_memo, manifest, attributes, &replayed->origin,
                           replay->error));
  STATUS_TRY(note_dictionary(replay, manifest, attributes));
  if (manifest->since == 0 && manifest->arrival_ns > replay->arrival_ns) replay->arrival_ns = manifest->arrival_ns;
  replay->instances++;
  replay->batch_records++;
  return CAS_OK;
}

/* A rebuild goes on behind what the disk does not give; a start must not take a disturbance for damage. */
static bool is_damage(const struct replay *replay, cas_status status) {
  return status == CAS_CORRUPT || (status == CAS_IO && replay->healed != NULL);
}

/* What is away with the cold place was durable before. */
static cas_status has_all_blobs(struct replay *replay, const struct manifest *manifest, bool *has_all) {
  cas_status status = CAS_OK;
  for (size_t i = 0; i < manifest->blob_count && (status == CAS_OK || status == CAS_AWAY); i++) {
    const struct cached_blob *blob = NULL;
    status = blob_read(replay->store, replay->batch, &manifest->blobs[i].id, &blob, replay->error);
    read_cache_unref(replay->store->read_cache, blob);
  }
  *has_all = !is_damage(replay, status);
  return status == CAS_AWAY || !*has_all ? CAS_OK : status;
}

static bool belong_together(const struct manifest *manifest, const struct state_record *state) {
  if (state->of_object) return manifest->states == state->ordinal + 1;
  return manifest->origin == CAS_ORIGIN_CORRECTED && state->action == CAS_ACTION_REPLACE && state->target_count > 0 &&
         strcmp(manifest->sop_instance_uid, state->targets[0].uid) == 0;
}

/* Whether the open group has the record that belongs to an instance. */
static bool has_states(const struct replay *replay, const struct manifest *manifest) {
  for (size_t i = 0; i < replay->record_count; i++) {
    const struct prepared_record *prepared = replay->records[i].prepared;
    if (prepared->kind == RECORD_STATE && belong_together(manifest, &prepared->state)) return true;
  }
  return false;
}

/* Of a doubtful group. A manifest that was only moved had its replacement before. */
static cas_status is_whole(struct replay *replay, const struct manifest *manifest, bool *whole) {
  bool is_correction = manifest->origin == CAS_ORIGIN_CORRECTED && manifest->since == 0;
  bool needs_states = is_correction || manifest->states != 0;
  *whole = !needs_states || has_states(replay, manifest);
  return *whole ? has_all_blobs(replay, manifest, whole) : CAS_OK;
}

/* It has a place by its UID alone, unless its header is found further on. */
static cas_status do_without_header(struct replay *replay, struct prepared_record *prepared) {
  replay_damage_note(replay->damage, replay->store, NULL, "the header of instance %s is damaged",
                     prepared->manifest.sop_instance_uid);
  if (replay->healed != NULL)
    STATUS_TRY(healed_note(replay->healed, replay->batch, &prepared->manifest, replay->error));
  return cas_attributes_create(&prepared->attributes);
}

static cas_status place_manifest(struct replay *replay, struct replayed_record *replayed, bool doubtful) {
  struct prepared_record *prepared = replayed->prepared;
  bool whole = true;
  if (doubtful) STATUS_TRY(is_whole(replay, &prepared->manifest, &whole));
  if (!whole) {
    store_log(replay->store, CAS_LOG_WARNING, "an instance of the last write, which was not finished, is left out");
    return CAS_OK;
  }
  cas_status status = CAS_OK;
  if (prepared->attributes == NULL)
    status = describe_instance(replay->store, replay->batch, &prepared->manifest, &prepared->attributes, replay->error);
  if (is_damage(replay, status)) status = do_without_header(replay, prepared);
  replayed->placed = true;
  return status == CAS_OK ? place(replay, replayed, prepared->attributes) : status;
}

/* Whether the open group has placed the instance that a record belongs to. */
static bool has_instance(const struct replay *replay, const struct state_record *state) {
  for (size_t i = 0; i < replay->record_count; i++) {
    const struct replayed_record *replayed = &replay->records[i];
    if (replayed->placed && belong_together(&replayed->prepared->manifest, state)) return true;
  }
  return false;
}

static cas_status apply_states(struct replay *replay, const struct replayed_record *replayed, bool doubtful) {
  const struct state_record *state = &replayed->prepared->state;
  if (doubtful && state_record_needs_instance(state) && !has_instance(replay, state)) return CAS_OK;
  replay->batch_records += state->target_count;
  return state_apply(replay->store, replay->batch, replayed->origin.group, state, replay->error);
}

static void forget_records(struct replay *replay) {
  for (size_t i = 0; i < replay->record_count; i++) prepared_record_destroy(replay->records[i].prepared);
  replay->record_count = 0;
  replay->arrival_ns = 0;
}

static cas_status apply_batch(struct replay *replay) {
  struct index_batch *batch = replay->batch;
  replay->batch = NULL;
  replay->batch_records = 0;
  return batch != NULL ? index_batch_apply(batch, replay->error) : CAS_OK;
}

static cas_status apply_group(struct replay *replay, const struct segment_mark *mark, bool doubtful) {
  for (size_t i = 0; i < replay->record_count; i++)
    STATUS_TRY(replay->records[i].prepared->kind == RECORD_MANIFEST
                   ? place_manifest(replay, &replay->records[i], doubtful)
                   : apply_states(replay, &replay->records[i], doubtful));
  if (replay->arrival_ns > 0) STATUS_TRY(timeline_note(replay->batch, mark->group, replay->arrival_ns, replay->error));
  forget_records(replay);
  replay->group_damage = 0;
  STATUS_TRY(mark_put(replay->batch, mark, replay->error));
  if (replay->batch_records >= REPLAY_BATCH_RECORDS_MAX) STATUS_TRY(apply_batch(replay));
  if (replay->progress == NULL) return CAS_OK;
  struct cas_progress progress = {
      .done = replay->bytes_done, .total = replay->bytes_total, .instances = replay->instances};
  return replay->progress(replay->progress_arg, &progress);
}

static cas_status finish_group(struct replay *replay, const struct segment_event *event) {
  struct segment_mark mark = {.group = event->group, .segment = event->segment, .offset = event->offset + event->size};
  /* Torn bytes before a COMMIT are those of a group that was doubtful when the next segment was begun. */
  bool was_doubtful = replay->torn_segment == event->segment;
  if (replay->group_damage == 0) return apply_group(replay, &mark, was_doubtful);
  replay->held = true;
  replay->held_mark = mark;
  return CAS_OK;
}

/* A group that is followed by anything durable was durable itself. */
static cas_status apply_held(struct replay *replay, uint64_t doubtful_from) {
  if (!replay->held) return CAS_OK;
  replay->held = false;
  replay->held_mark.doubtful_from = doubtful_from;
  return apply_group(replay, &replay->held_mark, doubtful_from != 0);
}

/* The whole of a segment that was written anew is replayed: its numbers begin with it. */
static cas_status note_generation(struct replay *replay, const struct segment_event *event) {
  if (event->generation == 0 || event->segment == replay->noted_segment) return CAS_OK;
  replay->noted_segment = event->segment;
  return ledger_note_generation(replay->batch, segment_file(event->segment, event->generation), replay->error);
}

static cas_status take_event(void *arg, const struct segment_event *event) {
  struct replay *replay = arg;
  replay->bytes_done += event->size;
  if (event->kind == SEGMENT_EVENT_TORN) {
    replay->torn_segment = event->segment;
    store_log(replay->store, CAS_LOG_NOTICE,
              "segment %" PRIu32 ": %" PRIu64 " bytes of an unfinished write are dropped", event->segment, event->size);
    return CAS_OK;
  }
  STATUS_TRY(apply_held(replay, 0));
  if (replay->batch == NULL) STATUS_TRY(index_batch_begin(replay->store->index, &replay->batch, replay->error));
  STATUS_TRY(note_generation(replay, event));
  switch (event->kind) {
  case SEGMENT_EVENT_DAMAGE:
    replay_damage_note(replay->damage, replay->store, event,
                       "segment %" PRIu32 ": %" PRIu64 " bytes at %" PRIu64 " are damaged", event->segment, event->size,
                       event->offset);
    replay->group_damage++;
    return CAS_OK;
  case SEGMENT_EVENT_COMMIT: return finish_group(replay, event);
  default: break;
  }
  return take_record(replay, event);
}

static cas_status count_bytes(struct replay *replay, const struct segment_mark *from) {
  CLEANUP_FREE uint64_t *segments = NULL;
  size_t count;
  STATUS_TRY(volume_list(replay->store->volume, &segments, &count, NULL, replay->error));
  for (size_t i = 0; i < count; i++) {
    uint64_t size;
    if (segment_file_number(segments[i]) < from->segment) continue;
    STATUS_TRY(volume_size(replay->store->volume, segments[i], &size, replay->error));
    replay->bytes_total += size - (segments[i] == from->segment && size > from->offset ? from->offset : 0);
  }
  return CAS_OK;
}

static cas_status begin_with_healed(struct replay *replay) {
  if (replay->healed == NULL || healed_count(replay->healed) == 0) return CAS_OK;
  STATUS_TRY(index_batch_begin(replay->store->index, &replay->batch, replay->error));
  return healed_put(replay->healed, replay->batch, replay->error);
}

cas_status store_replay(struct cas_store *store, unsigned scan_flags, const struct replay_options *options,
                        struct segment_mark *end, struct cas_error *error) {
  static const struct replay_options none = {0};
  if (options == NULL) options = &none;
  struct replay_damage damage = {0};
  struct replay replay = {.store = store,
                          .healed = options->healed,
                          .damage = options->damage != NULL ? options->damage : &damage,
                          .progress = options->progress,
                          .progress_arg = options->progress_arg,
                          .error = error};
  struct segment_mark from;
  STATUS_TRY(mark_get(store->index, &from, error));
  STATUS_TRY(count_bytes(&replay, &from));
  placement_memo_forget(store->placement_memo);
  index_expect(store->index, replay.bytes_total / REPLAY_BYTES_OF_ENTRY);
  cas_status status = begin_with_healed(&replay);
  if (status == CAS_OK)
    status = segment_recover_ahead(store->volume, &store->superblock.key, from, scan_flags, options->ahead, take_event,
                                   &replay, end, error);
  if (status == CAS_OK) status = apply_held(&replay, end->doubtful_from);
  if (status == CAS_OK) status = apply_batch(&replay);
  if (replay.batch != NULL) index_batch_abort(replay.batch);
  if (status != CAS_OK) placement_memo_forget(store->placement_memo);
  forget_records(&replay);
  free(replay.records);
  replay_damage_tell(&damage, store);
  replay_damage_fini(&damage);
  if (status == CAS_OK && replay.instances > 0)
    store_log(store, CAS_LOG_NOTICE, "%" PRIu64 " instances were taken over from the log into the index",
              replay.instances);
  return status;
}
