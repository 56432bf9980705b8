/*
 * Owns the time of the last refresh.
 */
#include "fuse/follower.h"

#include "fuse/threads.h"

void follower_init(struct follower *follower, struct cas_store *store, uint32_t interval_ms) {
  *follower = (struct follower){.store = store, .interval_ns = interval_ms * NS_PER_MS};
  pthread_mutex_init(&follower->lock, NULL);
}

void follower_fini(struct follower *follower) { pthread_mutex_destroy(&follower->lock); }

/* Under the lock. */
static enum follower_news refresh(struct follower *follower, struct cas_error *error) {
  cas_status status = cas_store_refresh(follower->store, error);
  bool failed = status != CAS_OK, failed_before = follower->failing;
  follower->failing = failed;
  atomic_store(&follower->refreshed_ns, threads_now_ns());
  if (failed == failed_before) return FOLLOWER_NOTHING;
  return failed ? FOLLOWER_FAILED : FOLLOWER_WORKS_AGAIN;
}

enum follower_news follower_refresh(struct follower *follower, struct cas_error *error) {
  enum follower_news news = FOLLOWER_NOTHING;
  int64_t before = atomic_load(&follower->refreshed_ns), age = threads_now_ns() - before;
  if (before != 0 && age < follower->interval_ns) return news;
  if (before != 0 && age < 2 * follower->interval_ns) {
    if (pthread_mutex_trylock(&follower->lock) != 0) return news;
  } else {
    pthread_mutex_lock(&follower->lock);
  }
  /* Somebody else may have done it meanwhile. */
  if (atomic_load(&follower->refreshed_ns) == before) news = refresh(follower, error);
  pthread_mutex_unlock(&follower->lock);
  return news;
}
