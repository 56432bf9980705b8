#include "store/describe.h"

#include "dicom/scanner.h"
#include "store/blob_read.h"

/* A sink that looks only for where the pixel data begins: no indexed attribute comes behind. */
static cas_status ignore_bytes(void *arg, struct cas_slice bytes) {
  (void)arg, (void)bytes;
  return CAS_OK;
}

static cas_status note_chunk(void *arg, const struct dicom_chunk *chunk) {
  bool *pixels_begin = arg;
  if (chunk->kind != DICOM_CHUNK_BULK) *pixels_begin = true;
  return CAS_OK;
}

static cas_status ignore_end(void *arg) {
  (void)arg;
  return CAS_OK;
}

static cas_status push_pieces(struct cas_store *store, struct index_batch *batch, const struct manifest *manifest,
                              struct dicom_scanner *scanner, const bool *pixels_begin, struct cas_error *error) {
  for (size_t i = 0; i < manifest->piece_count && !*pixels_begin; i++) {
    const struct manifest_piece *piece = &manifest->pieces[i];
    const struct cached_blob *blob;
    STATUS_TRY(blob_read(store, batch, &manifest->blobs[piece->blob].id, &blob, error));
    cas_status status = (uint64_t)piece->offset + piece->size <= blob->size
                            ? dicom_scanner_push(scanner, slice_of(blob->bytes + piece->offset, piece->size))
                            : status_fail(error, CAS_CORRUPT, "a blob is shorter than its manifest says");
    read_cache_unref(store->read_cache, blob);
    STATUS_TRY(status);
  }
  return CAS_OK;
}

cas_status describe_instance(struct cas_store *store, struct index_batch *batch, const struct manifest *manifest,
                             describe_fn each, void *arg, struct cas_error *error) {
  bool pixels_begin = false;
  struct dicom_sink sink = {.header = ignore_bytes,
                            .chunk_begin = note_chunk,
                            .chunk_bytes = ignore_bytes,
                            .chunk_end = ignore_end,
                            .arg = &pixels_begin};
  struct dicom_scanner *scanner;
  const struct dicom_summary *summary;
  STATUS_TRY(dicom_scanner_create(&sink, &scanner));
  cas_status status = push_pieces(store, batch, manifest, scanner, &pixels_begin, error);
  if (status == CAS_OK) status = dicom_scanner_finish(scanner, &summary);
  if (status == CAS_OK) status = each(arg, summary->attributes);
  dicom_scanner_destroy(scanner);
  return status;
}
