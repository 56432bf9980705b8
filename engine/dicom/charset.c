/*
 * Specific Character Set: reads its terms and decodes text under them.
 *
 * Invariants
 *  1. Whatever the bytes, the result is valid UTF-8 without NUL.
 *  2. A multi-byte character is taken whole, so that a backslash or ^ inside it delimits nothing.
 */
#include "dicom/charset.h"

#include <ctype.h>
#include <iconv.h>

#include "base/status.h"
#include "dicom/code_elements.h"

enum charset_kind {
  CHARSET_UNSTATED, /* the default repertoire, or a term nobody knows: 8-bit bytes are looked at */
  CHARSET_UTF_8,
  CHARSET_GB18030, /* also GBK, of which it is a superset */
  CHARSET_CODE_ELEMENTS,
};

struct charset {
  enum charset_kind kind;
  struct code_elements first; /* CHARSET_CODE_ELEMENTS: what is in force at the start and after a delimiter */
  struct code_converters converters;
  iconv_t gb18030;
  bool gb18030_is_open;
};

enum { TERM_BYTES_MAX = 32 };

/* Upper case letters and digits of the term only: "ISO_IR 100", "ISO-IR 100" and "iso_ir_100" are one. */
static size_t term_squeeze(struct cas_slice term, char squeezed[TERM_BYTES_MAX]) {
  size_t size = 0;
  for (size_t i = 0; i < term.size && size + 1 < TERM_BYTES_MAX; i++) {
    uint8_t c = term.data[i];
    if (c < 0x80 && isalnum(c)) squeezed[size++] = (char)toupper(c);
  }
  squeezed[size] = '\0';
  return size;
}

/* The registration number after the last "IR" of the term, 0 where there is none. */
static unsigned term_registration(const char *squeezed) {
  const char *at = NULL;
  for (const char *p = strstr(squeezed, "IR"); p != NULL; p = strstr(p + 1, "IR")) at = p;
  if (at == NULL) return 0;
  unsigned number = 0;
  for (at += 2; *at >= '0' && *at <= '9' && number < 1000; at++) number = number * 10 + (unsigned)(*at - '0');
  return *at == '\0' ? number : 0;
}

static void read_term(struct charset *charset, struct cas_slice term, bool is_first) {
  char squeezed[TERM_BYTES_MAX];
  if (term_squeeze(term, squeezed) == 0) return;
  unsigned registration = term_registration(squeezed);
  struct code_elements elements;
  if (registration == 192 || strcmp(squeezed, "UTF8") == 0) {
    if (is_first) charset->kind = CHARSET_UTF_8;
  } else if (strcmp(squeezed, "GB18030") == 0 || strcmp(squeezed, "GBK") == 0) {
    if (is_first) charset->kind = CHARSET_GB18030;
  } else if (code_elements_of_registration(registration, &elements)) {
    if (is_first) {
      charset->first = elements;
      /* ISO_IR 6 alone says no more than an absent attribute does. */
      if (registration != 6) charset->kind = CHARSET_CODE_ELEMENTS;
    } else if (charset->kind == CHARSET_UNSTATED) {
      charset->kind = CHARSET_CODE_ELEMENTS;
    }
  }
}

cas_status charset_create(struct cas_slice specific_character_set, struct charset **charset) {
  struct charset *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  created->first = (struct code_elements){CODE_SET_ASCII, CODE_SET_NONE};
  *charset = created;
  if (specific_character_set.size == 0) return CAS_OK;
  bool is_first = true;
  size_t begin = 0;
  for (size_t i = 0; i <= specific_character_set.size; i++) {
    if (i < specific_character_set.size && specific_character_set.data[i] != '\\') continue;
    read_term(created, slice_of(specific_character_set.data + begin, i - begin), is_first);
    is_first = false;
    begin = i + 1;
  }
  return CAS_OK;
}

void charset_destroy(struct charset *charset) {
  if (charset == NULL) return;
  code_converters_fini(&charset->converters);
  if (charset->gb18030_is_open) iconv_close(charset->gb18030);
  free(charset);
}

