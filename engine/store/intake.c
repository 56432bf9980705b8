#include "store/intake.h"

#include "base/clock.h"
#include "base/limits.h"
#include "store/blob_read.h"
#include "store/dictionaries.h"
#include "store/ledger.h"
#include "store/pins.h"

/* zstd's level: headers are small and read often. */
#define HEADER_EFFORT 6

enum comparison { COMPARED_ABSENT, COMPARED_SAME, COMPARED_OTHER, COMPARED_DAMAGED };

/* Pins the segment of a blob that is in the store, and says where the blob is: it stays there, or in another generation
 * of the segment, until the pin is released. CAS_NOT_FOUND: it is not there; CAS_BUSY: it is going. */
static cas_status pin_stored(struct cas_store *store, const struct blob_id *id, struct index_blob *place,
                             uint32_t *segment) {
  STATUS_TRY(ledger_find_blob(store->index, NULL, id, place, NULL));
  for (;;) {
    uint32_t number = segment_file_number(record_cookie_segment(place->cookie));
    if (!pins_take(store->pins, number, id)) return CAS_BUSY;
    /* It may have gone before there was a pin. */
    cas_status status = ledger_find_blob(store->index, NULL, id, place, NULL);
    if (status == CAS_OK && segment_file_number(record_cookie_segment(place->cookie)) == number) {
      *segment = number;
      return CAS_OK;
    }
    pins_release(store->pins, number);
    STATUS_TRY(status);
  }
}

/* Compares with the stored blob of this very name. A copy that is damaged, or that the disk does not give, cannot be
 * compared: the good bytes that bear its hash and have its length take its place. One that is away with the cold place
 * comes back: the bytes are stored beside it, as others. */
static cas_status compare_with_stored(struct pending_blob *blob, const struct blob_id *id,
                                      enum comparison *comparison) {
  struct cas_store *store = blob->store;
  struct index_blob place;
  uint32_t segment = 0;
  cas_status status = pin_stored(store, id, &place, &segment);
  bool going = status == CAS_BUSY;
  if (status == CAS_NOT_FOUND) {
    *comparison = COMPARED_ABSENT;
    return CAS_OK;
  }
  if (!going) STATUS_TRY(status);
  CLEANUP_BUFFER struct cas_buffer stored = {0};
  status = blob_read_placed(store, NULL, id, &place, &stored, NULL);
  if (status == CAS_OK) {
    bool same = slice_equal(slice_of_buffer(&stored), slice_of_buffer(&blob->raw));
    *comparison = !same ? COMPARED_OTHER : going ? COMPARED_ABSENT : COMPARED_SAME;
    if (same) blob->pinned = segment;
    if (same) return CAS_OK;
  }
  if (!going) pins_release(store->pins, segment);
  if (status == CAS_OK) return CAS_OK;
  if (status != CAS_CORRUPT && status != CAS_IO && status != CAS_AWAY) return status;
  bool may_replace = status != CAS_AWAY && place.raw_size == blob->raw.size;
  *comparison = may_replace ? COMPARED_DAMAGED : COMPARED_OTHER;
  return CAS_OK;
}

/* Finds the blob's name: the first ordinal under its hash that is free, damaged, or the same bytes. */
static cas_status name_blob(struct pending_blob *blob, bool *known) {
  for (unsigned ordinal = 0; ordinal <= UINT16_MAX; ordinal++) {
    enum comparison comparison;
    blob->id.ordinal = (uint16_t)ordinal;
    if (pending_has_name(blob->store->pending, &blob->id, blob)) continue;
    STATUS_TRY(compare_with_stored(blob, &blob->id, &comparison));
    if (comparison == COMPARED_OTHER) continue;
    *known = comparison == COMPARED_SAME;
    blob->heals = comparison == COMPARED_DAMAGED;
    return CAS_OK;
  }
  return CAS_NO_SPACE;
}

/* The dictionary, which stays in the store as long as the blob is held. */
static cas_status get_dictionary(struct pending_blob *blob, struct dictionary *dictionary) {
  struct cas_store *store = blob->store;
  struct index_blob place;
  STATUS_TRY(dictionaries_get(store->dictionaries, blob->series_uid, dictionary));
  if (dictionary->pending != NULL) return CAS_OK;
  cas_status status = pin_stored(store, &dictionary->id, &place, &blob->dictionary_pinned);
  if (status == CAS_OK) return CAS_OK;
  dictionary_fini(dictionary);
  if (status == CAS_NOT_FOUND) dictionaries_forget(store->dictionaries, blob->series_uid);
  return status == CAS_BUSY ? CAS_NOT_FOUND : status;
}

