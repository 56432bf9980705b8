/*
 * Is the pixel codec as small as JPEG-LS (CharLS), and how many times as fast, over whole series on one core?
 *
 * Usage: codec [--rounds N] [--every N] ROOT [SET...]
 *
 * ROOT holds the unpacked sets of the shared data. Without SETs: the three whole series, which are also totalled, then
 * the native frames of formats and multi-modality. All frames of a set are in memory; in every round each coder in
 * turn encodes and decodes all of them, so that what disturbs the machine disturbs all alike. Times are processor time
 * of the one thread. Coders marked slow take one frame in --every (8) and are compared over those frames. The first
 * round is preceded by one that warms up and checks that every frame comes back exactly.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_coder.h"

#define ROUNDS_MAX 21
#define CODERS_MAX 12

static const struct coder *const coders[] = {
    &coder_zstd_1,   &coder_zstd_3, &coder_zstd_19, &coder_planes,
#ifdef HAVE_CHARLS
    &coder_charls,
#endif
#ifdef HAVE_OPENJPH
    &coder_openjph,
#endif
#ifdef HAVE_JXL
    &coder_jxl_1,    &coder_jxl_3,
#endif
    &coder_cassette,
};
#define CODERS (sizeof coders / sizeof *coders)

static const char *const default_sets[] = {"ct-chest", "mr-head", "mr-fruit", "formats", "multi-modality"};
#define SERIES_TOTALLED 3

/* What one coder did with one set. */
struct result {
  size_t raw, stored;
  size_t unsupported, inexact; /* frames; the unsupported are counted as stored raw, without time */
  double encode_s[ROUNDS_MAX], decode_s[ROUNDS_MAX];
};

struct options {
  unsigned rounds, every;
};

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

struct memory {
  uint8_t *coded, *raw;
  size_t capacity;
};

