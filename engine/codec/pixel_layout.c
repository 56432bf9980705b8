/*
 * Words to planes and back.
 *
 * Invariants
 *  1. load and store agree for every layout that pixel_layout_valid accepts, whatever the words hold: bits outside
 *     Bits Stored belong to one of the fields.
 *  2. All arithmetic is modulo the width of the field, so no value needs care.
 */
#include "codec/pixel_layout.h"

#include "base/bytes.h"

struct pixel_part pixel_layout_part(const struct pixel_layout *layout, unsigned index) {
  unsigned fields = layout->split != 0 ? 2 : 1;
  unsigned component = index / fields;
  /* The component that the others lean on comes first. */
  if (layout->subtract && component < 2) component = 1 - component;
  return (struct pixel_part){.component = (uint8_t)component, .field = (uint8_t)(index % fields)};
}

bool pixel_layout_valid(const struct pixel_layout *layout, size_t raw_size) {
  if (layout->rows == 0 || layout->columns == 0) return false;
  if (layout->samples != 1 && layout->samples != 3) return false;
  if (layout->subtract && layout->samples != 3) return false;
  switch (layout->word_bytes) {
  case 1:
    if (layout->split != 0) return false;
    break;
  case 2:
    if (layout->split > 15) return false;
    break;
  case 4:
    if (layout->split != 16) return false;
    break;
  default: return false;
  }
  size_t words = raw_size / layout->word_bytes / layout->samples;
  return words * layout->word_bytes * layout->samples == raw_size && (uint64_t)layout->rows * layout->columns == words;
}

static bool is_modelled(const struct cas_pixel_format *format) {
  if (format->samples_per_pixel != 1 && format->samples_per_pixel != 3) return false;
  return format->bits_allocated == 8 || format->bits_allocated == 16 || format->bits_allocated == 32;
}

/*
 * True where the bits from `width` up are neither all zero nor the sign of the bit below them, in some word. Only
 * every fourth row is looked at: what is missed costs size alone.
 */
static bool has_foreign_bits(const struct cas_pixel_format *format, struct cas_slice raw, unsigned width) {
  size_t row_bytes = (size_t)format->columns * format->samples_per_pixel * 2;
  for (size_t start = 0; start + row_bytes <= raw.size; start += 4 * row_bytes) {
    uint16_t zero = 0, sign = 0;
    for (size_t i = 0; i < row_bytes; i += 2) {
      uint16_t word;
      memcpy(&word, raw.data + start + i, sizeof word);
      if (format->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)) word = __builtin_bswap16(word);
      zero |= (uint16_t)(word >> width);
      sign |= (uint16_t)(word ^ (uint16_t)((int16_t)(uint16_t)(word << (16 - width)) >> (16 - width)));
    }
    if (zero != 0 && sign != 0) return true;
  }
  return false;
}

/* Colours that move together cost less as differences: compares both over some of the pixels. */
static bool subtraction_pays(const struct pixel_layout *layout, struct cas_slice raw) {
  uint64_t plain = 0, differences = 0;
  size_t area = (size_t)layout->rows * layout->columns;
  size_t pixel = layout->planar ? 1 : 3;
  size_t component = layout->planar ? area : 1;
  for (size_t i = 0; i + 1 < area; i += 7) {
    int step[3];
    for (unsigned c = 0; c < 3; c++) {
      size_t a = (i * pixel + c * component) * layout->word_bytes;
      size_t b = ((i + 1) * pixel + c * component) * layout->word_bytes;
      size_t top = layout->big_endian || layout->word_bytes == 1 ? 0 : layout->word_bytes - 1u;
      int first = raw.data[a + top], second = raw.data[b + top];
      if (layout->word_bytes == 2) {
        first = first << 8 | raw.data[a + (1 - top)];
        second = second << 8 | raw.data[b + (1 - top)];
      }
      step[c] = second - first;
    }
    plain += (unsigned)(abs(step[0]) + abs(step[2]));
    differences += (unsigned)(abs(step[0] - step[1]) + abs(step[2] - step[1]));
  }
  return differences < plain;
}

bool pixel_layout_choose(struct pixel_layout *layout, const struct cas_pixel_format *format, struct cas_slice raw) {
  if (!is_modelled(format)) return false;
  *layout = (struct pixel_layout){
      .rows = format->rows,
      .columns = format->columns,
      .word_bytes = (uint8_t)(format->bits_allocated / 8),
      .samples = (uint8_t)format->samples_per_pixel,
      .split = format->bits_allocated == 32 ? 16 : 0,
      .planar = format->samples_per_pixel == 3 && format->planar_configuration == 1,
      .big_endian = format->big_endian && format->bits_allocated > 8,
  };
  if (!pixel_layout_valid(layout, raw.size)) return false;
  unsigned width = format->high_bit + 1u;
  if (format->bits_allocated == 16 && width < 16 && has_foreign_bits(format, raw, width)) {
    layout->split = (uint8_t)width;
    layout->extend = format->pixel_representation == 1;
  }
  layout->subtract = layout->samples == 3 && subtraction_pays(layout, raw);
  return true;
}