static bool is_plain_ascii(struct cas_slice raw) {
  for (size_t i = 0; i < raw.size; i++) {
    if (raw.data[i] >= 0x80 || raw.data[i] == 0x1B || raw.data[i] == 0) return false;
  }
  return true;
}

/* True for bytes that may be the beginning of one character cut short. */
static bool is_utf8_beginning(struct cas_slice bytes) {
  static const uint8_t continuations[3] = {0x80, 0x80, 0x80};
  uint8_t completed[8];
  if (bytes.size == 0 || bytes.size > 3 || bytes.data[0] < 0xC2) return false;
  memcpy(completed, bytes.data, bytes.size);
  memcpy(completed + bytes.size, continuations, sizeof continuations);
  if (bytes.size == 1 && (completed[0] == 0xE0 || completed[0] == 0xF0)) completed[1] = 0xBF;
  size_t size = utf8_character_bytes(slice_of(completed, bytes.size + 3));
  return size > bytes.size;
}

static cas_status append_utf8(struct cas_slice raw, bool is_cut, struct cas_buffer *utf8) {
  for (size_t i = 0; i < raw.size;) {
    struct cas_slice left = slice_of(raw.data + i, raw.size - i);
    size_t size = utf8_character_bytes(left);
    if (size == 0 && is_cut && is_utf8_beginning(left)) return CAS_OK;
    if (size == 0 || left.data[0] == 0) {
      STATUS_TRY(utf8_append(utf8, UTF8_REPLACEMENT));
      size = 1;
    } else {
      STATUS_TRY(cas_buffer_append(utf8, slice_of(left.data, size)));
    }
    i += size;
  }
  return CAS_OK;
}

static bool is_valid_utf8(struct cas_slice raw, bool is_cut) {
  for (size_t i = 0; i < raw.size;) {
    struct cas_slice left = slice_of(raw.data + i, raw.size - i);
    size_t size = utf8_character_bytes(left);
    if (size == 0) return is_cut && is_utf8_beginning(left);
    i += size;
  }
  return true;
}

static cas_status append_unstated(struct cas_slice raw, bool is_cut, struct cas_buffer *utf8) {
  if (is_valid_utf8(raw, is_cut)) return append_utf8(raw, is_cut, utf8);
  for (size_t i = 0; i < raw.size; i++) {
    STATUS_TRY(utf8_append(utf8, raw.data[i] == 0 ? UTF8_REPLACEMENT : raw.data[i]));
  }
  return CAS_OK;
}

/* The length of the GB18030 character at the start, by its form alone: 1, 2 or 4; 0 where it is incomplete. */
static size_t gb18030_character_bytes(struct cas_slice bytes) {
  if (bytes.data[0] < 0x81 || bytes.data[0] == 0xFF) return 1;
  if (bytes.size < 2) return 0;
  uint8_t second = bytes.data[1];
  if (second >= 0x40 && second != 0x7F && second != 0xFF) return 2;
  if (second < 0x30 || second > 0x39) return 1;
  return bytes.size < 4 ? 0 : 4;
}

static cas_status append_gb18030(struct charset *charset, struct cas_slice raw, bool is_cut, struct cas_buffer *utf8) {
  if (!charset->gb18030_is_open) {
    charset->gb18030 = iconv_open("UTF-8", "GB18030");
    if (charset->gb18030 == (iconv_t)-1) return append_unstated(raw, is_cut, utf8);
    charset->gb18030_is_open = true;
  }
  for (size_t i = 0; i < raw.size;) {
    struct cas_slice left = slice_of(raw.data + i, raw.size - i);
    size_t size = gb18030_character_bytes(left);
    if (size == 0 && is_cut) return CAS_OK;
    char in[4], out[16], *from = in, *to = out;
    size_t from_left = size, to_left = sizeof out;
    memcpy(in, left.data, size);
    if (size == 1 && in[0] != 0 && left.data[0] < 0x80) {
      STATUS_TRY(utf8_append(utf8, left.data[0]));
    } else if (size > 1 && iconv(charset->gb18030, &from, &from_left, &to, &to_left) != (size_t)-1 && from_left == 0) {
      STATUS_TRY(cas_buffer_append(utf8, slice_of(out, sizeof out - to_left)));
    } else {
      iconv(charset->gb18030, NULL, NULL, NULL, NULL);
      STATUS_TRY(utf8_append(utf8, UTF8_REPLACEMENT));
      size = size == 0 ? 1 : size;
    }
    i += size;
  }
  return CAS_OK;
}

