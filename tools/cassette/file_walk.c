/*
 * The files that an operand means, by fts(3), which keeps the order and finds the loops.
 */
#include "file_walk.h"

#include <errno.h>
#include <fts.h>
#include <string.h>

static int by_name(const FTSENT **a, const FTSENT **b) { return strcmp((*a)->fts_name, (*b)->fts_name); }

static bool same_folder(const struct stat *a, const struct stat *b) {
  return b && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool visit(FTS *tree, FTSENT *entry, const struct stat *skip, file_walk_fn each, void *arg) {
  switch (entry->fts_info) {
  case FTS_D:
    if (same_folder(entry->fts_statp, skip)) fts_set(tree, entry, FTS_SKIP);
    return true;
  case FTS_DP: /* a folder, on the way back */
  case FTS_DC: /* a link to a folder above: what is in there is taken on the way down */ return true;
  case FTS_F: return each(arg, entry->fts_path, entry->fts_statp, NULL);
  case FTS_DNR:
  case FTS_ERR:
  case FTS_NS: return each(arg, entry->fts_path, NULL, strerror(entry->fts_errno));
  case FTS_SL:
  case FTS_SLNONE: return each(arg, entry->fts_path, NULL, "a symbolic link to nothing");
  default: return each(arg, entry->fts_path, NULL, "not a regular file");
  }
}

bool file_walk(const char *path, const struct stat *skip, file_walk_fn each, void *arg) {
  if (!path[0]) return each(arg, path, NULL, strerror(ENOENT));
  char *paths[] = {(char *)path, NULL};
  FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
  if (!tree) return each(arg, path, NULL, strerror(errno));
  bool going = true;
  FTSENT *entry;
  while (going && (errno = 0, entry = fts_read(tree))) going = visit(tree, entry, skip, each, arg);
  if (going && errno) going = each(arg, path, NULL, strerror(errno));
  fts_close(tree);
  return going;
}
