/*
 * Owns the facts "segment/NUMBER", "reclaimed" and "moved". Invariants:
 *  1. A blob's entry without a place has a user; one that has neither is deleted.
 *  2. dead_bytes counts each record once, when it becomes dead, and only in the generation that the fact is about.
 */
#include "store/ledger.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/status.h"
#include "codec/codec.h"
#include "store/superseded.h"

#define FACT_PREFIX "segment/"
#define FACT_NAME_BYTES 32
#define FACT_BYTES 24
#define RECLAIMED_FACT "reclaimed"
#define MOVED_FACT "moved"

static void fact_name(uint32_t number, char name[FACT_NAME_BYTES]) {
  snprintf(name, FACT_NAME_BYTES, FACT_PREFIX "%010" PRIu32, number);
}

static bool decode(struct cas_slice value, struct ledger_segment *segment) {
  if (value.size != FACT_BYTES) return false;
  *segment = (struct ledger_segment){.generation = load_u32(value.data),
                                     .settled = load_u32(value.data + 4),
                                     .dead_bytes = load_u64(value.data + 8),
                                     .deferred_bytes = load_u64(value.data + 16)};
  return true;
}

static cas_status read_fact(struct index *index, struct index_batch *batch, uint32_t number,
                            struct ledger_segment *segment, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  char name[FACT_NAME_BYTES];
  fact_name(number, name);
  cas_status status =
      batch != NULL ? index_batch_get_fact(batch, name, &value, error) : index_get_fact(index, name, &value, error);
  if (status == CAS_NOT_FOUND) {
    *segment = (struct ledger_segment){0};
    return CAS_OK;
  }
  STATUS_TRY(status);
  if (!decode(slice_of_buffer(&value), segment))
    return status_fail(error, CAS_CORRUPT, "the index entry of segment %" PRIu32 " is damaged: rebuild the index",
                       number);
  return CAS_OK;
}

cas_status ledger_get_segment(struct index *index, struct index_batch *batch, uint32_t number,
                              struct ledger_segment *segment, struct cas_error *error) {
  return read_fact(index, batch, number, segment, error);
}

cas_status ledger_put_segment(struct index_batch *batch, uint32_t number, const struct ledger_segment *segment,
                              struct cas_error *error) {
  uint8_t value[FACT_BYTES];
  char name[FACT_NAME_BYTES];
  fact_name(number, name);
  store_u32(value, segment->generation);
  store_u32(value + 4, segment->settled);
  store_u64(value + 8, segment->dead_bytes);
  store_u64(value + 16, segment->deferred_bytes);
  return index_batch_put_fact(batch, name, slice_of(value, sizeof value), error);
}

cas_status ledger_note_generation(struct index_batch *batch, uint64_t segment, struct cas_error *error) {
  uint32_t number = segment_file_number(segment), generation = segment_file_generation(segment);
  struct ledger_segment known;
  STATUS_TRY(read_fact(NULL, batch, number, &known, error));
  if (known.generation >= generation) return CAS_OK;
  known = (struct ledger_segment){.generation = generation, .settled = generation};
  return ledger_put_segment(batch, number, &known, error);
}

static cas_status get_number(struct index *index, struct index_batch *batch, const char *fact, uint64_t *number,
                             struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  cas_status status =
      batch != NULL ? index_batch_get_fact(batch, fact, &value, error) : index_get_fact(index, fact, &value, error);
  if (status != CAS_NOT_FOUND) STATUS_TRY(status);
  *number = value.size == 8 ? load_u64(value.data) : 0;
  return CAS_OK;
}

static cas_status put_number(struct index_batch *batch, const char *fact, uint64_t number, struct cas_error *error) {
  uint8_t value[8];
  store_u64(value, number);
  return index_batch_put_fact(batch, fact, slice_of(value, sizeof value), error);
}

cas_status ledger_get_reclaimed(struct index *index, struct index_batch *batch, uint64_t *bytes,
                                struct cas_error *error) {
  return get_number(index, batch, RECLAIMED_FACT, bytes, error);
}

cas_status ledger_put_reclaimed(struct index_batch *batch, uint64_t bytes, struct cas_error *error) {
  return put_number(batch, RECLAIMED_FACT, bytes, error);
}

cas_status ledger_get_moved(struct index *index, struct index_batch *batch, uint64_t *segments,
                            struct cas_error *error) {
  return get_number(index, batch, MOVED_FACT, segments, error);
}

