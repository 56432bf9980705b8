#include "dicom/code_elements.h"

#include "dicom/charset.h"

static const char *const encodings[CODE_SET_COUNT] = {
    [CODE_SET_LATIN_2] = "ISO-8859-2",  [CODE_SET_LATIN_3] = "ISO-8859-3", [CODE_SET_LATIN_4] = "ISO-8859-4",
    [CODE_SET_CYRILLIC] = "ISO-8859-5", [CODE_SET_ARABIC] = "ISO-8859-6",  [CODE_SET_GREEK] = "ISO-8859-7",
    [CODE_SET_HEBREW] = "ISO-8859-8",   [CODE_SET_LATIN_5] = "ISO-8859-9", [CODE_SET_LATIN_9] = "ISO-8859-15",
    [CODE_SET_THAI] = "TIS-620",        [CODE_SET_KANJI] = "EUC-JP",       [CODE_SET_SUPPLEMENTARY_KANJI] = "EUC-JP",
    [CODE_SET_HANGUL] = "EUC-KR",       [CODE_SET_HANZI] = "GB2312",
};

struct registration {
  unsigned number;
  struct code_elements elements;
};

/* The multi-byte sets come by escape sequence only: their first bytes are ASCII. IR 149 and 58 are also taken as G1
 * from the start, since files exist that forget the escape sequence. */
static const struct registration registrations[] = {
    {6, {CODE_SET_ASCII, CODE_SET_NONE}},      {13, {CODE_SET_ROMAJI, CODE_SET_KATAKANA}},
    {14, {CODE_SET_ROMAJI, CODE_SET_NONE}},    {100, {CODE_SET_ASCII, CODE_SET_LATIN_1}},
    {101, {CODE_SET_ASCII, CODE_SET_LATIN_2}}, {109, {CODE_SET_ASCII, CODE_SET_LATIN_3}},
    {110, {CODE_SET_ASCII, CODE_SET_LATIN_4}}, {144, {CODE_SET_ASCII, CODE_SET_CYRILLIC}},
    {127, {CODE_SET_ASCII, CODE_SET_ARABIC}},  {126, {CODE_SET_ASCII, CODE_SET_GREEK}},
    {138, {CODE_SET_ASCII, CODE_SET_HEBREW}},  {148, {CODE_SET_ASCII, CODE_SET_LATIN_5}},
    {203, {CODE_SET_ASCII, CODE_SET_LATIN_9}}, {166, {CODE_SET_ASCII, CODE_SET_THAI}},
    {87, {CODE_SET_ASCII, CODE_SET_NONE}},     {159, {CODE_SET_ASCII, CODE_SET_NONE}},
    {149, {CODE_SET_ASCII, CODE_SET_HANGUL}},  {58, {CODE_SET_ASCII, CODE_SET_HANZI}},
};

struct escape {
  const char *sequence; /* after ESC */
  enum code_set g0;     /* CODE_SET_NONE: leaves G0 */
  enum code_set g1;
};

static const struct escape escapes[] = {
    {"(B", CODE_SET_ASCII, CODE_SET_NONE},
    {"(J", CODE_SET_ROMAJI, CODE_SET_NONE},
    {")I", CODE_SET_NONE, CODE_SET_KATAKANA},
    {"-A", CODE_SET_NONE, CODE_SET_LATIN_1},
    {"-B", CODE_SET_NONE, CODE_SET_LATIN_2},
    {"-C", CODE_SET_NONE, CODE_SET_LATIN_3},
    {"-D", CODE_SET_NONE, CODE_SET_LATIN_4},
    {"-L", CODE_SET_NONE, CODE_SET_CYRILLIC},
    {"-G", CODE_SET_NONE, CODE_SET_ARABIC},
    {"-F", CODE_SET_NONE, CODE_SET_GREEK},
    {"-H", CODE_SET_NONE, CODE_SET_HEBREW},
    {"-M", CODE_SET_NONE, CODE_SET_LATIN_5},
    {"-b", CODE_SET_NONE, CODE_SET_LATIN_9},
    {"-T", CODE_SET_NONE, CODE_SET_THAI},
    {"$B", CODE_SET_KANJI, CODE_SET_NONE},
    {"$@", CODE_SET_KANJI, CODE_SET_NONE},
    {"$(D", CODE_SET_SUPPLEMENTARY_KANJI, CODE_SET_NONE},
    {"$)C", CODE_SET_NONE, CODE_SET_HANGUL},
    {"$)A", CODE_SET_NONE, CODE_SET_HANZI},
};

