/*
 * The follower: keeps a store that another process writes up to date, when somebody looks. An idle mount does nothing.
 *
 * Threads: any.
 */
#ifndef FUSE_FOLLOWER_H
#define FUSE_FOLLOWER_H

#include <pthread.h>
#include <stdatomic.h>

#include "cassette/store.h"

struct follower {
  struct cas_store *store; /* borrowed */
  int64_t interval_ns;
  pthread_mutex_t lock;         /* held during a refresh; guards `failing`; nothing else is locked under it */
  _Atomic int64_t refreshed_ns; /* CLOCK_MONOTONIC; 0 before the first */
  bool failing;
};

void follower_init(struct follower *follower, struct cas_store *store, uint32_t interval_ms);
void follower_fini(struct follower *follower);

/* What the follower has to say after a refresh. */
enum follower_news { FOLLOWER_NOTHING, FOLLOWER_FAILED, FOLLOWER_WORKS_AGAIN };

/*
 * Refreshes the store unless that was done less than an interval ago. Waits for another thread's refresh only where
 * what is held is older than two intervals. Says once that a refresh failed, with the error, and once that it works
 * again; what is held stays usable.
 */
enum follower_news follower_refresh(struct follower *follower, struct cas_error *error);

#endif
