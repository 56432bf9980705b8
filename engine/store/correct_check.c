#include "store/correct_check.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/status.h"

#define DIGITS "0123456789"

enum { TAG_ORIGINAL_ATTRIBUTES = 0x04000561, GROUP_OF_PIXEL_DESCRIPTION = 0x0028, GROUP_OF_PIXELS = 0x7FE0 };

/* A VR of text. Where files in the field are freer than PS3.5, so are corrections: a patient is merged with whom there
 * is. */
struct text_vr {
  char vr[3];
  const char *characters;  /* of its values; NULL: any */
  unsigned characters_max; /* of one value; 0: no limit of its own */
  bool has_lines;          /* and is one value, backslashes and all */
};

static const struct text_vr text_vrs[] = {
    {"AE", NULL, 16, false},
    {"AS", DIGITS "DWMY", 4, false},
    {"CS", NULL, 0, false},
    {"DA", DIGITS, 8, false},
    {"DS", DIGITS "+-.Ee ", 16, false},
    {"DT", DIGITS "+-.", 26, false},
    {"IS", DIGITS "+- ", 12, false},
    {"LO", NULL, 0, false},
    {"LT", NULL, 0, true},
    {"PN", NULL, 0, false},
    {"SH", NULL, 0, false},
    {"ST", NULL, 0, true},
    {"TM", DIGITS ".", 16, false},
    {"UC", NULL, 0, false},
    {"UI", DIGITS ".", 64, false},
    {"UR", NULL, 0, false},
    {"UT", NULL, 0, true},
};

static const struct text_vr *text_vr_of(const char *vr) {
  for (size_t i = 0; i < sizeof text_vrs / sizeof text_vrs[0]; i++)
    if (strcmp(text_vrs[i].vr, vr) == 0) return &text_vrs[i];
  return NULL;
}

const char *correct_vr(const struct cas_assignment *assignment) {
  const struct cas_attribute_definition *definition = cas_attribute_by_tag(assignment->tag);
  if (definition != NULL) return definition->vr;
  return assignment->vr != NULL && strlen(assignment->vr) == 2 ? assignment->vr : "";
}

const char *correct_name(const struct cas_assignment *assignment, char name[CORRECT_NAME_BYTES_MAX]) {
  const struct cas_attribute_definition *definition = cas_attribute_by_tag(assignment->tag);
  if (definition != NULL) return definition->keyword;
  snprintf(name, CORRECT_NAME_BYTES_MAX, "%04X,%04X", assignment->tag >> 16, assignment->tag & 0xFFFF);
  return name;
}

/* Why the attribute cannot be corrected, or NULL. */
static const char *why_not(const struct cas_assignment *assignment) {
  const struct cas_attribute_definition *definition = cas_attribute_by_tag(assignment->tag);
  const char *vr = correct_vr(assignment);
  const uint32_t group = assignment->tag >> 16;
  const bool is_of_folder = definition != NULL && definition->level < CAS_LEVEL_INSTANCE;
  if (group < 8) return "it is of the file, not of the object";
  if ((group & 1) != 0) return "it is private";
  if ((assignment->tag & 0xFFFF) == 0) return "it is a group length";
  if (group == GROUP_OF_PIXEL_DESCRIPTION) return "it says how to read the pixels";
  if (group >= GROUP_OF_PIXELS) return "it is none of the header";
  if (assignment->tag == CAS_TAG_SPECIFIC_CHARACTER_SET) return "it says how to read all texts";
  if (assignment->tag == TAG_ORIGINAL_ATTRIBUTES) return "it tells of corrections";
  if (vr[0] == '\0') return "it is not known";
  if (strcmp(vr, "SQ") == 0) return "it is a sequence";
  if (text_vr_of(vr) == NULL) return "its values are no text";
  if (strcmp(vr, "UI") == 0 && !is_of_folder) return "it is a UID";
  return NULL;
}

static bool is_continuation(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

/* Why the VR cannot have a value of `size` bytes, or NULL. */
static const char *why_not_value(const struct text_vr *vr, const char *value, size_t size) {
  unsigned characters = 0;
  for (size_t i = 0; i < size; i++) {
    if ((unsigned char)value[i] < ' ' && !vr->has_lines) return "the value has control characters";
    if (vr->characters != NULL && strchr(vr->characters, value[i]) == NULL)
      return "the value has characters that its kind has not";
    if (!is_continuation(value[i])) characters++;
  }
  if (vr->characters_max > 0 && characters > vr->characters_max) return "the value is too long";
  if (strcmp(vr->vr, "DA") == 0 && size != 0 && size != 8) return "the value is no date YYYYMMDD";
  return NULL;
}

static const char *why_not_values(const struct text_vr *vr, const char *values) {
  if (strlen(values) > DICOM_VALUE_CAPTURED_MAX) return "the value is too long";
  if (vr->has_lines) return why_not_value(vr, values, strlen(values));
  for (;;) {
    const size_t size = strcspn(values, "\\");
    const char *why = why_not_value(vr, values, size);
    if (why != NULL || values[size] == '\0') return why;
    values += size + 1;
  }
}

cas_status cas_correction_check(const struct cas_correction *correction, struct cas_error *error) {
  char name[CORRECT_NAME_BYTES_MAX];
  if (correction->count == 0 || correction->count > CAS_ASSIGNMENTS_MAX)
    return status_fail(error, CAS_INVALID, "1 to %d attributes can be corrected at once", CAS_ASSIGNMENTS_MAX);
  for (size_t i = 0; i < correction->count; i++) {
    const struct cas_assignment *assignment = &correction->assignments[i];
    const char *why = why_not(assignment);
    if (why != NULL)
      return status_fail(error, CAS_INVALID, "%s cannot be corrected: %s", correct_name(assignment, name), why);
    why = why_not_values(text_vr_of(correct_vr(assignment)), assignment->value);
    if (why != NULL) return status_fail(error, CAS_INVALID, "%s: %s", correct_name(assignment, name), why);
    for (size_t j = 0; j < i; j++)
      if (correction->assignments[j].tag == assignment->tag)
        return status_fail(error, CAS_INVALID, "%s is given twice", correct_name(assignment, name));
  }
  return CAS_OK;
}
