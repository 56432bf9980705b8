#include "store/describe.h"

#include "dicom/attribute_codec.h"
#include "dicom/scanner.h"
#include "dicom/transfer_syntax.h"
#include "store/blob_read.h"

/* As far as the pixel data: no indexed attribute comes behind, and they need not be read for nothing. */
static cas_status push_pieces(const struct describe_source *source, const struct manifest *manifest,
                              struct dicom_scanner *scanner, struct cas_error *error) {
  for (size_t i = 0; i < manifest->piece_count && !dicom_scanner_at_pixels(scanner); i++) {
    const struct manifest_piece *piece = &manifest->pieces[i];
    const struct cached_blob *blob;
    STATUS_TRY(source->get(source->arg, &manifest->blobs[piece->blob].id, &blob, error));
    cas_status status = (uint64_t)piece->offset + piece->size <= blob->size
                            ? dicom_scanner_push(scanner, slice_of(blob->bytes + piece->offset, piece->size))
                            : status_fail(error, CAS_CORRUPT, "a blob is shorter than its manifest says");
    read_cache_unref(source->cache, blob);
    STATUS_TRY(status);
  }
  return CAS_OK;
}

cas_status describe_from(const struct describe_source *source, const struct manifest *manifest,
                         struct cas_attributes **attributes, struct cas_error *error) {
  const struct dicom_sink nowhere = {0};
  struct dicom_scanner *scanner;
  const struct dicom_summary *summary;
  STATUS_TRY(dicom_scanner_create(&nowhere, &scanner));
  cas_status status = push_pieces(source, manifest, scanner, error);
  if (status == CAS_OK) status = dicom_scanner_finish(scanner, &summary);
  if (status == CAS_OK) *attributes = dicom_scanner_take_attributes(scanner);
  dicom_scanner_destroy(scanner);
  return status;
}

struct from_store {
  struct cas_store *store;
  struct index_batch *batch;
};

static cas_status get_from_store(void *arg, const struct blob_id *id, const struct cached_blob **blob,
                                 struct cas_error *error) {
  const struct from_store *from = arg;
  return blob_read(from->store, from->batch, id, blob, error);
}

/* --- with holes --- */

/* One reading of an object some of whose blobs are not there: zeros stand for them, which does no harm as long as the
 * scanner passes them over as parts of long values. */
struct patchy {
  struct cas_store *store;
  struct index_batch *batch;
  const struct manifest *manifest;
  const bool *only; /* the blobs that may be read, or NULL */
  bool *needed;     /* set for those of which the scanner made header */
  bool *filled;     /* with zeros */
  size_t piece;     /* to which the next byte from the scanner belongs, and its offset there */
  uint32_t offset;
};

static void account(struct patchy *patchy, size_t size, bool is_header) {
  while (size > 0) {
    const struct manifest_piece *piece = &patchy->manifest->pieces[patchy->piece];
    uint32_t part = piece->size - patchy->offset < size ? piece->size - patchy->offset : (uint32_t)size;
    if (is_header) patchy->needed[piece->blob] = true;
    size -= part;
    patchy->offset += part;
    if (patchy->offset < piece->size) continue;
    patchy->piece++;
    patchy->offset = 0;
  }
}

static cas_status take_header(void *arg, struct cas_slice bytes) {
  account(arg, bytes.size, true);
  return CAS_OK;
}

static cas_status take_chunk(void *arg, struct cas_slice bytes) {
  account(arg, bytes.size, false);
  return CAS_OK;
}

static cas_status push_zeros(struct dicom_scanner *scanner, size_t size) {
  static const uint8_t zeros[4096];
  for (size_t part; size > 0; size -= part) {
    part = size < sizeof zeros ? size : sizeof zeros;
    STATUS_TRY(dicom_scanner_push(scanner, slice_of(zeros, part)));
  }
  return CAS_OK;
}

static cas_status push_or_fill(struct patchy *patchy, const struct manifest_piece *piece,
                               struct dicom_scanner *scanner) {
  const struct cached_blob *blob = NULL;
  const struct blob_id *id = &patchy->manifest->blobs[piece->blob].id;
  cas_status status = CAS_CORRUPT;
  if (patchy->only == NULL || patchy->only[piece->blob])
    status = blob_read(patchy->store, patchy->batch, id, &blob, NULL);
  if (status == CAS_CORRUPT) {
    patchy->filled[piece->blob] = true;
    return push_zeros(scanner, piece->size);
  }
  STATUS_TRY(status);
  bool fits = (uint64_t)piece->offset + piece->size <= blob->size;
  status = fits ? dicom_scanner_push(scanner, slice_of(blob->bytes + piece->offset, piece->size)) : CAS_CORRUPT;
  read_cache_unref(patchy->store->read_cache, blob);
  return status;
}