/* Where the words of a component's row stand. */
struct run {
  size_t start; /* byte of the first word */
  size_t step;  /* bytes from word to word */
};

static struct run run_of(const struct pixel_layout *layout, unsigned component, uint32_t row) {
  size_t words = (size_t)row * layout->columns;
  if (layout->samples == 1) return (struct run){words * layout->word_bytes, layout->word_bytes};
  if (!layout->planar)
    return (struct run){(words * layout->samples + component) * layout->word_bytes,
                        (size_t)layout->samples * layout->word_bytes};
  size_t plane = (size_t)layout->rows * layout->columns;
  return (struct run){(plane * component + words) * layout->word_bytes, layout->word_bytes};
}

static uint32_t word_load(const struct pixel_layout *layout, const uint8_t *at) {
  if (layout->word_bytes == 1) return at[0];
  if (layout->word_bytes == 2) return layout->big_endian ? (uint32_t)at[0] << 8 | at[1] : load_u16(at);
  return layout->big_endian ? __builtin_bswap32(load_u32(at)) : load_u32(at);
}

static void word_store(const struct pixel_layout *layout, uint8_t *at, uint32_t word) {
  if (layout->word_bytes == 1) {
    at[0] = (uint8_t)word;
  } else if (layout->word_bytes == 2) {
    store_u16(at, layout->big_endian ? __builtin_bswap16((uint16_t)word) : (uint16_t)word);
  } else {
    store_u32(at, layout->big_endian ? __builtin_bswap32(word) : word);
  }
}

/* Bits of a field: its place in the word and its mask before shifting up. */
static unsigned field_shift(const struct pixel_layout *layout, unsigned field) {
  return field == 0 ? 0 : layout->split;
}

static uint32_t field_mask(const struct pixel_layout *layout, unsigned field) {
  unsigned bits = layout->word_bytes * 8u;
  if (layout->split != 0) bits = field == 0 ? layout->split : bits - layout->split;
  return bits >= 16 ? 0xffff : (1u << bits) - 1;
}

/* The usual case, without a branch for each word: compilers make vectors of it. */
static void load_words(const uint8_t *at, uint32_t count, uint16_t *samples) {
  memcpy(samples, at, count * sizeof *samples);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  for (uint32_t i = 0; i < count; i++) samples[i] = __builtin_bswap16(samples[i]);
#endif
}

static void store_words(const uint16_t *samples, uint32_t count, uint16_t base, uint8_t *at) {
  for (uint32_t i = 0; i < count; i++) {
    uint16_t word = (uint16_t)(samples[i] + base);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap16(word);
#endif
    memcpy(at + 2 * (size_t)i, &word, sizeof word);
  }
}

static bool leans(const struct pixel_layout *layout, unsigned component) { return layout->subtract && component != 1; }

void pixel_layout_load(const struct pixel_layout *layout, struct pixel_part part, const uint8_t *raw, uint32_t row,
                       uint16_t *samples) {
  struct run run = run_of(layout, part.component, row);
  const uint8_t *at = raw + run.start;
  if (layout->word_bytes == 2 && layout->samples == 1 && layout->split == 0 && !layout->big_endian) {
    load_words(at, layout->columns, samples);
    return;
  }
  unsigned shift = field_shift(layout, part.field);
  uint32_t mask = field_mask(layout, part.field);
  bool extend = layout->extend && part.field == 0;
  for (uint32_t x = 0; x < layout->columns; x++, at += run.step) {
    uint32_t sample = word_load(layout, at) >> shift & mask;
    samples[x] = (uint16_t)(extend && (sample & ~(mask >> 1)) != 0 ? sample | ~mask : sample);
  }
  if (!leans(layout, part.component)) return;
  struct run middle = run_of(layout, 1, row);
  at = raw + middle.start;
  for (uint32_t x = 0; x < layout->columns; x++, at += middle.step)
    samples[x] = (uint16_t)(samples[x] - (word_load(layout, at) >> shift & mask));
}

void pixel_layout_store(const struct pixel_layout *layout, struct pixel_part part, uint8_t *raw, uint32_t row,
                        const uint16_t *samples, uint16_t base) {
  struct run run = run_of(layout, part.component, row);
  uint8_t *at = raw + run.start;
  if (layout->word_bytes == 2 && layout->samples == 1 && layout->split == 0 && !layout->big_endian) {
    store_words(samples, layout->columns, base, at);
    return;
  }
  unsigned shift = field_shift(layout, part.field);
  uint32_t mask = field_mask(layout, part.field);
  struct run middle = run_of(layout, 1, row);
  const uint8_t *other = leans(layout, part.component) ? raw + middle.start : NULL;
  for (uint32_t x = 0; x < layout->columns; x++, at += run.step) {
    uint32_t sample = (uint32_t)samples[x] + base;
    if (other != NULL) {
      sample += word_load(layout, other) >> shift & mask;
      other += middle.step;
    }
    uint32_t word = (sample & mask) << shift;
    word_store(layout, at, part.field == 0 ? word : word_load(layout, at) | word);
  }
}
