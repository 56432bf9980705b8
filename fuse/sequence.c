/*
 * Owns nothing but the numbers.
 *
 *   (unknown) -any file-> candidates -one of them-> window -its mark-> next window ... -the list ends-> (unknown)
 *                   ^---------------- any other file ----------------|
 */
#include "fuse/sequence.h"

#include <string.h>

/* The folder's sequence, or the one to be forgotten for it. */
static struct sequence *find(struct sequences *sequences, uint64_t folder) {
  struct sequence *oldest = &sequences->list[0];
  for (unsigned i = 0; i < SEQUENCES_MAX; i++) {
    struct sequence *sequence = &sequences->list[i];
    if (sequence->folder == folder) return sequence;
    if (sequence->used < oldest->used) oldest = sequence;
  }
  *oldest = (struct sequence){.folder = folder};
  return oldest;
}

static bool has(const struct sequence *sequence, uint64_t file) {
  for (unsigned i = 0; i < sequence->planned; i++)
    if (sequence->files[i] == file) return true;
  return false;
}

void sequences_note(struct sequences *sequences, uint64_t folder, uint64_t file, const char *name,
                    struct sequence_order *order) {
  struct sequence *sequence = find(sequences, folder);
  bool expected = has(sequence, file), goes_on = sequence->window > 0;
  sequence->used = ++sequences->calls;
  *order = (struct sequence_order){.count = 0};
  if (expected && goes_on && file != sequence->mark) return;
  if (!expected) sequence->window = 0;
  if (expected && goes_on) {
    sequence->window = sequence->window < SEQUENCE_WINDOW_MAX / 2 ? 2 * sequence->window : SEQUENCE_WINDOW_MAX;
    memcpy(order->after, sequence->last, sizeof order->after);
  } else {
    if (expected) sequence->window = SEQUENCE_WINDOW_MIN;
    strncpy(order->after, name, NAME_MAX);
  }
  order->decode = expected;
  order->count = expected ? sequence->window : SEQUENCE_CANDIDATES;
  /* Until the order is carried out, no file orders more. */
  sequence->mark = 0;
}

void sequences_found(struct sequences *sequences, uint64_t folder, const struct sequence_order *order,
                     const uint64_t *files, unsigned count, const char *last) {
  struct sequence *sequence = find(sequences, folder);
  if (count > SEQUENCE_WINDOW_MAX) count = SEQUENCE_WINDOW_MAX;
  /* The window before is still being read. */
  unsigned kept = order->decode && sequence->planned > 0 ? sequence->planned : 0;
  if (kept > SEQUENCE_WINDOW_MAX) {
    memmove(sequence->files, sequence->files + kept - SEQUENCE_WINDOW_MAX, SEQUENCE_WINDOW_MAX * sizeof *files);
    kept = SEQUENCE_WINDOW_MAX;
  }
  memcpy(sequence->files + kept, files, count * sizeof *files);
  sequence->planned = kept + count;
  sequence->mark = count > 0 ? files[0] : 0;
  if (count > 0) strncpy(sequence->last, last, NAME_MAX);
}
