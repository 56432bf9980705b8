/*
 * What objects need that are transcoded: memory, since they are whole in it (transcoder.h), of which the sum over all
 * associations is bounded (P6), and processes. Who finds too little left waits for others to give theirs back, for a
 * limited time.
 *
 * Threads: any number at once. Whoever waits holds nothing of the budget, so nobody waits for ever.
 */
#ifndef TRANSCODE_BUDGET_H
#define TRANSCODE_BUDGET_H

#include <pthread.h>
#include <stdbool.h>

#include "cassette/bytes.h"
#include "transcode_pool.h"

#define TRANSCODE_BYTES_DEFAULT (512ull << 20)

/* What a step of one object may take (transcode_pool.h). */
#define TRANSCODE_SECONDS_DEFAULT 60u

struct transcode_budget {
  pthread_mutex_t lock;
  pthread_cond_t freed;
  uint64_t total; /* immutable */
  uint64_t left;  /* guarded by the lock */
  struct transcode_pool pool;
};

void transcode_budget_init(struct transcode_budget *budget, uint64_t bytes, unsigned seconds);
void transcode_budget_fini(struct transcode_budget *budget);

/* Takes `bytes`, at the latest after `seconds`. CAS_REFUSED: more than all there is; CAS_BUSY: not within that time. */
CAS_MUST_USE cas_status transcode_budget_take(struct transcode_budget *budget, uint64_t bytes, unsigned seconds,
                                              struct cas_error *error);

/* Takes `bytes` at once, or nothing. */
bool transcode_budget_try(struct transcode_budget *budget, uint64_t bytes);

void transcode_budget_give(struct transcode_budget *budget, uint64_t bytes);

#endif
