/*
 * Owns the reader, and the inflating of a deflated data set. Nothing of that is lost silently: a stream that is
 * damaged, cut off, or followed by what is none of the data set ends the reading.
 */
#include "store/correct_source.h"

#include "base/limits.h"
#include "dicom/part10.h"
#include "dicom/transfer_syntax.h"

#define DEFLATED_BYTES ((size_t)256 << 10)

static cas_status refuse(struct cas_error *error, const char *why) {
  return status_fail(error, CAS_REFUSED, "the object cannot be changed: %s", why);
}

void correct_source_fini(struct correct_source *source) {
  cas_reader_close(source->reader);
  cas_buffer_fini(&source->before);
  cas_buffer_fini(&source->deflated);
  if (source->is_inflating) inflater_fini(&source->inflater);
}

uint64_t correct_source_data_set_offset(const struct correct_source *source) {
  return source->inflates_to != NULL ? source->before.size : cas_reader_data_set_offset(source->reader);
}

/* --- inflating --- */

static cas_status begin_inflating(struct correct_source *source, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer stored = {0};
  const uint64_t offset = cas_reader_data_set_offset(source->reader);
  const size_t size = (size_t)offset + ELEMENT_HEADER_BYTES_MIN;
  size_t got;
  if (offset > CORRECTED_HEAD_BYTES_MAX) return refuse(error, "its meta group is too long");
  STATUS_TRY(cas_buffer_reserve(&stored, size));
  STATUS_TRY(cas_reader_read(source->reader, 0, stored.data, size, &got, error));
  if (got < size) return refuse(error, "it is too short");
  cas_status status = part10_with_transfer_syntax(slice_of(stored.data, offset), source->inflates_to, &source->before);
  if (status == CAS_INVALID) return refuse(error, "its meta group is broken");
  STATUS_TRY(status);
  STATUS_TRY(cas_buffer_reserve(&source->deflated, DEFLATED_BYTES));
  STATUS_TRY(inflater_init(&source->inflater, stored.data + offset));
  source->is_inflating = true;
  source->offset = offset;
  return CAS_OK;
}

cas_status correct_source_open(struct cas_store *store, const char *path, const char *transfer_syntax_uid,
                               struct correct_source *source, struct cas_error *error) {
  *source = (struct correct_source){.inflates_to = transfer_syntax_inflated(transfer_syntax_uid)};
  STATUS_TRY(cas_reader_open(store, path, &source->reader, error));
  return source->inflates_to != NULL ? begin_inflating(source, error) : CAS_OK;
}

/* Has deflated bytes at hand, or the end. */
static cas_status read_deflated(struct correct_source *source, bool *ends, struct cas_error *error) {
  size_t got = 0;
  if (source->left.size == 0) {
    STATUS_TRY(cas_reader_read(source->reader, source->offset, source->deflated.data, DEFLATED_BYTES, &got, error));
    source->offset += got;
    source->left = slice_of(source->deflated.data, got);
  }
  *ends = source->left.size == 0;
  return CAS_OK;
}

static cas_status end_inflating(struct correct_source *source, struct cas_error *error) {
  bool contradicts, is_foreign;
  if (!source->inflater.has_ended) return refuse(error, "its deflated data set is cut off");
  inflater_judge_trailing(&source->inflater, &contradicts, &is_foreign);
  if (contradicts) return refuse(error, "its deflated data set is damaged");
  if (is_foreign) return refuse(error, "other bytes follow its deflated data set");
  source->has_ended = true;
  return CAS_OK;
}

static cas_status read_inflated(struct correct_source *source, uint8_t *bytes, size_t size, size_t *got,
                                struct cas_error *error) {
  bool ends = false;
  size_t made = 0;
  for (*got = 0; *got < size; *got += made) {
    cas_status status = inflater_run(&source->inflater, &source->left, bytes + *got, size - *got, &made);
    if (status == CAS_CORRUPT) return refuse(error, "its deflated data set is damaged");
    STATUS_TRY(status);
    if (made > 0) continue;
    STATUS_TRY(read_deflated(source, &ends, error));
    if (ends) return end_inflating(source, error);
  }
  return CAS_OK;
}

/* --- reading --- */

cas_status correct_source_read(struct correct_source *source, uint8_t *bytes, size_t size, size_t *got,
                               struct cas_error *error) {
  if (source->inflates_to == NULL) {
    STATUS_TRY(cas_reader_read(source->reader, source->offset, bytes, size, got, error));
    source->offset += *got;
    source->has_ended = source->offset == cas_reader_size(source->reader);
    return CAS_OK;
  }
  size_t left = source->before.size - source->before_read, first = left < size ? left : size;
  memcpy(bytes, source->before.data + source->before_read, first);
  source->before_read += first;
  STATUS_TRY(read_inflated(source, bytes + first, size - first, got, error));
  *got += first;
  return CAS_OK;
}
