#include "store/terms.h"

#include "base/status.h"
#include "dicom/attribute_codec.h"
#include "dicom/name_fold.h"

static const struct term_field fields[] = {
    {'a', CAS_LEVEL_STUDY, CAS_TAG_ACCESSION_NUMBER, false}, {'p', CAS_LEVEL_PATIENT, CAS_TAG_PATIENT_ID, false},
    {'n', CAS_LEVEL_PATIENT, CAS_TAG_PATIENT_NAME, true},    {'s', CAS_LEVEL_STUDY, CAS_TAG_STUDY_ID, false},
    {'m', CAS_LEVEL_SERIES, CAS_TAG_MODALITY, false},
};

const struct term_field *term_fields(size_t *count) {
  *count = sizeof fields / sizeof fields[0];
  return fields;
}

static cas_status give_name(char field, struct cas_slice name, index_term_fn each, void *arg) {
  CLEANUP_BUFFER struct cas_buffer folded = {0};
  for (unsigned i = 0; i < NAME_GROUPS && name.size > 0; i++) {
    folded.size = 0;
    STATUS_TRY(name_fold_group(&name, &folded));
    if (folded.size > 0) STATUS_TRY(each(arg, field, slice_of_buffer(&folded)));
  }
  return CAS_OK;
}

static cas_status give_values(const struct term_field *field, const char *value, index_term_fn each, void *arg) {
  for (const char *at = value; at != NULL;) {
    const char *end = strchr(at, '\\');
    struct cas_slice one = slice_of(at, end != NULL ? (size_t)(end - at) : strlen(at));
    at = end != NULL ? end + 1 : NULL;
    if (one.size == 0) continue;
    STATUS_TRY(field->is_person ? give_name(field->field, one, each, arg) : each(arg, field->field, one));
  }
  return CAS_OK;
}

cas_status terms_of(enum cas_level level, struct cas_slice bytes, index_term_fn each, void *arg) {
  struct cas_attributes *attributes;
  if (level == CAS_LEVEL_INSTANCE || bytes.size == 0) return CAS_OK;
  STATUS_TRY(cas_attributes_create(&attributes));
  cas_status status = attributes_decode(bytes, attributes);
  for (size_t i = 0; i < sizeof fields / sizeof fields[0] && status == CAS_OK; i++)
    if (fields[i].level == level)
      status = give_values(&fields[i], cas_attributes_text(attributes, fields[i].tag), each, arg);
  cas_attributes_destroy(attributes);
  return status;
}
