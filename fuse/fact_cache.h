/*
 * The facts of the paths that were asked for last. Programs list the extended attributes of a file and then ask for
 * each: one look into the store answers all of them.
 *
 * What is kept is at most FACT_CACHE_MS old when it is used: the facts of folders change with what arrives, those of
 * files with where their bytes are kept.
 *
 * Threads: any.
 */
#ifndef FUSE_FACT_CACHE_H
#define FUSE_FACT_CACHE_H

#include <pthread.h>

#include "fuse/facts.h"

#define FACT_CACHE_MS 500

/* Programs ask on several threads; each has one path in hand. Some hundred bytes each, at most some KiB. */
#define FACT_CACHE_SLOTS 64

struct fact_cache {
  pthread_mutex_t lock; /* guards all below; innermost */
  struct fact_cache_slot {
    int64_t filled_ns;
    struct cas_buffer bytes; /* the path, then names and values in turn, each with its NUL */
  } slots[FACT_CACHE_SLOTS];
};

void fact_cache_init(struct fact_cache *cache);
void fact_cache_fini(struct fact_cache *cache);

/* As facts_list(). Where not all facts of a path can be had, just the one that is wanted is asked for. */
CAS_MUST_USE cas_status fact_cache_list(struct fact_cache *cache, const struct tree *tree, const char *path,
                                        const char *only, fact_fn each, void *arg, struct cas_error *error);

#endif