/* A deflated data set is one long value that is looked into: all of it is needed. */
static bool is_good(struct patchy *patchy, const struct dicom_summary *summary) {
  struct transfer_syntax syntax;
  bool is_deflated = transfer_syntax_of_uid(summary->transfer_syntax_uid, &syntax) && syntax.is_deflated;
  bool good = true;
  for (size_t i = 0; i < patchy->manifest->blob_count; i++) {
    if (is_deflated) patchy->needed[i] = true;
    good = good && !(patchy->filled[i] && patchy->needed[i]);
  }
  return good;
}

static cas_status read_patchy(struct patchy *patchy, struct cas_attributes **attributes) {
  const struct manifest *manifest = patchy->manifest;
  const struct dicom_sink sink = {.header = take_header, .chunk_bytes = take_chunk, .arg = patchy};
  struct dicom_scanner *scanner;
  const struct dicom_summary *summary;
  CLEANUP_FREE bool *filled = calloc(manifest->blob_count + 1, sizeof *filled);
  if (filled == NULL) return CAS_NO_MEMORY;
  patchy->filled = filled;
  STATUS_TRY(dicom_scanner_create(&sink, &scanner));
  cas_status status = CAS_OK;
  for (size_t i = 0; i < manifest->piece_count && status == CAS_OK && !dicom_scanner_at_pixels(scanner); i++)
    status = push_or_fill(patchy, &manifest->pieces[i], scanner);
  if (status == CAS_OK) status = dicom_scanner_finish(scanner, &summary);
  if (status == CAS_OK && !is_good(patchy, summary)) status = CAS_CORRUPT;
  if (status == CAS_OK && attributes != NULL) *attributes = dicom_scanner_take_attributes(scanner);
  dicom_scanner_destroy(scanner);
  return status;
}

static cas_status header_is_damaged(cas_status status, const struct manifest *manifest, struct cas_error *error) {
  if (status != CAS_CORRUPT) return status;
  return status_fail(error, status, "the header of instance %s cannot be read", manifest->sop_instance_uid);
}

cas_status describe_needs(struct cas_store *store, struct index_batch *batch, const struct manifest *manifest,
                          bool *needed, struct cas_error *error) {
  struct patchy patchy = {.store = store, .batch = batch, .manifest = manifest, .needed = needed};
  memset(needed, 0, manifest->blob_count * sizeof *needed);
  return header_is_damaged(read_patchy(&patchy, NULL), manifest, error);
}

static cas_status describe_with(struct cas_store *store, struct index_batch *batch, const struct manifest *manifest,
                                const bool *only, struct cas_attributes **attributes) {
  CLEANUP_FREE bool *needed = calloc(manifest->blob_count + 1, sizeof *needed);
  if (needed == NULL) return CAS_NO_MEMORY;
  struct patchy patchy = {.store = store, .batch = batch, .manifest = manifest, .only = only, .needed = needed};
  return read_patchy(&patchy, attributes);
}

static cas_status encode_all(const struct cas_attributes *attributes, struct cas_buffer *bytes) {
  for (enum cas_level level = CAS_LEVEL_PATIENT; level <= CAS_LEVEL_INSTANCE; level++)
    STATUS_TRY(attributes_encode(attributes, level, bytes));
  return CAS_OK;
}

cas_status describe_can_do_with(struct cas_store *store, const struct manifest *manifest, const bool *needed,
                                bool *same, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer with = {0}, without = {0};
  struct cas_attributes *all = NULL, *some = NULL;
  cas_status status = describe_with(store, NULL, manifest, NULL, &all);
  if (status == CAS_OK) status = describe_with(store, NULL, manifest, needed, &some);
  if (status == CAS_OK) status = encode_all(all, &with);
  if (status == CAS_OK) status = encode_all(some, &without);
  cas_attributes_destroy(all);
  cas_attributes_destroy(some);
  STATUS_TRY(header_is_damaged(status, manifest, error));
  *same = slice_equal(slice_of_buffer(&with), slice_of_buffer(&without));
  return CAS_OK;
}

cas_status describe_instance(struct cas_store *store, struct index_batch *batch, const struct manifest *manifest,
                             struct cas_attributes **attributes, struct cas_error *error) {
  struct from_store from = {.store = store, .batch = batch};
  struct describe_source source = {.get = get_from_store, .arg = &from, .cache = store->read_cache};
  struct cas_error detail = {0};
  cas_status status = describe_from(&source, manifest, attributes, &detail);
  if (status == CAS_CORRUPT) status = describe_with(store, batch, manifest, NULL, attributes);
  if (status != CAS_OK && error != NULL) *error = detail;
  return status;
}
