#include "store/unlisted.h"

#include "dicom/scanner.h"
#include "store/blob_read.h"
#include "store/identity.h"

void unlisted_init(struct unlisted *unlisted, struct cas_store *store) {
  *unlisted = (struct unlisted){.store = store};
}

void unlisted_note(struct unlisted *unlisted, const struct record *record) {
  bool may_be_header = record->kind == RECORD_BLOB && record->codec != CODEC_PIXEL && record->raw_size > 0 &&
                       record->raw_size <= HEADER_BLOB_BYTES_MAX;
  size_t at = unlisted->noted % UNLISTED_HEADERS_MAX;
  if (!may_be_header) return;
  unlisted->headers[at].id = record->id;
  unlisted->headers[at].told = false;
  unlisted->noted++;
}

static cas_status stop_at_first(void *arg, const char *path) {
  (void)path;
  *(bool *)arg = true;
  return CAS_END;
}

static bool is_listed(struct cas_store *store, const char *uid) {
  bool found = false;
  cas_status status = index_find_uid(store->index, CAS_LEVEL_INSTANCE, uid, stop_at_first, &found, NULL);
  return found || (status != CAS_OK && status != CAS_NOT_FOUND);
}

/* Whatever cannot be read or is no header says nothing. */
static bool look_at(struct unlisted *unlisted, const struct blob_id *id, unlisted_fn each, void *arg) {
  const struct dicom_sink nowhere = {0};
  const struct cached_blob *blob;
  const struct dicom_summary *summary;
  struct dicom_scanner *scanner;
  bool told = false;
  if (blob_read(unlisted->store, NULL, id, &blob, NULL) != CAS_OK) return false;
  if (dicom_scanner_create(&nowhere, &scanner) == CAS_OK) {
    cas_status status = dicom_scanner_push(scanner, slice_of(blob->bytes, blob->size));
    if (status == CAS_OK) status = dicom_scanner_finish(scanner, &summary);
    const char *uid = status == CAS_OK ? identity_of(summary) : "";
    if (uid[0] != '\0' && summary->has_preamble && !is_listed(unlisted->store, uid)) {
      struct cas_attributes *attributes = dicom_scanner_take_attributes(scanner);
      each(arg, attributes);
      cas_attributes_destroy(attributes);
      told = true;
    }
    dicom_scanner_destroy(scanner);
  }
  read_cache_unref(unlisted->store->read_cache, blob);
  return told;
}

void unlisted_tell(struct unlisted *unlisted, unlisted_fn each, void *arg) {
  size_t first = unlisted->noted > UNLISTED_HEADERS_MAX ? unlisted->noted - UNLISTED_HEADERS_MAX : 0;
  for (size_t i = first; i < unlisted->noted; i++) {
    size_t at = i % UNLISTED_HEADERS_MAX;
    if (!unlisted->headers[at].told)
      unlisted->headers[at].told = look_at(unlisted, &unlisted->headers[at].id, each, arg);
  }
}