bool code_elements_of_registration(unsigned number, struct code_elements *elements) {
  for (size_t i = 0; i < sizeof registrations / sizeof registrations[0]; i++) {
    if (registrations[i].number != number) continue;
    *elements = registrations[i].elements;
    return true;
  }
  return false;
}

size_t code_elements_escape(struct cas_slice bytes, struct code_elements *elements) {
  for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
    size_t size = strlen(escapes[i].sequence);
    if (bytes.size < size + 1 || bytes.data[0] != 0x1B) continue;
    if (memcmp(bytes.data + 1, escapes[i].sequence, size) != 0) continue;
    if (escapes[i].g0 != CODE_SET_NONE) elements->g0 = escapes[i].g0;
    if (escapes[i].g1 != CODE_SET_NONE) elements->g1 = escapes[i].g1;
    return size + 1;
  }
  return 0;
}

size_t code_set_width(enum code_set set) {
  switch (set) {
  case CODE_SET_KANJI:
  case CODE_SET_SUPPLEMENTARY_KANJI:
  case CODE_SET_HANGUL:
  case CODE_SET_HANZI: return 2;
  default: return 1;
  }
}

/* Opens the set's descriptor on first use. False where the system has no such encoding. */
static bool converter_open(struct code_converters *converters, enum code_set set) {
  if (converters->is_open[set]) return true;
  if (converters->is_missing[set] || encodings[set] == NULL) return false;
  iconv_t opened = iconv_open("UTF-8", encodings[set]);
  if (opened == (iconv_t)-1) {
    converters->is_missing[set] = true;
    return false;
  }
  converters->opened[set] = opened;
  converters->is_open[set] = true;
  return true;
}

static cas_status append_converted(struct code_converters *converters, enum code_set set, const uint8_t *character,
                                   struct cas_buffer *utf8) {
  char in[3], out[16];
  size_t size = 0;
  if (set == CODE_SET_SUPPLEMENTARY_KANJI) in[size++] = (char)0x8F;
  for (size_t i = 0; i < code_set_width(set); i++) in[size++] = (char)(character[i] | 0x80);
  if (!converter_open(converters, set)) return utf8_append(utf8, UTF8_REPLACEMENT);
  char *from = in, *to = out;
  size_t from_left = size, to_left = sizeof out;
  size_t converted = iconv(converters->opened[set], &from, &from_left, &to, &to_left);
  if (converted == (size_t)-1 || from_left > 0) {
    iconv(converters->opened[set], NULL, NULL, NULL, NULL);
    return utf8_append(utf8, UTF8_REPLACEMENT);
  }
  return cas_buffer_append(utf8, slice_of(out, sizeof out - to_left));
}

cas_status code_set_append(struct code_converters *converters, enum code_set set, const uint8_t *character,
                           struct cas_buffer *utf8) {
  uint8_t c = character[0];
  switch (set) {
  case CODE_SET_ASCII: return utf8_append(utf8, c);
  case CODE_SET_ROMAJI:
    /* A yen sign is what 0x5C shows, but in DICOM it is the value delimiter all the same: PS3.5 6.1.2.3. */
    return utf8_append(utf8, c == 0x7E ? 0x203E : c);
  case CODE_SET_KATAKANA: return utf8_append(utf8, c >= 0xA1 && c <= 0xDF ? 0xFF61u + (c - 0xA1u) : UTF8_REPLACEMENT);
  case CODE_SET_LATIN_1: return utf8_append(utf8, c);
  default: return append_converted(converters, set, character, utf8);
  }
}

void code_converters_fini(struct code_converters *converters) {
  for (size_t i = 0; i < CODE_SET_COUNT; i++) {
    if (converters->is_open[i]) iconv_close(converters->opened[i]);
  }
  *converters = (struct code_converters){0};
}
