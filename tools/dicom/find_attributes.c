/* Owns nothing. */
#include "find_attributes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom_shim.h"

static cas_status refuse(struct cas_error *error, const char *why, const char *word) {
  if (error != NULL) {
    error->status = CAS_INVALID;
    error->system_errno = 0;
    snprintf(error->message, sizeof error->message, "%s: %.64s", why, word);
  }
  return CAS_INVALID;
}

/* "gggg,eeee", which has a comma as lists have. */
static bool is_tag(const char *at, uint32_t *tag) {
  unsigned group, element;
  if (strspn(at, "0123456789abcdefABCDEF") != 4 || at[4] != ',') return false;
  if (strspn(at + 5, "0123456789abcdefABCDEF") != 4) return false;
  if (sscanf(at, "%4x,%4x", &group, &element) != 2) return false;
  *tag = group << 16 | element;
  return true;
}

cas_status find_attributes_parse(const char *text, struct find_attributes *attributes, struct cas_error *error) {
  struct find_attributes read = {0};
  char word[65];
  if (strcmp(text, "none") == 0) text = "";
  for (const char *at = text + strspn(text, " \t,"); *at != '\0'; at += strspn(at, " \t,")) {
    uint32_t tag;
    size_t size = 9;
    if (!is_tag(at, &tag)) {
      size = strcspn(at, " \t,");
      snprintf(word, sizeof word, "%.*s", (int)(size < 64 ? size : 64), at);
      if (!dicom_dictionary_tag(word, &tag)) return refuse(error, "no attribute that is known", word);
    }
    if (tag >> 16 < 8 || tag >= 0x7FE00000u) return refuse(error, "an attribute that cannot be asked for", at);
    if (read.count == FIND_ATTRIBUTES_MAX) return refuse(error, "too many attributes", at);
    read.tags[read.count++] = tag;
    at += size;
  }
  *attributes = read;
  return CAS_OK;
}

bool find_attributes_have(const struct find_attributes *attributes, uint32_t tag) {
  for (size_t i = 0; i < attributes->count; i++)
    if (attributes->tags[i] == tag) return true;
  return false;
}
