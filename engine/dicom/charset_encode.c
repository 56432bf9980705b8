#include "dicom/charset_encode.h"

#include <iconv.h>

#include "base/status.h"

static const struct {
  const char *term, *name;
} sets[] = {
    {"ISO_IR 100", "ISO-8859-1"}, {"ISO_IR 101", "ISO-8859-2"},
    {"ISO_IR 109", "ISO-8859-3"}, {"ISO_IR 110", "ISO-8859-4"},
    {"ISO_IR 144", "ISO-8859-5"}, {"ISO_IR 127", "ISO-8859-6"},
    {"ISO_IR 126", "ISO-8859-7"}, {"ISO_IR 138", "ISO-8859-8"},
    {"ISO_IR 148", "ISO-8859-9"}, {"ISO_IR 203", "ISO-8859-15"},
    {"ISO_IR 166", "TIS-620"},    {"ISO_IR 192", "UTF-8"},
    {"GB18030", "GB18030"},       {"GBK", "GBK"},
};

bool charset_is_ascii(const char *utf8) {
  for (; *utf8 != '\0'; utf8++)
    if ((unsigned char)*utf8 >= 0x80) return false;
  return true;
}

static const char *name_of(struct cas_slice term) {
  while (term.size > 0 && (term.data[term.size - 1] == ' ' || term.data[term.size - 1] == 0)) term.size--;
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    if (slice_equal(term, slice_of(sets[i].term, strlen(sets[i].term)))) return sets[i].name;
  return NULL;
}

static cas_status convert(iconv_t converter, const char *utf8, struct cas_buffer *bytes) {
  size_t left = strlen(utf8), room = 4 * left + 16;
  STATUS_TRY(cas_buffer_reserve(bytes, bytes->size + room));
  char *in = (char *)utf8, *out = (char *)bytes->data + bytes->size;
  size_t before = room;
  if (iconv(converter, &in, &left, &out, &room) != 0 || left > 0) return CAS_UNSUPPORTED;
  bytes->size += before - room;
  return CAS_OK;
}

cas_status charset_encode(struct cas_slice specific, const char *utf8, struct cas_buffer *bytes) {
  if (charset_is_ascii(utf8)) return cas_buffer_append(bytes, slice_of(utf8, strlen(utf8)));
  const char *name = name_of(specific);
  if (name == NULL) return CAS_UNSUPPORTED;
  iconv_t converter = iconv_open(name, "UTF-8");
  if (converter == (iconv_t)-1) return CAS_UNSUPPORTED;
  cas_status status = convert(converter, utf8, bytes);
  iconv_close(converter);
  return status;
}