cas_status ledger_put_moved(struct index_batch *batch, uint64_t segments, struct cas_error *error) {
  return put_number(batch, MOVED_FACT, segments, error);
}

struct listing {
  ledger_fn each;
  void *arg;
};

static cas_status list_fact(void *arg, const char *name, struct cas_slice value) {
  const struct listing *listing = arg;
  struct ledger_segment segment;
  if (!decode(value, &segment)) return CAS_CORRUPT;
  return listing->each(listing->arg, (uint32_t)strtoul(name + strlen(FACT_PREFIX), NULL, 10), &segment);
}

cas_status ledger_list(struct index *index, ledger_fn each, void *arg, struct cas_error *error) {
  struct listing listing = {.each = each, .arg = arg};
  cas_status status = index_list_facts(index, FACT_PREFIX, NULL, list_fact, &listing, error);
  if (status == CAS_CORRUPT && error != NULL && error->status == CAS_OK)
    return status_fail(error, status, "the index entry of a segment is damaged: rebuild the index");
  return status;
}

/* --- records --- */

static bool has_place(const struct index_blob *blob) {
  return segment_file_number(record_cookie_segment(blob->cookie)) != 0;
}

static bool same_place(struct record_cookie a, struct record_cookie b) {
  return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static void add(uint64_t *bytes, int64_t change) {
  *bytes = change < 0 && *bytes < (uint64_t)-change ? 0 : *bytes + (uint64_t)change;
}

/* `dead` and `deferred` are -1, 0 or 1 times the record's bytes. */
static cas_status account(struct index_batch *batch, struct record_cookie cookie, int dead, int deferred,
                          struct cas_error *error) {
  struct ledger_segment segment;
  uint32_t number;
  uint64_t offset, bytes;
  if (dead == 0 && deferred == 0) return CAS_OK;
  record_cookie_explain(cookie, &number, &offset, &bytes);
  STATUS_TRY(read_fact(NULL, batch, number, &segment, error));
  if (segment.generation != segment_file_generation(record_cookie_segment(cookie))) return CAS_OK;
  add(&segment.dead_bytes, dead * (int64_t)bytes);
  add(&segment.deferred_bytes, deferred * (int64_t)bytes);
  return ledger_put_segment(batch, number, &segment, error);
}

cas_status ledger_kill(struct index_batch *batch, struct record_cookie cookie, struct cas_error *error) {
  return account(batch, cookie, 1, 0, error);
}

cas_status ledger_supersede(struct index_batch *batch, struct record_cookie cookie, struct cas_error *error) {
  STATUS_TRY(superseded_note(batch, cookie, error));
  return ledger_kill(batch, cookie, error);
}

static bool is_deferred(const struct index_blob *blob) { return codec_is_deferred(blob->codec); }

/* --- blobs --- */

static cas_status find(struct index *index, struct index_batch *batch, const struct blob_id *id,
                       struct index_blob *blob, struct cas_error *error) {
  return batch != NULL ? index_batch_get_blob(batch, id, blob, error) : index_get_blob(index, id, blob, error);
}

cas_status ledger_find_blob(struct index *index, struct index_batch *batch, const struct blob_id *id,
                            struct index_blob *blob, struct cas_error *error) {
  struct index_blob found;
  STATUS_TRY(find(index, batch, id, &found, error));
  if (!has_place(&found)) return CAS_NOT_FOUND;
  *blob = found;
  return CAS_OK;
}

static cas_status put(struct index_batch *batch, const struct blob_id *id, const struct index_blob *blob,
                      struct cas_error *error) {
  return blob->users == 0 && !has_place(blob) ? index_batch_delete_blob(batch, id, error)
                                              : index_batch_put_blob(batch, id, blob, error);
}

/* Counts a user more or less. */
static cas_status change_users(struct index_batch *batch, const struct blob_id *id, bool more,
                               struct cas_error *error) {
  struct index_blob blob;
  cas_status status = find(NULL, batch, id, &blob, error);
  if (status == CAS_NOT_FOUND) {
    blob = (struct index_blob){.users = 1};
    return more ? index_batch_put_blob(batch, id, &blob, error) : CAS_OK;
  }
  STATUS_TRY(status);
  if (blob.users == UINT32_MAX || (blob.users == 0 && !more)) return CAS_OK; /* too many to count: kept for ever */
  blob.users = more ? blob.users + 1 : blob.users - 1;
  bool turns = has_place(&blob) && blob.users == (more ? 1 : 0);
  if (turns) STATUS_TRY(account(batch, blob.cookie, more ? -1 : 1, is_deferred(&blob) * (more ? 1 : -1), error));
  return put(batch, id, &blob, error);
}

static cas_status change_dictionary(struct index_batch *batch, uint8_t codec, struct cas_slice payload, bool more,
                                    struct cas_error *error) {
  struct blob_id dictionary;
  if (codec != CODEC_ZSTD_DICTIONARY || codec_dictionary_of(payload, &dictionary) != CAS_OK) return CAS_OK;
  return change_users(batch, &dictionary, more, error);
}

/* Replaces what the index has, which is at another place or nowhere. */
static cas_status replace(struct index_batch *batch, const struct blob_id *id, const struct index_blob *old,
                          const struct index_blob *place, struct cas_error *error) {
  struct index_blob blob = *place;
  blob.users = old->users;
  bool used = blob.users > 0;
  if (has_place(old) && used) STATUS_TRY(account(batch, old->cookie, 1, -is_deferred(old), error));
  STATUS_TRY(account(batch, blob.cookie, used ? 0 : 1, used && is_deferred(&blob), error));
  return index_batch_put_blob(batch, id, &blob, error);
}

cas_status ledger_put_blob(struct index_batch *batch, const struct blob_id *id, const struct index_blob *place,
                           struct cas_slice payload, struct cas_error *error) {
  struct index_blob old;
  cas_status status = find(NULL, batch, id, &old, error);
  if (status == CAS_NOT_FOUND)
    old = (struct index_blob){0};
  else
    STATUS_TRY(status);
  if (same_place(old.cookie, place->cookie)) return CAS_OK;
  if (has_place(&old)) STATUS_TRY(superseded_note(batch, old.cookie, error));
  STATUS_TRY(replace(batch, id, &old, place, error));
  return change_dictionary(batch, place->codec, payload, true, error);
}

bool ledger_is_older(struct record_cookie cookie, struct record_cookie to) {
  uint64_t was = record_cookie_segment(cookie), is = record_cookie_segment(to);
  return segment_file_number(was) == segment_file_number(is) &&
         segment_file_generation(was) < segment_file_generation(is);
}

cas_status ledger_move_blob(struct index_batch *batch, const struct blob_id *id, const struct index_blob *to,
                            struct cas_error *error) {
  struct index_blob old;
  cas_status status = find(NULL, batch, id, &old, error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  STATUS_TRY(status);
  return ledger_is_older(old.cookie, to->cookie) ? replace(batch, id, &old, to, error) : CAS_OK;
}

cas_status ledger_drop_blob(struct index_batch *batch, const struct blob_id *id, struct record_cookie from,
                            struct cas_slice payload, struct cas_error *error) {
  struct index_blob old;
  cas_status status = find(NULL, batch, id, &old, error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  STATUS_TRY(status);
  if (!same_place(old.cookie, from)) return CAS_OK;
  if (old.users > 0) return status_fail(error, CAS_BUSY, "a blob that is in use was to be dropped");
  STATUS_TRY(index_batch_delete_blob(batch, id, error));
  return change_dictionary(batch, old.codec, payload, false, error);
}

cas_status ledger_lose_blob(struct index_batch *batch, const struct blob_id *id, struct record_cookie from,
                            struct cas_error *error) {
  struct index_blob old;
  cas_status status = find(NULL, batch, id, &old, error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  STATUS_TRY(status);
  if (!same_place(old.cookie, from)) return CAS_OK;
  struct index_blob nowhere = {.users = old.users};
  return put(batch, id, &nowhere, error);
}

static cas_status change_all(struct index_batch *batch, const struct manifest *manifest, bool more,
                             struct cas_error *error) {
  for (size_t i = 0; i < manifest->blob_count; i++)
    STATUS_TRY(change_users(batch, &manifest->blobs[i].id, more, error));
  return CAS_OK;
}

cas_status ledger_use(struct index_batch *batch, const struct manifest *manifest, struct cas_error *error) {
  return change_all(batch, manifest, true, error);
}

cas_status ledger_disuse(struct index_batch *batch, const struct manifest *manifest, struct cas_error *error) {
  return change_all(batch, manifest, false, error);
}
