/*
 * Frames out of DICOM files. Source: PS3.5 7.1 (data elements), PS3.10 7.1 (file meta information).
 */
#include "bench_frames.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG(group, element) ((uint32_t)(group) << 16 | (element))

struct walker {
  const uint8_t *data;
  size_t size, at;
  bool explicit_vr, big_endian;
};

struct element {
  uint32_t tag;
  uint32_t length; /* UINT32_MAX: undefined */
  size_t value;
};

static uint32_t get(const struct walker *w, size_t at, unsigned bytes) {
  uint32_t value = 0;
  for (unsigned i = 0; i < bytes; i++) value |= (uint32_t)w->data[at + i] << 8 * (w->big_endian ? bytes - 1 - i : i);
  return value;
}

static bool next_element(struct walker *w, struct element *element) {
  if (w->at + 8 > w->size) return false;
  element->tag = get(w, w->at, 2) << 16 | get(w, w->at + 2, 2);
  const char *vr = (const char *)w->data + w->at + 4;
  size_t header = 8;
  if (element->tag >> 16 == 0xfffe || !w->explicit_vr) {
    element->length = get(w, w->at + 4, 4);
  } else if (memcmp(vr, "OB", 2) == 0 || memcmp(vr, "OW", 2) == 0 || memcmp(vr, "SQ", 2) == 0 ||
             memcmp(vr, "UN", 2) == 0 || memcmp(vr, "UT", 2) == 0 || memcmp(vr, "OF", 2) == 0 ||
             memcmp(vr, "OD", 2) == 0 || memcmp(vr, "OL", 2) == 0 || memcmp(vr, "UC", 2) == 0 ||
             memcmp(vr, "UR", 2) == 0) {
    header = 12;
    if (w->at + header > w->size) return false;
    element->length = get(w, w->at + 8, 4);
  } else {
    element->length = get(w, w->at + 6, 2);
  }
  element->value = w->at + header;
  w->at = element->value;
  return true;
}

/* Passes over items of undefined length by counting delimiters; their elements are walked, not skipped. */
static bool skip_sequence(struct walker *w) {
  struct element element;
  unsigned depth = 1;
  while (depth > 0) {
    if (!next_element(w, &element)) return false;
    if (element.tag == TAG(0xfffe, 0xe0dd)) {
      depth--;
    } else if (element.tag == TAG(0xfffe, 0xe000) || element.tag == TAG(0xfffe, 0xe00d)) {
      continue;
    } else if (element.length == UINT32_MAX) {
      depth++;
    } else {
      if (element.length > w->size - w->at) return false;
      w->at += element.length;
    }
  }
  return true;
}

struct image {
  struct cas_pixel_format format;
  uint32_t frames;
};

static void take(struct walker *w, const struct element *e, struct image *image) {
  if (e->tag >> 16 != 0x0028 || e->length == 0) return;
  uint32_t value = e->length == 2 ? get(w, e->value, 2) : 0;
  char text[16] = "";
  switch (e->tag & 0xffff) {
  case 0x0002: image->format.samples_per_pixel = (uint16_t)value; break;
  case 0x0006: image->format.planar_configuration = (uint8_t)value; break;
  case 0x0008:
    memcpy(text, w->data + e->value, e->length < 15 ? e->length : 15);
    image->frames = (uint32_t)strtoul(text, NULL, 10);
    break;
  case 0x0010: image->format.rows = value; break;
  case 0x0011: image->format.columns = value; break;
  case 0x0100: image->format.bits_allocated = (uint16_t)value; break;
  case 0x0101: image->format.bits_stored = (uint16_t)value; break;
  case 0x0102: image->format.high_bit = (uint16_t)value; break;
  case 0x0103: image->format.pixel_representation = (uint8_t)value; break;
  default: break;
  }
}

static void add_frame(struct frames *frames, const struct cas_pixel_format *format, const uint8_t *raw, size_t size) {
  frames->items = realloc(frames->items, (frames->count + 1) * sizeof *frames->items);
  struct frame *frame = &frames->items[frames->count++];
  *frame = (struct frame){.format = *format, .size = size, .raw = malloc(size)};
  memcpy(frame->raw, raw, size);
  frame->native = frame->raw;
  frames->bytes += size;
  unsigned bytes = format->bits_allocated / 8;
  if (!format->big_endian || bytes < 2) return;
  frame->native = malloc(size);
  for (size_t i = 0; i < size; i++) frame->native[i] = raw[i - i % bytes + bytes - 1 - i % bytes];
}

