/* Owns an iconv descriptor. */
#include "find_text.h"

#include <stdio.h>
#include <string.h>

static const struct {
  const char *term, *name;
} sets[] = {
    {"", "US-ASCII"},
    {"ISO_IR 6", "US-ASCII"},
    {"ISO_IR 100", "ISO-8859-1"},
    {"ISO_IR 101", "ISO-8859-2"},
    {"ISO_IR 109", "ISO-8859-3"},
    {"ISO_IR 110", "ISO-8859-4"},
    {"ISO_IR 144", "ISO-8859-5"},
    {"ISO_IR 127", "ISO-8859-6"},
    {"ISO_IR 126", "ISO-8859-7"},
    {"ISO_IR 138", "ISO-8859-8"},
    {"ISO_IR 148", "ISO-8859-9"},
    {"ISO_IR 203", "ISO-8859-15"},
    {"ISO_IR 166", "TIS-620"},
    {"GB18030", "GB18030"},
    {"GBK", "GBK"},
};

void find_text_init(struct find_text *text, struct cas_slice term) {
  *text = (struct find_text){.is_utf8 = true};
  for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
    if (strlen(sets[i].term) != term.size || (term.size > 0 && memcmp(sets[i].term, term.data, term.size) != 0))
      continue;
    text->to = iconv_open(sets[i].name, "UTF-8");
    text->is_open = text->to != (iconv_t)-1;
    if (!text->is_open) return;
    text->name = sets[i].name;
    if (strcmp(sets[i].term, "ISO_IR 6") != 0) snprintf(text->term, sizeof text->term, "%s", sets[i].term);
  }
}

void find_text_fini(struct find_text *text) {
  if (text->is_open) iconv_close(text->to);
  text->is_open = false;
}

void find_text_begin(struct find_text *text, bool utf8) {
  text->is_utf8 = utf8 || text->name == NULL;
  text->failed = false;
}

const char *find_text_term(const struct find_text *text) { return text->is_utf8 ? "ISO_IR 192" : text->term; }

static bool is_ascii(struct cas_slice text) {
  for (size_t i = 0; i < text.size; i++)
    if (text.data[i] >= 0x80) return false;
  return true;
}

cas_status find_text_encode(struct find_text *text, struct cas_slice utf8, const char *vr, struct cas_buffer *bytes) {
  bytes->size = 0;
  if (text->is_utf8 || is_ascii(utf8)) return cas_buffer_append(bytes, utf8);
  if (strstr("LO LT PN SH ST UC UT", vr) == NULL) return cas_buffer_append(bytes, utf8);
  const cas_status status = cas_buffer_reserve(bytes, 2 * utf8.size + 8);
  if (status != CAS_OK) return status;
  char *from = (char *)utf8.data, *to = (char *)bytes->data;
  size_t from_left = utf8.size, to_left = bytes->capacity;
  iconv(text->to, NULL, NULL, NULL, NULL);
  text->failed |= iconv(text->to, &from, &from_left, &to, &to_left) != 0;
  bytes->size = bytes->capacity - to_left;
  return CAS_OK;
}
