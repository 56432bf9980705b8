/*
 * Owns a cache of headers for each reader.
 *
 *  1. A cache holds only verified bytes of good records that its reader has passed. A reader goes up the log, so all of
 *     them lie before the manifest that it is at, and the index would name them, or a later good copy, at that point.
 *  2. A manifest whose header is not there stays without attributes: the applying thread reads it through the index.
 */
#include "store/replay_prepare.h"

#include "base/limits.h"
#include "store/describe.h"
#include "store/dictionaries.h"
#include "store/manifest_read.h"

struct replay_preparer {
  struct cas_store *store;
  unsigned readers;
  struct read_cache *headers[SEGMENT_READERS_MAX];
};

void prepared_record_destroy(struct prepared_record *prepared) {
  if (prepared == NULL) return;
  if (prepared->good && prepared->kind == RECORD_MANIFEST) manifest_fini(&prepared->manifest);
  if (prepared->good && prepared->kind == RECORD_STATE) state_record_fini(&prepared->state);
  cas_attributes_destroy(prepared->attributes);
  free(prepared);
}

static size_t size_of_kind(enum record_kind kind) {
  const size_t begin = offsetof(struct prepared_record, dictionary);
  switch (kind) {
  case RECORD_MANIFEST: return begin + sizeof(struct manifest);
  case RECORD_SNAPSHOT: return begin + sizeof(struct snapshot_record);
  case RECORD_STATE: return begin + sizeof(struct state_record);
  default: return begin + CODEC_DICTIONARY_NAME_BYTES;
  }
}

/* Not inlined: the compiler would see an object that is shorter than its type, and warn. */
static __attribute__((noinline)) struct prepared_record *make_record(enum record_kind kind) {
  struct prepared_record *prepared = calloc(1, size_of_kind(kind));
  if (prepared != NULL) prepared->kind = kind;
  return prepared;
}

cas_status prepared_record_create(struct cas_store *store, const struct segment_event *event,
                                  struct prepared_record **out) {
  *out = NULL;
  enum record_kind kind = event->record.kind;
  if (kind != RECORD_MANIFEST && kind != RECORD_SNAPSHOT && kind != RECORD_STATE) return CAS_OK;
  struct prepared_record *prepared = make_record(kind);
  if (prepared == NULL) return CAS_NO_MEMORY;
  cas_status status = CAS_CORRUPT;
  if (event->payload_good && kind == RECORD_MANIFEST)
    status = manifest_decode_record(store, &event->record, event->payload, &prepared->manifest);
  if (event->payload_good && kind == RECORD_SNAPSHOT)
    status = snapshot_decode(event->payload, &prepared->snapshot) ? CAS_OK : CAS_CORRUPT;
  if (event->payload_good && kind == RECORD_STATE)
    status = state_record_read(store, &event->record, event->payload, &prepared->state);
  prepared->good = status == CAS_OK;
  if (status == CAS_OK || status == CAS_CORRUPT) {
    *out = prepared;
    return CAS_OK;
  }
  prepared_record_destroy(prepared);
  return status;
}

cas_status replay_preparer_create(struct cas_store *store, unsigned readers, struct replay_preparer **preparer) {
  struct replay_preparer *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  created->store = store;
  for (; created->readers < readers; created->readers++) {
    cas_status status = read_cache_create(REPLAY_HEADERS_BYTES_MAX, &created->headers[created->readers]);
    if (status == CAS_OK) continue;
    replay_preparer_destroy(created);
    return status;
  }
  *preparer = created;
  return CAS_OK;
}

void replay_preparer_destroy(struct replay_preparer *preparer) {
  if (preparer == NULL) return;
  for (unsigned i = 0; i < preparer->readers; i++) read_cache_destroy(preparer->headers[i]);
  free(preparer);
}

/* --- headers --- */

static bool may_be_header(const struct record *record) {
  return record->codec != CODEC_PIXEL && !codec_is_deferred(record->codec) && record->raw_size > 0 &&
         record->raw_size <= DICTIONARY_BYTES_MAX;
}

