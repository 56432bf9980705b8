/*
 * What `bench make` and `bench send` are made of, as it is said on the command line: files, or a synthetic series.
 *
 * Threads: one at a time.
 */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include "cli.h"
#include "object_set.h"
#include "synthetic_object.h"

#define BENCH_IMAGES_DEFAULT 50
#define BENCH_COUNT_MAX 1000000

enum { BENCH_KEY_KIND = 320, BENCH_KEY_IMAGES, BENCH_KEY_FRAMES, BENCH_KEY_ROWS, BENCH_KEY_COLUMNS, BENCH_KEY_BITS };

/* Entries of an option table. */
#define BENCH_SERIES_OPTIONS                                                                                           \
  {BENCH_KEY_KIND, "kind", "KIND", "ct or mr (default ct)"},                                                           \
      {BENCH_KEY_IMAGES, "images", "N", "images in a series (default 50)"},                                            \
      {BENCH_KEY_FRAMES, "frames", "N", "frames in an image (default 1)"},                                             \
      {BENCH_KEY_ROWS, "rows", "N", "rows (default 512 for ct, 384 for mr)"},                                          \
      {BENCH_KEY_COLUMNS, "columns", "N", "columns (default 512 for ct, 274 for mr)"}, {                               \
    BENCH_KEY_BITS, "bits", "N", "bits stored, 8 to 16 (default 12)"                                                   \
  }

/* Takes one of these options; false if it is another. *code is CLI_OK or what the command is to return. */
bool bench_series_option(struct cli_arguments *arguments, int key, struct synthetic_series *series, int *code);

/* Adds the files that `path` means to the set; says what is left out, and counts it. CLI_OK, or the exit code of what
 * ended it, which was said. */
int bench_set_add_path(struct object_set *set, const char *path, uint64_t *left_out);

/* Fills the set with the files that the operands behind the first mean, or, where there are none, with the series,
 * which is completed; likewise. The set is not empty then. */
int bench_set_gather(const struct cli_arguments *arguments, struct synthetic_series *series, struct object_set *set,
                     uint64_t *left_out);

#endif