/* One pass of one coder; `round` is negative for the pass that warms up, checks and counts. */
static void run(const struct coder *coder, const struct frames *frames, const struct options *options, int round,
                struct memory *memory, struct result *result) {
  double encode_s = 0, decode_s = 0;
  for (size_t i = 0; i < frames->count; i += coder->slow ? options->every : 1) {
    const struct frame *frame = &frames->items[i];
    double start = seconds();
    size_t size = coder->encode(frame, memory->coded, memory->capacity);
    double middle = seconds();
    bool decoded = size > 0 && coder->decode(frame, memory->coded, size, memory->raw);
    double end = seconds();
    if (size > 0) {
      encode_s += middle - start;
      decode_s += end - middle;
    }
    if (round >= 0) continue;
    const uint8_t *expected = coder->native ? frame->native : frame->raw;
    bool exact = decoded && memcmp(memory->raw, expected, frame->size) == 0;
    result->raw += frame->size;
    result->stored += exact ? size : frame->size;
    result->unsupported += size == 0;
    result->inexact += size > 0 && !exact;
  }
  if (round < 0) return;
  result->encode_s[round] = encode_s;
  result->decode_s[round] = decode_s;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

struct speed {
  double min, median, max; /* MB/s */
};

static struct speed speed_of(size_t bytes, const double *times, unsigned rounds) {
  double sorted[ROUNDS_MAX];
  memcpy(sorted, times, rounds * sizeof *sorted);
  qsort(sorted, rounds, sizeof *sorted, by_value);
  double mb = (double)bytes / 1e6;
  return (struct speed){mb / sorted[rounds - 1], mb / sorted[rounds / 2], mb / sorted[0]};
}

static void print_table(const char *title, const struct result *results, unsigned rounds) {
  const struct result *base = NULL;
  for (size_t c = 0; c < CODERS; c++)
    if (strcmp(coders[c]->name, "CharLS") == 0) base = &results[c];
  printf("\n### %s\n\n", title);
  printf(
      "| coder | ratio | ratio to CharLS's | encode MB/s min/median/max | to CharLS | decode MB/s min/median/max | to "
      "CharLS | frames not taken / not exact |\n|---|---|---|---|---|---|---|---|\n");
  for (size_t c = 0; c < CODERS; c++) {
    const struct result *r = &results[c];
    if (r->raw == 0) continue;
    struct speed encode = speed_of(r->raw, r->encode_s, rounds), decode = speed_of(r->raw, r->decode_s, rounds);
    double ratio = (double)r->raw / (double)r->stored;
    printf("| %s%s | %.3f | ", coders[c]->name, coders[c]->slow ? " *" : "", ratio);
    if (base != NULL) {
      struct speed e = speed_of(base->raw, base->encode_s, rounds), d = speed_of(base->raw, base->decode_s, rounds);
      printf("%.3f | %.1f / %.1f / %.1f | %.2f | %.1f / %.1f / %.1f | %.2f | ",
             ratio * (double)base->stored / (double)base->raw, encode.min, encode.median, encode.max,
             encode.median / e.median, decode.min, decode.median, decode.max, decode.median / d.median);
    } else {
      printf("- | %.1f / %.1f / %.1f | - | %.1f / %.1f / %.1f | - | ", encode.min, encode.median, encode.max,
             decode.min, decode.median, decode.max);
    }
    printf("%zu / %zu |\n", r->unsupported, r->inexact);
  }
  fflush(stdout);
}

static void measure(const struct frames *frames, const struct options *options, struct result *results) {
  struct memory memory = {0};
  for (size_t i = 0; i < frames->count; i++)
    if (frames->items[i].size > memory.capacity) memory.capacity = frames->items[i].size;
  memory.raw = malloc(memory.capacity + 64);
  memory.capacity = memory.capacity * 2 + 65536;
  memory.coded = malloc(memory.capacity);
  for (int round = -1; round < (int)options->rounds; round++)
    for (size_t c = 0; c < CODERS; c++) run(coders[c], frames, options, round, &memory, &results[c]);
  free(memory.raw);
  free(memory.coded);
}

static void add_result(struct result *total, const struct result *part, unsigned rounds) {
  total->raw += part->raw;
  total->stored += part->stored;
  total->unsupported += part->unsupported;
  total->inexact += part->inexact;
  for (unsigned i = 0; i < rounds; i++) {
    total->encode_s[i] += part->encode_s[i];
    total->decode_s[i] += part->decode_s[i];
  }
}

static bool bench_set(const char *root, const char *set, const struct options *options, struct result *results) {
  char folder[4096];
  struct frames frames = {0};
  snprintf(folder, sizeof folder, "%s/%s", root, set);
  if (!frames_load(&frames, folder) || frames.count == 0) {
    printf("\n%s: no native frames in %s\n", set, folder);
    frames_fini(&frames);
    return false;
  }
  measure(&frames, options, results);
  char title[4200];
  snprintf(title, sizeof title, "%s: %zu frames, %.1f MB", set, frames.count, (double)frames.bytes / 1e6);
  print_table(title, results, options->rounds);
  frames_fini(&frames);
  return true;
}

int main(int argc, char **argv) {
  struct options options = {.rounds = 5, .every = 8};
  int at = 1;
  for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
    unsigned value = (unsigned)strtoul(argv[at + 1], NULL, 10);
    if (value < 1 || value > ROUNDS_MAX) break;
    if (strcmp(argv[at], "--rounds") == 0)
      options.rounds = value;
    else if (strcmp(argv[at], "--every") == 0)
      options.every = value;
    else
      break;
  }
  if (at >= argc || argv[at][0] == '-') {
    fprintf(stderr, "usage: %s [--rounds 1..%d] [--every 1..%d] ROOT [SET...]\n", argv[0], ROUNDS_MAX, ROUNDS_MAX);
    return 2;
  }
  const char *root = argv[at++];
  const char *const *sets = at < argc ? (const char *const *)(argv + at) : default_sets;
  size_t set_count = at < argc ? (size_t)(argc - at) : sizeof default_sets / sizeof *default_sets;
  static struct result total[CODERS_MAX], results[CODERS_MAX];
  size_t totalled = 0;
  printf("%u rounds; coders with a star on one frame in %u\n", options.rounds, options.every);
  for (size_t i = 0; i < set_count; i++) {
    memset(results, 0, sizeof results);
    if (!bench_set(root, sets[i], &options, results) || i >= SERIES_TOTALLED) continue;
    for (size_t c = 0; c < CODERS; c++) add_result(&total[c], &results[c], options.rounds);
    if (++totalled == SERIES_TOTALLED) print_table("the three series together", total, options.rounds);
  }
  return 0;
}
