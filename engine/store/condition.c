/*
 * Invariant: `read_only` is true exactly while `now.read_only` is; it is read without the lock by whoever brings
 * objects.
 */
#include "store/condition.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"

struct condition {
  const struct cas_store *store;
  atomic_bool read_only;
  pthread_mutex_t lock;
  struct cas_store_condition now; /* lock */
  unsigned wait_ms;               /* lock; before the next try */
  struct timespec due;            /* lock */
};

cas_status condition_create(const struct cas_store *store, struct condition **condition) {
  struct condition *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  created->store = store;
  pthread_mutex_init(&created->lock, NULL);
  *condition = created;
  return CAS_OK;
}

void condition_destroy(struct condition *condition) {
  if (condition == NULL) return;
  pthread_mutex_destroy(&condition->lock);
  free(condition);
}

static void plan_next_try(struct condition *condition) {
  unsigned wait_ms = condition->wait_ms * 2;
  if (wait_ms < CONDITION_TRY_MS_MIN) wait_ms = CONDITION_TRY_MS_MIN;
  if (wait_ms > CONDITION_TRY_MS_MAX) wait_ms = CONDITION_TRY_MS_MAX;
  condition->wait_ms = wait_ms;
  clock_gettime(CLOCK_MONOTONIC, &condition->due);
  long ns = condition->due.tv_nsec + (long)(wait_ms % 1000) * 1000000;
  condition->due.tv_sec += wait_ms / 1000 + ns / 1000000000;
  condition->due.tv_nsec = ns % 1000000000;
}

void condition_fail(struct condition *condition, cas_status status, const struct cas_error *why) {
  const char *message = why->message[0] != '\0' ? why->message : cas_status_text(status);
  pthread_mutex_lock(&condition->lock);
  bool changes = !condition->now.read_only;
  if (changes) condition->now = (struct cas_store_condition){.read_only = true, .since_ns = clock_now_ns()};
  condition->now.status = status;
  condition->now.tries += changes ? 0 : 1;
  snprintf(condition->now.reason, sizeof condition->now.reason, "%s", message);
  plan_next_try(condition);
  atomic_store(&condition->read_only, true);
  pthread_mutex_unlock(&condition->lock);
  if (changes)
    store_log(condition->store, CAS_LOG_ERROR,
              "the archive is read-only: %s; it is tried again every few seconds, and goes on when writing works",
              message);
}

void condition_clear(struct condition *condition) {
  if (!atomic_load(&condition->read_only)) return;
  pthread_mutex_lock(&condition->lock);
  int64_t seconds = (clock_now_ns() - condition->now.since_ns) / 1000000000;
  condition->now = (struct cas_store_condition){0};
  condition->wait_ms = 0;
  atomic_store(&condition->read_only, false);
  pthread_mutex_unlock(&condition->lock);
  store_log(condition->store, CAS_LOG_NOTICE, "the archive takes objects again, after %lld s", (long long)seconds);
}

cas_status condition_check(struct condition *condition, struct cas_error *error) {
  struct cas_store_condition now;
  if (!atomic_load(&condition->read_only)) return CAS_OK;
  condition_get(condition, &now);
  if (!now.read_only) return CAS_OK;
  return status_fail(error, now.status, "the archive is read-only: %s", now.reason);
}

bool condition_next_try(struct condition *condition, struct timespec *due) {
  if (!atomic_load(&condition->read_only)) return false;
  pthread_mutex_lock(&condition->lock);
  bool read_only = condition->now.read_only;
  *due = condition->due;
  pthread_mutex_unlock(&condition->lock);
  return read_only;
}

void condition_get(struct condition *condition, struct cas_store_condition *out) {
  pthread_mutex_lock(&condition->lock);
  *out = condition->now;
  pthread_mutex_unlock(&condition->lock);
}

void cas_store_condition(const struct cas_store *store, struct cas_store_condition *condition) {
  *condition = (struct cas_store_condition){0};
  if (store->condition != NULL) condition_get(store->condition, condition);
}
