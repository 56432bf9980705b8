#include "store/describe.h"

#include "dicom/scanner.h"
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

cas_status describe_instance(struct cas_store *store, struct index_batch *batch, const struct manifest *manifest,
                             struct cas_attributes **attributes, struct cas_error *error) {
  struct from_store from = {.store = store, .batch = batch};
  struct describe_source source = {.get = get_from_store, .arg = &from, .cache = store->read_cache};
  return describe_from(&source, manifest, attributes, error);
}
