/*
 * The attributes that the index holds of patients, studies, series and instances, as UTF-8 text.
 *
 * Source: PS3.6 (the data dictionary), PS3.4 C.6.1 (attributes of the query levels), PS3.5 6.1 (character sets).
 */
#ifndef CASSETTE_ATTRIBUTES_H
#define CASSETTE_ATTRIBUTES_H

#include "cassette/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

enum cas_level { CAS_LEVEL_PATIENT = 1, CAS_LEVEL_STUDY, CAS_LEVEL_SERIES, CAS_LEVEL_INSTANCE };

/* The tags of the attributes that Cassette names itself; cas_indexed_attributes() has them all. */
enum cas_tag {
  CAS_TAG_TRANSFER_SYNTAX_UID = 0x00020010,
  CAS_TAG_SPECIFIC_CHARACTER_SET = 0x00080005,
  CAS_TAG_SOP_CLASS_UID = 0x00080016,
  CAS_TAG_SOP_INSTANCE_UID = 0x00080018,
  CAS_TAG_STUDY_DATE = 0x00080020,
  CAS_TAG_SERIES_DATE = 0x00080021,
  CAS_TAG_STUDY_TIME = 0x00080030,
  CAS_TAG_ACCESSION_NUMBER = 0x00080050,
  CAS_TAG_MODALITY = 0x00080060,
  CAS_TAG_STUDY_DESCRIPTION = 0x00081030,
  CAS_TAG_SERIES_DESCRIPTION = 0x0008103E,
  CAS_TAG_PATIENT_NAME = 0x00100010,
  CAS_TAG_PATIENT_ID = 0x00100020,
  CAS_TAG_ISSUER_OF_PATIENT_ID = 0x00100021,
  CAS_TAG_PATIENT_BIRTH_DATE = 0x00100030,
  CAS_TAG_PATIENT_SEX = 0x00100040,
  CAS_TAG_STUDY_INSTANCE_UID = 0x0020000D,
  CAS_TAG_SERIES_INSTANCE_UID = 0x0020000E,
  CAS_TAG_STUDY_ID = 0x00200010,
  CAS_TAG_SERIES_NUMBER = 0x00200011,
  CAS_TAG_INSTANCE_NUMBER = 0x00200013,
  CAS_TAG_NUMBER_OF_FRAMES = 0x00280008,
  CAS_TAG_ROWS = 0x00280010,
  CAS_TAG_COLUMNS = 0x00280011,
  CAS_TAG_BITS_ALLOCATED = 0x00280100,
};

/* One indexed attribute. */
struct cas_attribute_definition {
  uint32_t tag; /* group << 16 | element */
  enum cas_level level;
  char vr[3];
  const char *keyword; /* as PS3.6 spells it */
};

/* All indexed attributes in ascending tag order; `count` receives how many. Static. */
CAS_API const struct cas_attribute_definition *cas_indexed_attributes(size_t *count);

/* The definition for a keyword (case as in PS3.6) or for "gggg,eeee"; NULL if it is not indexed. */
CAS_API const struct cas_attribute_definition *cas_attribute_by_name(const char *name);

/* The definition for a tag; NULL if it is not indexed. */
CAS_API const struct cas_attribute_definition *cas_attribute_by_tag(uint32_t tag);

/* Longest value of a set, without its NUL: the codec of the index states sizes in 16 bits. */
#define CAS_ATTRIBUTE_VALUE_MAX 65535u

/* A set of attribute values, at most one per tag. Values are UTF-8, trimmed as the VR says, several values separated by
 * a backslash; numbers are decimal text. Opaque. */
struct cas_attributes;

CAS_API CAS_MUST_USE cas_status cas_attributes_create(struct cas_attributes **attributes);
CAS_API void cas_attributes_destroy(struct cas_attributes *attributes);

/* The value, or NULL where absent; "" where present without value. Borrowed until the set changes. */
CAS_API const char *cas_attributes_get(const struct cas_attributes *attributes, uint32_t tag);

/* As get, but "" where absent. */
CAS_API const char *cas_attributes_text(const struct cas_attributes *attributes, uint32_t tag);

/* Sets or replaces a value; the bytes are copied. CAS_INVALID for a value with a NUL in it or longer than
 * CAS_ATTRIBUTE_VALUE_MAX, CAS_NO_MEMORY; both leave the set as it was. */
CAS_API CAS_MUST_USE cas_status cas_attributes_set(struct cas_attributes *attributes, uint32_t tag,
                                                   struct cas_slice value);

/* Iterates in ascending tag order: start with *position = 0; returns false at the end. */
struct cas_attribute {
  uint32_t tag;
  const char *value;
};
CAS_API int cas_attributes_next(const struct cas_attributes *attributes, size_t *position,
                                struct cas_attribute *attribute);

/* Longest UID text, with its NUL. */
#define CAS_UID_TEXT_MAX 129

#ifdef __cplusplus
}
#endif
#endif
