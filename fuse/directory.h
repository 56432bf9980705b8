/*
 * An open folder: a list of any length, read in pieces, in constant memory.
 *
 * Each item has a cookie, which stands for the place behind it: 1 behind ".", 2 behind "..", else the item's inode
 * number, so that it means the same in every open folder, for ever, while new items arrive. Reading on is a look into
 * the window of items that is held; reading from another place lists the folder again up to it (seekdir, rewinddir).
 *
 * Caveat: where two names of one folder share the inode number, seeking to one may continue behind the other.
 *
 * Threads: one at a time; the caller sees to it.
 */
#ifndef FUSE_DIRECTORY_H
#define FUSE_DIRECTORY_H

#include "fuse/tree.h"

struct directory;

struct directory_item {
  const char *name;
  uint64_t inode; /* as of tree_inode() */
  uint64_t cookie;
  bool dots; /* "." or ".."; `entry` then only has the kind */
  struct tree_entry entry;
};

/* Opens the folder at a view path, which is not looked up. `tree` is borrowed until close. */
CAS_MUST_USE cas_status directory_open(const struct tree *tree, const char *path, struct directory **directory);
void directory_close(struct directory *directory);

/* How often the window was filled. */
uint64_t directory_fills(const struct directory *directory);

/*
 * The item behind the place `cookie` (0: the beginning), borrowed until the next call. CAS_END: there is none. With
 * `load` false only what is held is looked at, and CAS_BUSY says that one has to ask again with true: an answer to the
 * kernel that has something in it ends there, for the kernel may come back to any place of its last answer, and that is
 * still held then.
 */
CAS_MUST_USE cas_status directory_next(struct directory *directory, uint64_t cookie, bool load,
                                       struct directory_item *item, struct cas_error *error);

#endif
