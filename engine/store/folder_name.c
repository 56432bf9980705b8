#include "store/folder_name.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Longest part that one value contributes: three of them and their spaces stay below the limit with room to
 * distinguish. */
#define PART_BYTES_MAX 76

/* Length of the UTF-8 sequence at `text`, 0 if it is none. Overlong forms and surrogates are no UTF-8. */
static size_t utf8_length(const unsigned char *text) {
  if (text[0] < 0x80) return 1;
  size_t length = text[0] >= 0xF0 ? 4 : text[0] >= 0xE0 ? 3 : 2;
  if (text[0] < 0xC2 || text[0] > 0xF4) return 0;
  for (size_t i = 1; i < length; i++)
    if ((text[i] & 0xC0) != 0x80) return 0;
  if ((text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xED && text[1] >= 0xA0)) return 0;
  if ((text[0] == 0xF0 && text[1] < 0x90) || (text[0] == 0xF4 && text[1] >= 0x90)) return 0;
  return length;
}

/* Control characters: C0, DEL, C1 (as U+0080..9F), line and paragraph separators, and marks that turn the direction. */
static bool is_control(const unsigned char *text, size_t length) {
  if (length == 1) return text[0] < 0x20 || text[0] == 0x7F;
  if (length == 2) return text[0] == 0xC2 && text[1] < 0xA0;
  if (length == 3 && text[0] == 0xE2 && text[1] == 0x80) return text[2] >= 0xA8 && text[2] <= 0xAE;
  return length == 3 && text[0] == 0xE2 && text[1] == 0x81 && text[2] >= 0xA6 && text[2] <= 0xA9;
}

/* Appends a value: unsafe characters become '_', runs of spaces one space, and it is cut at whole characters. */
static void append_safe(struct folder_name *name, const char *value, size_t bytes_max) {
  size_t begin = strlen(name->text), at = begin;
  const unsigned char *text = (const unsigned char *)value;
  while (*text != '\0') {
    size_t length = utf8_length(text);
    bool unsafe = length == 0 || is_control(text, length) || *text == '/' || *text == '\\';
    if (length == 0) length = 1;
    size_t taken = unsafe ? 1 : length;
    if (at - begin + taken > bytes_max || at + taken > FOLDER_NAME_BYTES_MAX) break;
    if (unsafe)
      name->text[at++] = '_';
    else if (*text != ' ' || (at > begin && name->text[at - 1] != ' '))
      for (size_t i = 0; i < length; i++) name->text[at++] = (char)text[i];
    text += length;
  }
  while (at > begin && name->text[at - 1] == ' ') at--;
  name->text[at] = '\0';
}

/* Appends text as it is, cut at the limit. */
static void append_text(struct folder_name *name, const char *text) {
  size_t at = strlen(name->text);
  snprintf(name->text + at, sizeof name->text - at, "%s", text);
}

/* Appends a value behind a space, if it has any characters. */
static void append_part(struct folder_name *name, const char *value) {
  struct folder_name part = {0};
  append_safe(&part, value, PART_BYTES_MAX);
  if (part.text[0] == '\0') return;
  size_t at = strlen(name->text);
  snprintf(name->text + at, sizeof name->text - at, "%s%s", at > 0 ? " " : "", part.text);
}

/* A name must be neither empty, nor "." or "..", nor hidden. */
static void finish(struct folder_name *name, const char *fallback) {
  if (name->text[0] == '\0') snprintf(name->text, sizeof name->text, "%s", fallback);
  if (name->text[0] == '.') name->text[0] = '_';
}

/* The first component group of a person name that has characters, with spaces for carets (PS3.5 6.2.1). */
static void person_name(const char *value, char *text, size_t capacity) {
  while (*value == '=') value++;
  size_t at = 0;
  for (; *value != '\0' && *value != '=' && *value != '\\' && at + 1 < capacity; value++)
    text[at++] = *value == '^' ? ' ' : *value;
  text[at] = '\0';
}

void folder_name_patient(const struct cas_attributes *attributes, struct folder_name *name) {
  char person[512];
  *name = (struct folder_name){0};
  append_part(name, cas_attributes_text(attributes, CAS_TAG_PATIENT_ID));
  finish(name, "(no ID)");
  person_name(cas_attributes_text(attributes, CAS_TAG_PATIENT_NAME), person, sizeof person);
  append_part(name, person);
}

static bool all_digits(const char *text, size_t count) {
  return strlen(text) == count && strspn(text, "0123456789") == count;
}

void folder_name_study(const struct cas_attributes *attributes, struct folder_name *name) {
  const char *date = cas_attributes_text(attributes, CAS_TAG_STUDY_DATE);
  *name = (struct folder_name){0};
  if (all_digits(date, 8))
    snprintf(name->text, sizeof name->text, "%.4s-%.2s-%.2s", date, date + 4, date + 6);
  else
    append_part(name, date);
  finish(name, "(no date)");
  append_part(name, cas_attributes_text(attributes, CAS_TAG_STUDY_DESCRIPTION));
  append_part(name, cas_attributes_text(attributes, CAS_TAG_ACCESSION_NUMBER));
}

/* An integer padded to `digits`, or the value as it is. */
static void append_number(struct folder_name *name, const char *value, int digits) {
  char *end, text[32];
  long number = strtol(value, &end, 10);
  if (end == value || *end != '\0' || number < 0 || number > 99999999) {
    append_part(name, value);
    return;
  }
  snprintf(text, sizeof text, "%0*ld", digits, number);
  append_part(name, text);
}

void folder_name_series(const struct cas_attributes *attributes, struct folder_name *name) {
  *name = (struct folder_name){0};
  append_number(name, cas_attributes_text(attributes, CAS_TAG_SERIES_NUMBER), 4);
  append_part(name, cas_attributes_text(attributes, CAS_TAG_MODALITY));
  append_part(name, cas_attributes_text(attributes, CAS_TAG_SERIES_DESCRIPTION));
  finish(name, "(series)");
}

void folder_name_instance(const struct cas_attributes *attributes, const char *sop_instance_uid, uint32_t version,
                          struct folder_name *name) {
  char ending[32] = ".dcm";
  *name = (struct folder_name){0};
  append_number(name, cas_attributes_text(attributes, CAS_TAG_INSTANCE_NUMBER), 5);
  if (name->text[0] != '\0') append_text(name, " ");
  append_safe(name, sop_instance_uid, DICOM_UID_BYTES_MAX);
  if (version > 1) snprintf(ending, sizeof ending, ".v%" PRIu32 ".dcm", version);
  append_text(name, ending);
  finish(name, "(instance)");
}

void folder_name_distinguish(struct folder_name *name, const char *identity, unsigned attempt) {
  uint64_t hash = XXH3_64bits_withSeed(identity, strlen(identity), attempt);
  struct folder_name base = *name;
  *name = (struct folder_name){0};
  append_safe(name, base.text, FOLDER_NAME_BYTES_MAX - 10);
  size_t at = strlen(name->text);
  snprintf(name->text + at, sizeof name->text - at, " ~%08" PRIx32, (uint32_t)hash);
}
