/*
 * Owns the kept readers: a hash table of chains, and a list in order of use. Invariants (all under `lock`):
 *  1. An entry's path never changes, and a path is the same version for ever: a kept reader is never out of date.
 *  2. At most READERS_MAX entries are without holders; those least recently used went first.
 *  3. A reader is opened without the lock. Of two threads that open the same, the first one's is kept.
 */
#include "fuse/readers.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024u

struct entry {
  struct kept_reader kept; /* first: an entry is found again from it */
  uint64_t hash;
  unsigned holders;
  struct entry *chain;
  struct entry *newer, *older; /* in the list of those without holders */
  char path[];
};

struct readers {
  pthread_mutex_t lock; /* guards all below; innermost */
  struct entry *buckets[BUCKETS];
  struct entry *newest, *oldest;
  size_t idle;
};

cas_status readers_create(struct readers **readers) {
  struct readers *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  pthread_mutex_init(&made->lock, NULL);
  *readers = made;
  return CAS_OK;
}

static void list_remove(struct readers *readers, struct entry *entry) {
  *(entry->newer != NULL ? &entry->newer->older : &readers->newest) = entry->older;
  *(entry->older != NULL ? &entry->older->newer : &readers->oldest) = entry->newer;
  readers->idle--;
}

static void list_push(struct readers *readers, struct entry *entry) {
  entry->newer = NULL;
  entry->older = readers->newest;
  *(readers->newest != NULL ? &readers->newest->newer : &readers->oldest) = entry;
  readers->newest = entry;
  readers->idle++;
}

static void drop_oldest(struct readers *readers) {
  struct entry *entry = readers->oldest, **link = &readers->buckets[entry->hash % BUCKETS];
  while (*link != entry) link = &(*link)->chain;
  *link = entry->chain;
  list_remove(readers, entry);
  cas_reader_close(entry->kept.reader);
  free(entry);
}

void readers_destroy(struct readers *readers) {
  if (readers == NULL) return;
  while (readers->oldest != NULL) drop_oldest(readers);
  pthread_mutex_destroy(&readers->lock);
  free(readers);
}

/* The entry of a path, made where it is new; NULL without memory. */
static struct entry *find(struct readers *readers, const char *path) {
  uint64_t hash = tree_inode(path);
  struct entry **bucket = &readers->buckets[hash % BUCKETS], *entry = *bucket;
  while (entry != NULL && (entry->hash != hash || strcmp(entry->path, path) != 0)) entry = entry->chain;
  if (entry != NULL) return entry;
  size_t path_size = strlen(path) + 1;
  entry = calloc(1, sizeof *entry + path_size);
  if (entry == NULL) return NULL;
  entry->hash = hash;
  memcpy(entry->path, path, path_size);
  entry->chain = *bucket;
  *bucket = entry;
  list_push(readers, entry);
  return entry;
}

/* A snapshot's files are opened in the snapshot: it may show what was deleted since. */
static cas_status open_path(const struct tree *tree, const char *path, struct cas_reader **reader,
                            struct cas_error *error) {
  struct tree_entry entry;
  struct tree_scope scope;
  char node_path[TREE_PATH_MAX];
  cas_status status = tree_enter(tree, path, &scope, error);
  if (status != CAS_OK) return status;
  status = tree_get(&scope.tree, scope.path, &entry, node_path, error);
  if (status == CAS_OK && entry.kind != TREE_FILE) status = CAS_INVALID;
  if (status == CAS_OK) status = cas_reader_open(scope.tree.store, node_path, reader, error);
  tree_leave(&scope);
  return status;
}

cas_status readers_open(struct readers *readers, const struct tree *tree, const char *path, struct kept_reader **kept,
                        struct cas_error *error) {
  struct cas_reader *reader = NULL;
  pthread_mutex_lock(&readers->lock);
  struct entry *entry = find(readers, path);
  if (entry != NULL && entry->holders++ == 0) list_remove(readers, entry);
  bool opened = entry != NULL && entry->kept.reader != NULL;
  pthread_mutex_unlock(&readers->lock);
  *kept = entry != NULL ? &entry->kept : NULL;
  if (entry == NULL) return CAS_NO_MEMORY;
  if (opened) return CAS_OK;
  cas_status status = open_path(tree, path, &reader, error);
  if (status != CAS_OK) return status;
  pthread_mutex_lock(&readers->lock);
  if (entry->kept.reader == NULL) {
    entry->kept.reader = reader;
    reader = NULL;
  }
  pthread_mutex_unlock(&readers->lock);
  cas_reader_close(reader);
  return CAS_OK;
}

void readers_unref(struct readers *readers, struct kept_reader *kept) {
  if (kept == NULL) return;
  struct entry *entry = (struct entry *)kept;
  pthread_mutex_lock(&readers->lock);
  if (--entry->holders == 0) list_push(readers, entry);
  if (readers->idle > READERS_MAX) drop_oldest(readers);
  pthread_mutex_unlock(&readers->lock);
}
