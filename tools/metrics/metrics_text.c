/* Owns nothing. */
#include "metrics_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void put(struct metrics_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct metrics_text *text, const char *format, ...) {
  char line[METRICS_LABELS_BYTES + 512];
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (size < 0 || (size_t)size >= sizeof line) text->status = CAS_NO_MEMORY;
  if (text->status == CAS_OK)
    text->status =
        cas_buffer_append(text->out, (struct cas_slice){.data = (const uint8_t *)line, .size = (size_t)size});
}

/* Bytes of the UTF-8 character that begins here; 0: there is none. */
static size_t character_bytes(const unsigned char *from) {
  const size_t size = from[0] < 0x80                      ? 1
                      : from[0] >= 0xC2 && from[0] < 0xE0 ? 2
                      : from[0] >= 0xE0 && from[0] < 0xF0 ? 3
                      : from[0] >= 0xF0 && from[0] < 0xF5 ? 4
                                                          : 0;
  for (size_t i = 1; i < size; i++)
    if ((from[i] & 0xC0) != 0x80) return 0;
  return size;
}

void metrics_label(struct metrics_labels *labels, const char *name, const char *value) {
  size_t used = strlen(labels->text);
  const size_t room = sizeof labels->text - 8;
  const int begun = snprintf(labels->text + used, room - used, "%s%s=\"", used > 0 ? "," : "", name);
  if (begun < 0 || used + (size_t)begun >= room) {
    labels->text[used] = '\0';
    return;
  }
  used += (size_t)begun;
  for (const unsigned char *from = (const unsigned char *)value; *from != '\0' && used + 4 < room;) {
    const size_t size = character_bytes(from);
    if (size == 0 || (*from < ' ' && *from != '\n') || *from == 0x7F) {
      labels->text[used++] = '?';
    } else if (*from == '"' || *from == '\\' || *from == '\n') {
      labels->text[used++] = '\\';
      labels->text[used++] = (char)(*from == '\n' ? 'n' : *from);
    } else {
      memcpy(labels->text + used, from, size);
      used += size;
    }
    from += size == 0 ? 1 : size;
  }
  labels->text[used++] = '"';
  labels->text[used] = '\0';
}

void metrics_family(struct metrics_text *text, const char *name, const char *type, const char *help) {
  put(text, "# HELP %s %s\n", name, help);
  put(text, "# TYPE %s %s\n", name, type);
}

static void put_sample(struct metrics_text *text, const char *name, const char *labels, const char *value) {
  const bool plain = labels == NULL || labels[0] == '\0';
  put(text, "%s%s%s%s %s\n", name, plain ? "" : "{", plain ? "" : labels, plain ? "" : "}", value);
}

void metrics_count(struct metrics_text *text, const char *name, const char *labels, uint64_t value) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRIu64, value);
  put_sample(text, name, labels, digits);
}

void metrics_number(struct metrics_text *text, const char *name, const char *labels, double value) {
  char digits[40];
  snprintf(digits, sizeof digits, "%.15g", value);
  put_sample(text, name, labels, digits);
}

void metrics_seconds(struct metrics_text *text, const char *name, const char *labels, int64_t ns) {
  char digits[40];
  const uint64_t told = ns > 0 ? (uint64_t)ns : 0;
  snprintf(digits, sizeof digits, "%" PRIu64 ".%09" PRIu64, told / 1000000000, told % 1000000000);
  put_sample(text, name, labels, digits);
}