/* Nothing is wrong with the record if this fails: it may need a dictionary that was not seen. */
static void keep_header(struct replay_preparer *preparer, struct read_cache *headers,
                        const struct segment_event *event) {
  const struct record *record = &event->record;
  const struct cached_blob *dictionary = NULL;
  struct blob_id id;
  struct cas_hash hash;
  if (record->codec == CODEC_ZSTD_DICTIONARY) {
    if (codec_dictionary_of(event->payload, &id) != CAS_OK) return;
    dictionary = read_cache_get(headers, &id);
    if (dictionary == NULL) return;
  }
  uint8_t *raw = malloc(record->raw_size);
  struct cas_slice dictionary_bytes =
      dictionary != NULL ? slice_of(dictionary->bytes, dictionary->size) : slice_of(NULL, 0);
  bool good = raw != NULL && codec_decode(preparer->store->codec, record->codec, event->payload, dictionary_bytes, raw,
                                          record->raw_size) == CAS_OK;
  read_cache_unref(headers, dictionary);
  if (good) preparer->store->hash(slice_of(raw, record->raw_size), &hash);
  if (!good || !hash_equal(&hash, &record->id.hash)) {
    free(raw);
    return;
  }
  struct cas_buffer bytes = {.data = raw, .size = record->raw_size, .capacity = record->raw_size};
  const struct cached_blob *kept = NULL;
  if (read_cache_claim(headers, &record->id, &kept) == CAS_NOT_FOUND)
    kept = read_cache_put(headers, &record->id, &bytes);
  read_cache_unref(headers, kept);
  cas_buffer_fini(&bytes);
}

static cas_status get_header(void *arg, const struct blob_id *id, const struct cached_blob **blob,
                             struct cas_error *error) {
  (void)error;
  const struct cached_blob *found = read_cache_get(arg, id);
  if (found == NULL) return CAS_NOT_FOUND;
  *blob = found;
  return CAS_OK;
}

/* --- for the readers --- */

/* About what a manifest takes, with its attributes and what malloc adds. */
static size_t bytes_of(const struct prepared_record *prepared) {
  const size_t bytes = size_of_kind(prepared->kind) + 64;
  if (!prepared->good) return bytes;
  if (prepared->kind == RECORD_STATE) return bytes + prepared->state.target_count * sizeof(struct state_target);
  if (prepared->kind != RECORD_MANIFEST) return bytes;
  return bytes + 4096 + prepared->manifest.blob_count * sizeof(struct manifest_blob) +
         prepared->manifest.piece_count * sizeof(struct manifest_piece);
}

static cas_status prepare_dictionary(const struct segment_event *event, struct prepared_record **out) {
  *out = NULL;
  if (event->record.codec != CODEC_ZSTD_DICTIONARY || event->payload.size < CODEC_DICTIONARY_NAME_BYTES) return CAS_OK;
  struct prepared_record *prepared = make_record(RECORD_BLOB);
  if (prepared == NULL) return CAS_NO_MEMORY;
  memcpy(prepared->dictionary, event->payload.data, sizeof prepared->dictionary);
  *out = prepared;
  return CAS_OK;
}

static bool needs(const struct record *record) {
  return record->codec == CODEC_ZSTD_DICTIONARY || may_be_header(record);
}

static cas_status prepare(void *arg, unsigned reader, struct segment_event *event, size_t *bytes) {
  struct replay_preparer *preparer = arg;
  struct read_cache *headers = preparer->headers[reader];
  struct prepared_record *prepared;
  if (event->record.kind == RECORD_BLOB && event->payload_good && may_be_header(&event->record))
    keep_header(preparer, headers, event);
  STATUS_TRY(event->record.kind == RECORD_BLOB ? prepare_dictionary(event, &prepared)
                                               : prepared_record_create(preparer->store, event, &prepared));
  if (prepared == NULL) return CAS_OK;
  if (prepared->good && event->record.kind == RECORD_MANIFEST) {
    struct describe_source source = {.get = get_header, .arg = headers, .cache = headers};
    cas_status status = describe_from(&source, &prepared->manifest, &prepared->attributes, NULL);
    if (status == CAS_NO_MEMORY) {
      prepared_record_destroy(prepared);
      return status;
    }
  }
  event->prepared = prepared;
  *bytes = bytes_of(prepared);
  return CAS_OK;
}

static void drop(void *arg, void *prepared) {
  (void)arg;
  prepared_record_destroy(prepared);
}

struct segment_ahead replay_preparer_ahead(struct replay_preparer *preparer) {
  return (struct segment_ahead){.readers = preparer->readers,
                                .bytes_max = REPLAY_AHEAD_BYTES_MAX,
                                .needs = needs,
                                .arg = preparer,
                                .prepare = prepare,
                                .drop = drop};
}