static void add_pixels(struct frames *frames, const struct image *image, const uint8_t *value, size_t length) {
  const struct cas_pixel_format *f = &image->format;
  size_t size = (size_t)f->rows * f->columns * f->samples_per_pixel * (f->bits_allocated / 8u);
  if (size == 0) return;
  for (uint32_t i = 0; i < image->frames && (i + 1) * size <= length; i++) add_frame(frames, f, value + i * size, size);
}

/* Sets the encoding of the data set from the file meta information; false where it is not a native one. */
static bool read_meta(struct walker *w) {
  char syntax[65] = "1.2.840.10008.1.2";
  w->explicit_vr = true;
  if (w->size > 140 && memcmp(w->data + 128, "DICM", 4) == 0) {
    w->at = 132;
    while (w->at + 8 <= w->size && get(w, w->at, 2) == 2) {
      struct element e;
      if (!next_element(w, &e) || e.length > w->size - w->at) return false;
      if (e.tag == TAG(2, 0x10)) {
        memset(syntax, 0, sizeof syntax);
        memcpy(syntax, w->data + e.value, e.length < 64 ? e.length : 64);
      }
      w->at += e.length;
    }
  }
  w->explicit_vr = strcmp(syntax, "1.2.840.10008.1.2") != 0;
  w->big_endian = strcmp(syntax, "1.2.840.10008.1.2.2") == 0;
  return !w->explicit_vr || w->big_endian || strcmp(syntax, "1.2.840.10008.1.2.1") == 0;
}

static void add_file(struct frames *frames, const uint8_t *data, size_t size) {
  struct walker w = {.data = data, .size = size};
  struct image image = {.frames = 1};
  struct element e;
  if (!read_meta(&w)) return;
  image.format.big_endian = w.big_endian;
  while (next_element(&w, &e)) {
    if (e.length == UINT32_MAX) {
      if (e.tag == TAG(0x7fe0, 0x10) || !skip_sequence(&w)) return;
      continue;
    }
    if (e.length > w.size - w.at) return;
    if (e.tag == TAG(0x7fe0, 0x10)) {
      add_pixels(frames, &image, w.data + e.value, e.length);
      return;
    }
    take(&w, &e, &image);
    w.at += e.length;
  }
}

struct names {
  char **items;
  size_t count;
};

static struct names *names_found; /* nftw gives its callback no context */

static int add_name(const char *path, const struct stat *status, int type, struct FTW *ftw) {
  (void)status;
  (void)ftw;
  if (type != FTW_F) return 0;
  names_found->items = realloc(names_found->items, (names_found->count + 1) * sizeof *names_found->items);
  names_found->items[names_found->count++] = strdup(path);
  return 0;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

bool frames_load(struct frames *frames, const char *folder) {
  struct names names = {0};
  names_found = &names;
  bool found = nftw(folder, add_name, 16, FTW_PHYS) == 0;
  if (names.count > 0) qsort(names.items, names.count, sizeof *names.items, by_name);
  for (size_t i = 0; i < names.count; i++) {
    FILE *file = fopen(names.items[i], "rb");
    if (file != NULL) {
      fseek(file, 0, SEEK_END);
      size_t size = (size_t)ftell(file);
      rewind(file);
      uint8_t *data = malloc(size + 1);
      if (fread(data, 1, size, file) == size) add_file(frames, data, size);
      free(data);
      fclose(file);
    }
    free(names.items[i]);
  }
  free(names.items);
  return found;
}

void frames_fini(struct frames *frames) {
  for (size_t i = 0; i < frames->count; i++) {
    if (frames->items[i].native != frames->items[i].raw) free(frames->items[i].native);
    free(frames->items[i].raw);
  }
  free(frames->items);
}

unsigned frame_bits(const struct frame *frame) {
  if (frame->format.bits_allocated != 16) return frame->format.bits_allocated;
  unsigned all = 0;
  for (size_t i = 0; i + 1 < frame->size; i += 2) all |= (unsigned)(frame->native[i] | frame->native[i + 1] << 8);
  unsigned stored = frame->format.bits_stored;
  return stored >= 2 && stored < 16 && all >> stored == 0 ? stored : 16;
}
