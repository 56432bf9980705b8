/*
 * Owns nothing.
 *
 * Invariants
 *  1. parse(encode(uid)) is uid, and parse() takes no other spelling: it encodes what it found and compares.
 *  2. A name has only letters, digits, '.', '-', '_' and '%', and does not begin with '.' or '-'.
 *  3. No spelling of a UID has ".v" in it, so that a version cannot be taken for a part of the UID.
 */
#include <stdio.h>
#include <string.h>

#include "fuse/uid_name.h"

/* Whether `c` stands for itself behind `before` (0 at the beginning). */
static bool is_plain(char c, char before) {
  if (c == 'v') return before != '.'; /* ".v2" marks a version */
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_') return true;
  return before != '\0' && (c == '.' || c == '-');
}

/* Appends the spelling of `uid` from name[0] on; returns its length, or 0 where it does not fit or is empty. */
static size_t encode(const char *uid, char name[NAME_MAX + 1]) {
  size_t size = 0;
  for (size_t i = 0; uid[i] != '\0'; i++) {
    if (i >= CAS_UID_TEXT_MAX - 1 || size + 3 > NAME_MAX) return 0;
    if (is_plain(uid[i], i == 0 ? '\0' : uid[i - 1])) {
      name[size++] = uid[i];
    } else {
      snprintf(name + size, 4, "%%%02X", (unsigned char)uid[i]);
      size += 3;
    }
  }
  name[size] = '\0';
  return size;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode(const char *name, size_t name_size, char uid[CAS_UID_TEXT_MAX]) {
  size_t size = 0;
  for (size_t i = 0; i < name_size; i++) {
    if (size >= CAS_UID_TEXT_MAX - 1) return false;
    char c = name[i];
    if (c == '%') {
      if (name_size - i < 3) return false;
      int high = hex_digit(name[i + 1]), low = hex_digit(name[i + 2]);
      if (high < 0 || low < 0 || (high == 0 && low == 0)) return false;
      c = (char)(high << 4 | low);
      i += 2;
    }
    uid[size++] = c;
  }
  uid[size] = '\0';
  return size > 0;
}

bool uid_name_encode(const char *uid, char name[NAME_MAX + 1]) { return encode(uid, name) > 0; }

bool uid_name_parse(const char *name, char uid[CAS_UID_TEXT_MAX]) {
  char again[NAME_MAX + 1];
  return decode(name, strnlen(name, NAME_MAX + 1), uid) && uid_name_encode(uid, again) && strcmp(again, name) == 0;
}

bool uid_name_encode_file(const char *uid, uint32_t version, char name[NAME_MAX + 1]) {
  char suffix[sizeof ".v4294967295.dcm"];
  if (version == 1)
    snprintf(suffix, sizeof suffix, ".dcm");
  else
    snprintf(suffix, sizeof suffix, ".v%u.dcm", version);
  size_t size = encode(uid, name), suffix_size = strlen(suffix);
  if (size == 0 || size + suffix_size > NAME_MAX) return false;
  memcpy(name + size, suffix, suffix_size + 1);
  return true;
}

/* Where the file name is "<stem>.v<number>.dcm", the number and the stem's size. */
static bool find_version(const char *name, size_t stem_size, size_t *uid_size, uint32_t *version) {
  size_t digits = 0;
  uint64_t number = 0, place = 1;
  while (digits < 10 && digits < stem_size && name[stem_size - 1 - digits] >= '0' &&
         name[stem_size - 1 - digits] <= '9') {
    number += place * (uint64_t)(name[stem_size - 1 - digits] - '0');
    place *= 10;
    digits++;
  }
  if (digits == 0 || stem_size < digits + 3 || number > UINT32_MAX) return false;
  if (name[stem_size - digits - 1] != 'v' || name[stem_size - digits - 2] != '.') return false;
  *uid_size = stem_size - digits - 2;
  *version = (uint32_t)number;
  return true;
}

static bool is_spelling(const char *name, size_t uid_size, uint32_t version, char uid[CAS_UID_TEXT_MAX]) {
  char again[NAME_MAX + 1];
  return decode(name, uid_size, uid) && uid_name_encode_file(uid, version, again) && strcmp(again, name) == 0;
}

bool uid_name_parse_file(const char *name, char uid[CAS_UID_TEXT_MAX], uint32_t *version) {
  size_t size = strnlen(name, NAME_MAX + 1), uid_size;
  if (size < 4 || size > NAME_MAX || memcmp(name + size - 4, ".dcm", 4) != 0) return false;
  uint32_t number;
  if (find_version(name, size - 4, &uid_size, &number) && is_spelling(name, uid_size, number, uid)) {
    *version = number;
    return true;
  }
  if (!is_spelling(name, size - 4, 1, uid)) return false;
  *version = 1;
  return true;
}