static bool is_delimiter(uint8_t c, enum charset_delimiters delimiters) {
  if (c == '\r' || c == '\n' || c == '\f' || c == '\t') return true;
  if (delimiters == CHARSET_DELIMITERS_LINES) return false;
  return c == '\\' || (delimiters == CHARSET_DELIMITERS_PERSON && (c == '^' || c == '='));
}

/* The set that `byte` belongs to while `elements` are in force. Control characters and space are the same in all. */
static enum code_set set_of_byte(const struct code_elements *elements, uint8_t byte) {
  if (byte >= 0x80) return elements->g1;
  if (code_set_width(elements->g0) == 2 && (byte <= 0x20 || byte == 0x7F)) return CODE_SET_ASCII;
  return elements->g0;
}

/* True where `bytes` has a whole character of a set of two bytes. */
static bool is_pair(struct cas_slice bytes) {
  if (bytes.size < 2) return false;
  uint8_t half = bytes.data[0] & 0x80;
  uint8_t low = bytes.data[1] & 0x7F;
  return (bytes.data[1] & 0x80) == half && low > 0x20 && low < 0x7F && (bytes.data[0] & 0x7F) > 0x20;
}

static cas_status append_code_elements(struct charset *charset, struct cas_slice raw,
                                       enum charset_delimiters delimiters, bool is_cut, struct cas_buffer *utf8) {
  struct code_elements elements = charset->first;
  for (size_t i = 0; i < raw.size;) {
    struct cas_slice left = slice_of(raw.data + i, raw.size - i);
    size_t escape_bytes = code_elements_escape(left, &elements);
    if (escape_bytes > 0) {
      i += escape_bytes;
      continue;
    }
    uint8_t c = left.data[0];
    enum code_set set = set_of_byte(&elements, c);
    size_t width = code_set_width(set);
    if (is_cut && ((width == 2 && left.size == 1) || (c == 0x1B && left.size < 4))) return CAS_OK;
    if (c == 0 || c == 0x1B || set == CODE_SET_NONE || (width == 2 && !is_pair(left))) {
      STATUS_TRY(utf8_append(utf8, UTF8_REPLACEMENT));
      width = 1;
    } else {
      STATUS_TRY(code_set_append(&charset->converters, set, left.data, utf8));
      if (width == 1 && is_delimiter(c, delimiters)) elements = charset->first;
    }
    i += width;
  }
  return CAS_OK;
}

cas_status charset_to_utf8(struct charset *charset, struct cas_slice raw, enum charset_delimiters delimiters,
                           bool is_cut, struct cas_buffer *utf8) {
  bool ascii_is_ascii = charset->kind != CHARSET_CODE_ELEMENTS || charset->first.g0 == CODE_SET_ASCII;
  if (ascii_is_ascii && is_plain_ascii(raw)) return cas_buffer_append(utf8, raw);
  switch (charset->kind) {
  case CHARSET_UTF_8: return append_utf8(raw, is_cut, utf8);
  case CHARSET_GB18030: return append_gb18030(charset, raw, is_cut, utf8);
  case CHARSET_CODE_ELEMENTS: return append_code_elements(charset, raw, delimiters, is_cut, utf8);
  case CHARSET_UNSTATED: break;
  }
  return append_unstated(raw, is_cut, utf8);
}
