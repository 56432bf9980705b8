/*
 * Owns SLOTS places for sums, each found by a hash of moment and path. Invariant (under `lock`):
 *  1. A place is empty (no path), or has the sums of its moment and path. What comes to the same place drives out.
 */
#include "store/moment_memo.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Folders that grew since a snapshot and are looked at again: with their paths, about 1 MiB. */
#define SLOTS 4096u

struct slot {
  uint64_t moment;
  char *path;
  struct moment_sums sums;
};

struct moment_memo {
  pthread_mutex_t lock; /* guards the slots; innermost */
  struct slot slots[SLOTS];
};

cas_status moment_memo_create(struct moment_memo **memo) {
  struct moment_memo *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  pthread_mutex_init(&created->lock, NULL);
  *memo = created;
  return CAS_OK;
}

void moment_memo_destroy(struct moment_memo *memo) {
  if (memo == NULL) return;
  for (size_t i = 0; i < SLOTS; i++) free(memo->slots[i].path);
  pthread_mutex_destroy(&memo->lock);
  free(memo);
}

/* FNV-1a: paths are short, and a bad spread costs only time. */
static struct slot *slot_of(struct moment_memo *memo, uint64_t moment, const char *path) {
  uint64_t hash = (UINT64_C(0xCBF29CE484222325) ^ moment) * UINT64_C(0x100000001B3);
  for (; *path != '\0'; path++) hash = (hash ^ (unsigned char)*path) * UINT64_C(0x100000001B3);
  return &memo->slots[(hash ^ hash >> 32) % SLOTS];
}

bool moment_memo_get(struct moment_memo *memo, uint64_t moment, const char *path, struct moment_sums *sums) {
  pthread_mutex_lock(&memo->lock);
  const struct slot *slot = slot_of(memo, moment, path);
  bool found = slot->path != NULL && slot->moment == moment && strcmp(slot->path, path) == 0;
  if (found) *sums = slot->sums;
  pthread_mutex_unlock(&memo->lock);
  return found;
}

void moment_memo_put(struct moment_memo *memo, uint64_t moment, const char *path, const struct moment_sums *sums) {
  char *copy = strdup(path);
  if (copy == NULL) return;
  pthread_mutex_lock(&memo->lock);
  struct slot *slot = slot_of(memo, moment, path);
  char *old = slot->path;
  *slot = (struct slot){.moment = moment, .path = copy, .sums = *sums};
  pthread_mutex_unlock(&memo->lock);
  free(old);
}