static cas_status encode_header(struct pending_blob *blob) {
  struct cas_store *store = blob->store;
  struct cas_slice raw = slice_of_buffer(&blob->raw);
  struct dictionary dictionary = {0};
  /* A healed blob may be a dictionary itself, and those need none. */
  bool useful = !blob->heals && blob->series_uid[0] != '\0' && raw.size >= DICTIONARY_BYTES_MIN;
  cas_status status = useful ? get_dictionary(blob, &dictionary) : CAS_NOT_FOUND;
  if (status == CAS_NOT_FOUND) {
    blob->becomes_dictionary = useful && raw.size <= DICTIONARY_BYTES_MAX;
    return codec_encode_bytes(store->codec, raw, HEADER_EFFORT, &blob->payload, &blob->codec);
  }
  STATUS_TRY(status);
  status = codec_encode_like(store->codec, raw, &dictionary.id, slice_of(dictionary.bytes, dictionary.size),
                             HEADER_EFFORT, &blob->payload, &blob->codec);
  if (status == CAS_OK && blob->codec == CODEC_ZSTD_DICTIONARY) {
    blob->dictionary = dictionary.pending;
    dictionary.pending = NULL;
  }
  dictionary_fini(&dictionary);
  return status;
}

static bool is_put_off(const struct pending_blob *blob) {
  struct cas_store *store = blob->store;
  if (blob->kind == BLOB_HEADER || blob->raw.size + CODEC_TRAILER_BYTES > blob->raw.capacity) return false;
  if (store->encode != CAS_ENCODE_AUTO) return store->encode == CAS_ENCODE_LATER;
  uint64_t arrived = pressure_add(store->pressure, clock_now_ns(), blob->raw.size);
  return arrived >= BURST_BYTES_PER_SECOND / (1000000000 / PRESSURE_WINDOW_NS);
}

static cas_status put_off(struct pending_blob *blob) {
  bool frame = blob->kind == BLOB_FRAME;
  if (frame) {
    STATUS_TRY(codec_encode_quickly(&blob->format, slice_of_buffer(&blob->raw), &blob->payload, &blob->codec));
    if (blob->codec == CODEC_QUICK) return CAS_OK;
  }
  blob->codec = CODEC_DEFERRED;
  codec_make_trailer(frame ? &blob->format : NULL, blob->raw.data + blob->raw.size);
  return CAS_OK;
}

static cas_status encode(struct pending_blob *blob) {
  if (is_put_off(blob)) return put_off(blob);
  switch (blob->kind) {
  case BLOB_HEADER: return encode_header(blob);
  case BLOB_FRAME: return codec_encode_pixels(&blob->format, slice_of_buffer(&blob->raw), &blob->payload, &blob->codec);
  case BLOB_BULK: break;
  }
  return codec_encode_bytes(blob->store->codec, slice_of_buffer(&blob->raw), CODEC_BULK_EFFORT, &blob->payload,
                            &blob->codec);
}

/* Settles a blob that is new, and offers it to the headers that follow. */
static void queue(struct pending_blob *blob) {
  struct cas_store *store = blob->store;
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  bool offered = blob->becomes_dictionary && cas_buffer_append(&bytes, slice_of_buffer(&blob->raw)) == CAS_OK;
  pending_settle(store->pending, blob, PENDING_QUEUED, CAS_OK);
  if (offered) dictionaries_put(store->dictionaries, blob->series_uid, blob, slice_of_buffer(&bytes));
}

static void take_in(struct job *job) {
  struct pending_blob *blob = (struct pending_blob *)job;
  struct pending *pending = blob->store->pending;
  bool known = false;
  blob->store->hash(slice_of_buffer(&blob->raw), &blob->id.hash);
  /* Before others meet the blob, and read its bytes: room for a trailer. */
  if (blob->store->encode != CAS_ENCODE_ALWAYS)
    (void)!cas_buffer_reserve(&blob->raw, blob->raw.size + CODEC_TRAILER_BYTES);
  if (pending_enter(pending, blob)) {
    cas_status status = name_blob(blob, &known);
    if (status == CAS_OK && !known) status = encode(blob);
    if (status != CAS_OK)
      pending_settle(pending, blob, PENDING_FAILED, status);
    else if (known)
      pending_settle(pending, blob, PENDING_KNOWN, CAS_OK);
    else
      queue(blob);
  }
  pending_blob_unref(blob);
}

void intake_run(struct pending_blob *blob) {
  pending_blob_ref(blob);
  take_in(&blob->job);
}

void intake_submit(struct cas_store *store, struct pending_blob *blob) {
  pending_blob_ref(blob);
  blob->job.run = take_in;
  worker_pool_submit(store->workers, &blob->job);
}
