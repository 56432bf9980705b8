/* Owns nothing. */
#include "transcode_policy.h"

#include <string.h>

#define ROOT "1.2.840.10008.1.2"

static const char *const plain[] = {ROOT ".1", ROOT, ROOT ".2", ROOT ".1.99"};
static const char *const packed[] = {ROOT ".4.80", ROOT ".4.70", ROOT ".4.57", ROOT ".5"};
/* JPEG processes 1, 2 and 4, JPEG-LS near-lossless: something was lost when they were made. */
static const char *const lossy[] = {ROOT ".4.50", ROOT ".4.51", ROOT ".4.81"};

_Static_assert(sizeof plain / sizeof plain[0] == TRANSCODE_PLAIN_MAX, "the header says how many");
_Static_assert(sizeof packed / sizeof packed[0] == TRANSCODE_PACKED_MAX, "the header says how many");

#define IS_ONE_OF(uid, list) is_one_of(uid, list, sizeof(list) / sizeof((list)[0]))

static bool is_one_of(const char *uid, const char *const *list, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(uid, list[i]) == 0) return true;
  return false;
}

const char *const *transcode_plain(size_t *count) {
  *count = TRANSCODE_PLAIN_MAX;
  return plain;
}

const char *const *transcode_packed(size_t *count) {
  *count = TRANSCODE_PACKED_MAX;
  return packed;
}

bool transcode_reads(const char *from) { return IS_ONE_OF(from, plain) || transcode_decodes(from); }

bool transcode_decodes(const char *from) { return IS_ONE_OF(from, packed) || IS_ONE_OF(from, lossy); }

bool transcode_can(const char *from, const char *to) {
  if (!transcode_reads(from)) return false;
  return IS_ONE_OF(to, plain) || (IS_ONE_OF(to, packed) && !IS_ONE_OF(from, lossy));
}

/* Lower is better. */
static size_t rank_of(const char *to) {
  for (size_t i = 0; i < TRANSCODE_PLAIN_MAX; i++)
    if (strcmp(to, plain[i]) == 0) return i;
  for (size_t i = 0; i < TRANSCODE_PACKED_MAX; i++)
    if (strcmp(to, packed[i]) == 0) return TRANSCODE_PLAIN_MAX + i;
  return TRANSCODE_PLAIN_MAX + TRANSCODE_PACKED_MAX;
}

size_t transcode_choose(const char *from, const char *const *accepted, size_t count) {
  size_t best = count;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(from, accepted[i]) == 0) return i;
    if (transcode_can(from, accepted[i]) && (best == count || rank_of(accepted[i]) < rank_of(accepted[best]))) best = i;
  }
  return best;
}
