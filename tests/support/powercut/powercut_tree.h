/*
 * Folders and files of which each name, like each sector, is durable or not yet. A name that was made, moved or removed
 * is durable once its folder was synced; a cut keeps, of the changes that are not, all up to some point or any of them.
 *
 * Caveat: what no name leads to is freed at the next cut, not before.
 */
#ifndef POWERCUT_TREE_H
#define POWERCUT_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include "support/powercut/powercut_image.h"

struct powercut_entry {
  char *name;
  struct powercut_node *node;
};

struct powercut_names {
  struct powercut_entry *entries;
  size_t count;
};

struct powercut_node {
  uint64_t number;
  mode_t mode; /* with S_IFDIR or S_IFREG */
  struct powercut_image image;
  struct powercut_names present, durable; /* of a folder */
  bool reached;                           /* while garbage is looked for */
};

struct powercut_tree;

struct powercut_tree *powercut_tree_create(void);
void powercut_tree_destroy(struct powercut_tree *tree);

/* The node at a path "/a/b", or of a number; NULL: there is none. */
struct powercut_node *powercut_tree_find(struct powercut_tree *tree, const char *path);
struct powercut_node *powercut_tree_by_number(struct powercut_tree *tree, uint64_t number);

/* 0 or a negative errno. */
int powercut_tree_make(struct powercut_tree *tree, const char *path, mode_t mode, struct powercut_node **node);
int powercut_tree_remove(struct powercut_tree *tree, const char *path, bool folder);
int powercut_tree_rename(struct powercut_tree *tree, const char *from, const char *to);

/* Makes the changes of a folder's names durable. */
void powercut_tree_sync_folder(struct powercut_tree *tree, struct powercut_node *folder, enum powercut_honesty honesty);

/* Bytes of all files that a name leads to. */
uint64_t powercut_tree_bytes(struct powercut_tree *tree);

/* The power goes, and comes back. */
void powercut_tree_cut(struct powercut_tree *tree, struct test_random *random, struct powercut_losses *losses);

#endif
