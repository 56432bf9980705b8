#include "store/describe.h"

#include "dicom/scanner.h"
#include "store/blob_read.h"

/* As far as the pixel data: no indexed attribute comes behind, and they need not be read for nothing. */
static cas_status push_pieces(struct cas_store *store, struct index_batch *batch, const struct manifest *manifest,
                              struct dicom_scanner *scanner, struct cas_error *error) {
  for (size_t i = 0; i < manifest->piece_count && !dicom_scanner_at_pixels(scanner); i++) {
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
  const struct dicom_sink nowhere = {0};
  struct dicom_scanner *scanner;
  const struct dicom_summary *summary;
  STATUS_TRY(dicom_scanner_create(&nowhere, &scanner));
  cas_status status = push_pieces(store, batch, manifest, scanner, error);
  if (status == CAS_OK) status = dicom_scanner_finish(scanner, &summary);
  if (status == CAS_OK) status = each(arg, summary->attributes);
  dicom_scanner_destroy(scanner);
  return status;
}
