/*
 * What folders were at moments of the past, for those that have grown since: their sums are the same for ever, and
 * costly to make. A fixed number is kept; one that is needed again and was driven out is made again.
 *
 * Threads: any.
 */
#ifndef STORE_MOMENT_MEMO_H
#define STORE_MOMENT_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "cassette/status.h"

struct moment_sums {
  int64_t first_arrival_ns, last_arrival_ns;
  uint64_t instances, bytes;
};

struct moment_memo;

CAS_MUST_USE cas_status moment_memo_create(struct moment_memo **memo);
void moment_memo_destroy(struct moment_memo *memo);

/* The sums of the folder at `path` at a moment; false where they are not kept. */
bool moment_memo_get(struct moment_memo *memo, uint64_t moment, const char *path, struct moment_sums *sums);

/* Keeps sums, as far as there is memory. */
void moment_memo_put(struct moment_memo *memo, uint64_t moment, const char *path, const struct moment_sums *sums);

#endif
