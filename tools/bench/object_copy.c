/*
 * Owns nothing. Invariants:
 *  1. A copy has its original's size, and differs from it only in the digits of UIDs and in one byte of each piece of
 *     pixels; the last piece of a range may be shorter.
 *  2. Copies with the same seed and different numbers change different samples of a piece, or different bits of one,
 *     as long as the numbers are fewer than twice its samples.
 */
#include "object_copy.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "random_numbers.h"

#define DIGITS_MAX 18u

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Where the digits begin that may change: behind the second component, which names who gave out the UID's root. */
static size_t variable_start(const char *uid) {
  const char *dot = strchr(uid, '.');
  dot = dot != NULL ? strchr(dot + 1, '.') : NULL;
  return dot != NULL ? (size_t)(dot - uid) + 1 : strlen(uid);
}

/* Replaces up to DIGITS_MAX of its last digits; dots stay, and so do the first digits of components, which must not be
 * 0. Returns how many. */
static unsigned replace_digits(char *uid, uint64_t random) {
  unsigned replaced = 0;
  const size_t start = variable_start(uid);
  for (size_t i = strlen(uid); i > start && replaced < DIGITS_MAX; i--) {
    char *digit = &uid[i - 1];
    if (!is_digit(*digit) || digit[-1] == '.') continue;
    *digit = (char)('0' + random_below(&random, 10));
    replaced++;
  }
  return replaced;
}

static cas_status new_uid(struct object_copy *copy, const struct object_range *range, char *uid,
                          struct cas_error *error) {
  const uint8_t *value = copy->original.data + range->offset;
  bool valid = range->size > 0 && range->size < CAS_UID_TEXT_MAX;
  for (size_t i = 0; valid && i < range->size; i++) valid = is_digit((char)value[i]) || value[i] == '.';
  if (valid) {
    memcpy(uid, value, range->size);
    uid[range->size] = '\0';
    const uint64_t random = random_part(random_of_bytes(copy->seed, value, range->size), copy->number);
    if (replace_digits(uid, random) >= OBJECT_COPY_DIGITS_MIN) return CAS_OK;
  }
  if (error != NULL) {
    *error = (struct cas_error){.status = CAS_REFUSED};
    snprintf(error->message, sizeof error->message, "the UID \"%.*s\" cannot be replaced by one of the same length",
             (int)(range->size < 64 ? range->size : 64), (const char *)value);
  }
  return CAS_REFUSED;
}

static void copy_text(char *text, struct cas_slice original, const struct object_range *range) {
  const size_t size = range->size < CAS_UID_TEXT_MAX ? range->size : CAS_UID_TEXT_MAX - 1;
  memcpy(text, original.data + range->offset, size);
  text[size] = '\0';
}

void object_copy_init_same(struct object_copy *copy, struct cas_slice original, const struct object_layout *layout) {
  *copy = (struct object_copy){.original = original, .layout = layout};
  copy_text(copy->sop_instance_uid, original, &layout->sop_instance_uid);
}

cas_status object_copy_init(struct object_copy *copy, struct cas_slice original, const struct object_layout *layout,
                            uint64_t seed, uint64_t number, struct cas_error *error) {
  /* 0 is what marks a copy without differences. */
  *copy = (struct object_copy){.original = original, .layout = layout, .seed = seed != 0 ? seed : 1, .number = number};
  for (size_t i = 0; i < layout->uid_count; i++) {
    const cas_status status = new_uid(copy, &layout->uids[i], copy->uids[i], error);
    if (status != CAS_OK) return status;
    if (layout->uids[i].offset == layout->sop_instance_uid.offset)
      memcpy(copy->sop_instance_uid, copy->uids[i], sizeof copy->sop_instance_uid);
  }
  return CAS_OK;
}

/* Replaces what of the UID lies in [offset, offset + size). */
static void apply_uid(const struct object_range *range, const char *uid, uint64_t offset, uint8_t *bytes, size_t size) {
  const uint64_t first = range->offset > offset ? range->offset : offset;
  const uint64_t end = range->offset + range->size < offset + size ? range->offset + range->size : offset + size;
  if (first < end) memcpy(bytes + (first - offset), uid + (first - range->offset), end - first);
}

/* Changes the sample of each piece of the range that lies in [offset, offset + size). */
static void apply_pixels(const struct object_copy *copy, const struct object_range *range, uint64_t offset,
                         uint8_t *bytes, size_t size) {
  const unsigned sample_bytes = copy->layout->sample_bytes;
  const uint64_t piece_bytes = OBJECT_COPY_PIECE_BYTES - OBJECT_COPY_PIECE_BYTES % sample_bytes;
  if (range->offset >= offset + size || range->offset + range->size <= offset) return;
  uint64_t piece = offset > range->offset ? (offset - range->offset) / piece_bytes : 0;
  for (; piece * piece_bytes < range->size && range->offset + piece * piece_bytes < offset + size; piece++) {
    const uint64_t rest = range->size - piece * piece_bytes;
    const uint64_t samples = (rest < piece_bytes ? rest : piece_bytes) / sample_bytes;
    if (samples == 0) return;
    const uint64_t turn = (random_part(copy->seed, piece + range->offset) >> 16) + copy->number;
    const uint64_t at = range->offset + piece * piece_bytes + turn % samples * sample_bytes;
    if (at >= offset && at < offset + size) bytes[at - offset] ^= turn / samples % 2 == 0 ? 1 : 2;
  }
}

void object_copy_read(const struct object_copy *copy, uint64_t offset, uint8_t *bytes, size_t size) {
  const struct object_layout *layout = copy->layout;
  memcpy(bytes, copy->original.data + offset, size);
  if (copy->seed == 0) return;
  for (size_t i = 0; i < layout->uid_count; i++) apply_uid(&layout->uids[i], copy->uids[i], offset, bytes, size);
  for (size_t i = 0; i < layout->pixel_count; i++) apply_pixels(copy, &layout->pixels[i], offset, bytes, size);
}
