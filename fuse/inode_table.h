/*
 * The table of inodes: what the kernel knows at the moment, by number, with the kernel's lookup counts.
 *
 * An entry holds its name and its parent; paths are put together when they are asked for. An inode is forgotten when
 * the kernel has no lookup left on it and none of its children is in the table.
 *
 * So that somebody can ask the kernel to forget (trimmer.h), the inodes stand in a line, in the order in which the
 * kernel learned of them last. Those that were taken out of it have been told; they come back when the kernel looks
 * them up again, when the last of their children is forgotten, or all at once.
 *
 * Threads: any; one lock inside, held for a few memory accesses, never during I/O.
 */
#ifndef FUSE_INODE_TABLE_H
#define FUSE_INODE_TABLE_H

#include <limits.h>

#include "fuse/tree.h"

#define INODE_TABLE_ROOT 1

struct inode_table;

/* An inode that was taken from the line. */
struct inode_taken {
  uint64_t inode, parent;
  bool file;
  char name[NAME_MAX + 1];
};

CAS_MUST_USE cas_status inode_table_create(struct inode_table **table);
void inode_table_destroy(struct inode_table *table);

/*
 * Adds one lookup to the child `name` of the inode `parent`, making it where it is new, and puts it at the back of the
 * line. `*inode` is `wanted`, which is the same for the same path always, unless another living path has that number
 * already. A file has no children. CAS_NOT_FOUND: the parent is not there.
 */
CAS_MUST_USE cas_status inode_table_ref(struct inode_table *table, uint64_t parent, const char *name, bool file,
                                        uint64_t wanted, uint64_t *inode);

/* Takes `lookups` back; more than there are counts as all. Unknown numbers and the root are left alone. */
void inode_table_unref(struct inode_table *table, uint64_t inode, uint64_t lookups);

/* The same for a child that is there already, else CAS_NOT_FOUND. */
CAS_MUST_USE cas_status inode_table_hold(struct inode_table *table, uint64_t parent, const char *name, uint64_t wanted,
                                         uint64_t *inode);

/* The parent of a living inode. CAS_NOT_FOUND, also for the root. */
CAS_MUST_USE cas_status inode_table_parent(struct inode_table *table, uint64_t inode, uint64_t *parent);

/* Replaces the stamp of a living folder, which is 0 at first and becomes 0 when one of its children is forgotten; the
 * one before. */
uint64_t inode_table_stamp(struct inode_table *table, uint64_t inode, uint64_t stamp);

/* The number that the last sweep (sweep.h) left at a living folder, 0 before the first; replaced where `stamp` is not
 * NULL. */
uint64_t inode_table_swept(struct inode_table *table, uint64_t inode, const uint64_t *stamp);

/* The numbers of those in a folder, to be freed. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status inode_table_children(struct inode_table *table, uint64_t folder, uint64_t **numbers,
                                             size_t *count);

/* The view path of a living inode. CAS_NOT_FOUND. */
CAS_MUST_USE cas_status inode_table_path(struct inode_table *table, uint64_t inode, char path[TREE_PATH_MAX]);

/* How many inodes there are, without the root. */
size_t inode_table_count(struct inode_table *table);

/* How many of them stand in the line. */
size_t inode_table_waiting(struct inode_table *table);

/* Takes up to `count_max` inodes from the front of the line, of which `keep` are left; how many. */
size_t inode_table_take(struct inode_table *table, size_t keep, struct inode_taken *taken, size_t count_max);

/* Puts all that were told at the back of the line. */
void inode_table_return_told(struct inode_table *table);

#endif
