/*
 * Shards: a level that would have too many names is cut into folders, by the hash of the names or by the month of the
 * studies. Pure functions; what months have is looked up by view_dates.c.
 *
 * A hash shard is named by the first one or two hexadecimal digits of the XXH3-128 of the name as `xxhsum -H2` prints
 * it, so that programs can tell where a name is, and it stays there for ever. All shards are listed, also empty ones.
 */
#ifndef FUSE_SHARD_H
#define FUSE_SHARD_H

#include "fuse/tree.h"

/* What the hash shard of a name is called. */
#define SHARD_NAME_SIZE 3

/* How many digits the names of such shards have; 0 for other ways. */
unsigned shard_digits(enum tree_shard how);

void shard_of_name(enum tree_shard how, const char *name, char shard[SHARD_NAME_SIZE]);

/* Cuts the shard off `rest`, a path in a view: `*inner` is what follows, "" for the shard itself. False where the path
 * does not begin with a shard, or its first name belongs to another one. */
bool shard_cut(enum tree_shard how, const char *rest, char shard[SHARD_NAME_SIZE], const char **inner);

/* Lists the shards behind the name `after`, each with this entry. */
CAS_MUST_USE cas_status shard_list(enum tree_shard how, const char *after, const struct tree_entry *entry,
                                   tree_each_fn each, void *arg);

#endif
