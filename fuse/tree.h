/*
 * The tree: what a mount shows of a store, as names and paths. No libfuse.
 *
 * A view path has no leading '/'; "" is the root, its first part names a view:
 *
 *   Patients/<patient>/<study>/<series>/<instance>           the store's own tree; the rest of the path is a node path
 *   Dates/YYYY/MM/DD/<patient>/<study>/<series>/<instance>   studies by Study Date; behind the day a node path again
 *   UIDs/<study>/<series>/<instance>                         by UID, spelled as uid_name.h says
 *
 * The patients of Patients/ and the studies of UIDs/ can be in shards (shard.h), which come before them in the path:
 *
 *   Patients/<hash>/<patient>/..., UIDs/<hash>/<study>/...      by the hash of the name
 *   Patients/YYYY/MM/<patient>/<study>/..., Patients/undated/...  by the month of the study
 *
 *   Snapshots/<name>/<view path>                             the three above as they were when the snapshot was made
 *
 * Caveats
 *  - A path is looked up without listing its folder. What a list shows can be looked up, and the other way round but
 * for views that are unlisted.
 *  - Paths stay for ever: the same path is the same version of the same instance, over restarts and rebuilds.
 *  - Studies without a Study Date of eight digits are not in Dates/, and what has no UID of its own is not in UIDs/.
 *    Everything is in Patients/.
 *
 * Threads: any; a struct tree is not changed after it was filled in.
 */
#ifndef FUSE_TREE_H
#define FUSE_TREE_H

#include <limits.h>
#include <stdint.h>

#include "cassette/node.h"
#include "cassette/snapshot.h"

/* Room for the longest view path and its NUL: "Dates/YYYY/MM/DD/" and four names of NAME_MAX bytes, in a snapshot. */
#define TREE_PATH_MAX (sizeof "Snapshots/" + CAS_SNAPSHOT_NAME_MAX + sizeof "Dates/YYYY/MM/DD" + 4 * (NAME_MAX + 1))

/* Most parts of a view path. */
#define TREE_DEPTH_MAX 10

enum tree_view { TREE_PATIENTS = 1, TREE_DATES = 2, TREE_UIDS = 4, TREE_SNAPSHOTS = 8 };

/* How the names of a level are put into folders. */
enum tree_shard {
  TREE_SHARD_NONE,  /* not at all */
  TREE_SHARD_HASH1, /* 16 folders, by hash */
  TREE_SHARD_HASH2, /* 256 */
  TREE_SHARD_MONTH, /* by Study Date; patients only */
};

struct tree {
  struct cas_store *store; /* borrowed */
  unsigned views;          /* enum tree_view, or-ed: those that are there */
  unsigned unlisted;       /* those of them that the root does not list */
  enum tree_shard patient_shards, uid_shards;
  int64_t created_ns; /* the time of folders that nothing has arrived in */
};

enum tree_kind { TREE_FOLDER = 1, TREE_FILE };

struct tree_entry {
  enum tree_kind kind;
  uint64_t bytes;     /* of a file; 0 for folders */
  uint64_t instances; /* of a folder: below it. Where this and the time are the same, so is the list of the folder. 0:
                         unknown */
  bool fleeting;      /* it can go without a change of the folders above */
  int64_t time_ns;    /* of a file: its arrival, which never changes; of a folder: the newest arrival below, or later */
};

/* A number that differs where the list of the folder or its times may differ; never 0. */
uint64_t tree_entry_stamp(const struct tree_entry *entry);

/* What the view path stands for; `node_path`, where not NULL, receives the path of the store's node behind it, or ""
 * where there is none or more than one. CAS_NOT_FOUND. */
CAS_MUST_USE cas_status tree_get(const struct tree *tree, const char *path, struct tree_entry *entry,
                                 char node_path[TREE_PATH_MAX], struct cas_error *error);

/* Names and entries are borrowed during the call. CAS_END stops the list and is returned; any other status but CAS_OK,
 * too. */
typedef cas_status (*tree_each_fn)(void *arg, const char *name, const struct tree_entry *entry);

/*
 * Calls `each` for what lies in the folder, behind the name `after` (NULL: all) in the list's order, which is the same
 * each time but not always that of the names. Constant memory. Nothing is called for a path that is no folder.
 */
CAS_MUST_USE cas_status tree_list(const struct tree *tree, const char *path, const char *after, tree_each_fn each,
                                  void *arg, struct cas_error *error);

/* Where a view path lies: for one inside a snapshot, the snapshot's tree and the path in that; else the tree and the
 * path as they were. */
struct tree_scope {
  struct tree tree;
  const char *path;       /* into the path given */
  struct cas_store *view; /* of the snapshot, or NULL */
};

/* CAS_NOT_FOUND: no such snapshot. Leave the scope when it is not needed any more. */
CAS_MUST_USE cas_status tree_enter(const struct tree *tree, const char *path, struct tree_scope *scope,
                                   struct cas_error *error);
void tree_leave(struct tree_scope *scope);

/* The inode number of a view path: the same for ever and on every machine. 1 for the root, else at least 16, below 2^63
 * (programs keep it in signed integers). Two paths may share one, as hashes do. */
uint64_t tree_inode(const char *path);

/* Puts `folder`, '/' and `name` together; CAS_NOT_FOUND where that is longer than any path in the tree, too deep, or
 * `name` is no name ("", ".", "..", with '/'). */
CAS_MUST_USE cas_status tree_join(const char *folder, const char *name, char path[TREE_PATH_MAX]);

#endif
