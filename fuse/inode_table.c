/*
 * Owns the inodes, in a hash table with chains, keyed by number.
 *
 * Invariants (all under `lock`)
 *  1. No two inodes have one number; no two have the same parent and name.
 *  2. An inode but the root is there exactly as long as it has lookups or children; its parent is there, too.
 *  3. An inode stands at its wanted number or at one of the PROBES_MAX - 1 that probe() derives from it; `displaced`
 *     counts those that do not stand at the first. While it is 0, one step finds every inode.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fuse/inode_table.h"

#define SLOTS_MIN 256
/* Four paths with one 63-bit hash do not happen; a fifth is refused. */
#define PROBES_MAX 5

struct inode {
  struct inode *next; /* in the chain */
  struct inode *parent;
  struct inode *child;           /* any of its children, which are in a list */
  struct inode *older, *younger; /* in that list */
  uint64_t number;
  uint64_t lookups;
  uint64_t stamp, swept;
  uint32_t children;
  bool displaced;
  char name[];
};

struct inode_table {
  pthread_mutex_t lock; /* guards all below; innermost: nothing else is locked under it */
  struct inode **slots;
  size_t slot_count; /* a power of two */
  size_t count;      /* of inodes, the root too */
  size_t displaced;
  struct inode *root;
};

static struct inode **slot_of(struct inode_table *table, uint64_t number) {
  return &table->slots[number & (table->slot_count - 1)];
}

static struct inode *find(struct inode_table *table, uint64_t number) {
  struct inode *inode = *slot_of(table, number);
  while (inode != NULL && inode->number != number) inode = inode->next;
  return inode;
}

/* The number to try next. Keeps the bounds of tree_inode(): from 16 to below 2^63. */
static uint64_t probe(uint64_t number) {
  number += UINT64_C(0x9E3779B97F4A7C15);
  number = (number ^ number >> 31) * UINT64_C(0xBF58476D1CE4E5B9);
  return (number & INT64_MAX) | 16;
}

/* Moves the chains to another number of slots. Without memory everything stays: chains get longer, nothing breaks. */
static void resize(struct inode_table *table, size_t slot_count) {
  struct inode **old = table->slots;
  size_t old_count = table->slot_count;
  struct inode **slots = calloc(slot_count, sizeof *slots);
  if (slots == NULL) return;
  table->slots = slots;
  table->slot_count = slot_count;
  for (size_t i = 0; i < old_count; i++) {
    for (struct inode *inode = old[i], *next; inode != NULL; inode = next) {
      next = inode->next;
      struct inode **slot = slot_of(table, inode->number);
      inode->next = *slot;
      *slot = inode;
    }
  }
  free(old);
}

static void insert(struct inode_table *table, struct inode *inode) {
  if (table->count >= table->slot_count) resize(table, table->slot_count * 2);
  struct inode **slot = slot_of(table, inode->number);
  inode->next = *slot;
  *slot = inode;
  table->count++;
  table->displaced += inode->displaced;
}

static void erase(struct inode_table *table, struct inode *inode) {
  struct inode **link = slot_of(table, inode->number);
  while (*link != inode) link = &(*link)->next;
  *link = inode->next;
  table->count--;
  table->displaced -= inode->displaced;
  free(inode);
  if (table->slot_count > SLOTS_MIN && table->count < table->slot_count / 8) resize(table, table->slot_count / 2);
}

static struct inode *make(struct inode *parent, const char *name, uint64_t number) {
  size_t name_size = strlen(name) + 1;
  struct inode *inode = malloc(sizeof *inode + name_size);
  if (inode == NULL) return NULL;
  *inode = (struct inode){.parent = parent, .number = number};
  memcpy(inode->name, name, name_size);
  return inode;
}

cas_status inode_table_create(struct inode_table **table) {
  struct inode_table *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  made->slot_count = SLOTS_MIN;
  made->slots = calloc(made->slot_count, sizeof *made->slots);
  made->root = make(NULL, "", INODE_TABLE_ROOT);
  if (made->slots == NULL || made->root == NULL) {
    free(made->slots);
    free(made->root);
    free(made);
    return CAS_NO_MEMORY;
  }
  pthread_mutex_init(&made->lock, NULL);
  insert(made, made->root);
  *table = made;
  return CAS_OK;
}

void inode_table_destroy(struct inode_table *table) {
  if (table == NULL) return;
  for (size_t i = 0; i < table->slot_count; i++) {
    for (struct inode *inode = table->slots[i], *next; inode != NULL; inode = next) {
      next = inode->next;
      free(inode);
    }
  }
  pthread_mutex_destroy(&table->lock);
  free(table->slots);
  free(table);
}

static void adopt(struct inode *parent, struct inode *inode) {
  inode->older = parent->child;
  if (parent->child != NULL) parent->child->younger = inode;
  parent->child = inode;
  parent->children++;
}

static void disown(struct inode *parent, struct inode *inode) {
  if (inode->older != NULL) inode->older->younger = inode->younger;
  *(inode->younger != NULL ? &inode->younger->older : &parent->child) = inode->older;
  parent->children--;
}

/* The child with this name, or NULL and the number that it is to get (0: none is left). */
static struct inode *find_child(struct inode_table *table, const struct inode *parent, const char *name,
                                uint64_t wanted, uint64_t *number) {
  *number = 0;
  for (int i = 0; i < PROBES_MAX; i++, wanted = probe(wanted)) {
    struct inode *inode = find(table, wanted);
    if (inode == NULL) {
      if (*number == 0) *number = wanted;
      if (table->displaced == 0) return NULL;
    } else if (inode->parent == parent && strcmp(inode->name, name) == 0) {
      return inode;
    }
  }
  return NULL;
}

static cas_status ref_locked(struct inode_table *table, uint64_t parent_number, const char *name, uint64_t wanted,
                             uint64_t *number) {
  struct inode *parent = find(table, parent_number);
  if (parent == NULL) return CAS_NOT_FOUND;
  uint64_t free_number;
  struct inode *inode = find_child(table, parent, name, wanted, &free_number);
  if (inode == NULL) {
    inode = free_number == 0 ? NULL : make(parent, name, free_number);
    if (inode == NULL) return CAS_NO_MEMORY;
    inode->displaced = free_number != wanted;
    adopt(parent, inode);
    insert(table, inode);
  }
  inode->lookups++;
  *number = inode->number;
  return CAS_OK;
}

cas_status inode_table_ref(struct inode_table *table, uint64_t parent, const char *name, uint64_t wanted,
                           uint64_t *inode) {
  pthread_mutex_lock(&table->lock);
  cas_status status = ref_locked(table, parent, name, wanted, inode);
  pthread_mutex_unlock(&table->lock);
  return status;
}

cas_status inode_table_hold(struct inode_table *table, uint64_t parent_number, const char *name, uint64_t wanted,
                            uint64_t *number) {
  uint64_t free_number;
  pthread_mutex_lock(&table->lock);
  const struct inode *parent = find(table, parent_number);
  struct inode *inode = parent != NULL ? find_child(table, parent, name, wanted, &free_number) : NULL;
  if (inode != NULL) {
    inode->lookups++;
    *number = inode->number;
  }
  pthread_mutex_unlock(&table->lock);
  return inode != NULL ? CAS_OK : CAS_NOT_FOUND;
}

cas_status inode_table_parent(struct inode_table *table, uint64_t number, uint64_t *parent) {
  pthread_mutex_lock(&table->lock);
  const struct inode *inode = find(table, number);
  bool has_parent = inode != NULL && inode->parent != NULL;
  if (has_parent) *parent = inode->parent->number;
  pthread_mutex_unlock(&table->lock);
  return has_parent ? CAS_OK : CAS_NOT_FOUND;
}

uint64_t inode_table_stamp(struct inode_table *table, uint64_t number, uint64_t stamp) {
  uint64_t before = 0;
  pthread_mutex_lock(&table->lock);
  struct inode *inode = find(table, number);
  if (inode != NULL) {
    before = inode->stamp;
    inode->stamp = stamp;
  }
  pthread_mutex_unlock(&table->lock);
  return before;
}

uint64_t inode_table_swept(struct inode_table *table, uint64_t number, const uint64_t *stamp) {
  uint64_t before = 0;
  pthread_mutex_lock(&table->lock);
  struct inode *inode = find(table, number);
  if (inode != NULL) {
    before = inode->swept;
    if (stamp != NULL) inode->swept = *stamp;
  }
  pthread_mutex_unlock(&table->lock);
  return before;
}

cas_status inode_table_children(struct inode_table *table, uint64_t folder, uint64_t **numbers, size_t *count) {
  cas_status status = CAS_OK;
  uint64_t *made = NULL;
  size_t found = 0;
  pthread_mutex_lock(&table->lock);
  const struct inode *inode = find(table, folder);
  size_t children = inode != NULL ? inode->children : 0;
  if (children > 0) {
    made = malloc(children * sizeof *made);
    if (made == NULL) status = CAS_NO_MEMORY;
  }
  for (const struct inode *child = made != NULL ? inode->child : NULL; child != NULL; child = child->older)
    made[found++] = child->number;
  pthread_mutex_unlock(&table->lock);
  if (status != CAS_OK) return status;
  *numbers = made;
  *count = found;
  return CAS_OK;
}

void inode_table_unref(struct inode_table *table, uint64_t number, uint64_t lookups) {
  pthread_mutex_lock(&table->lock);
  struct inode *inode = find(table, number);
  if (inode != NULL && inode != table->root) {
    inode->lookups -= lookups < inode->lookups ? lookups : inode->lookups;
    while (inode != table->root && inode->lookups == 0 && inode->children == 0) {
      struct inode *parent = inode->parent;
      disown(parent, inode);
      erase(table, inode);
      inode = parent;
    }
  }
  pthread_mutex_unlock(&table->lock);
}

/* Writes the path from its end; false where it does not fit, which tree_join() has ruled out. */
static bool build_path(const struct inode *inode, char path[TREE_PATH_MAX]) {
  size_t at = TREE_PATH_MAX - 1;
  path[at] = '\0';
  for (; inode->parent != NULL; inode = inode->parent) {
    size_t size = strlen(inode->name);
    bool last = path[at] == '\0';
    if (at < size + !last) return false;
    if (!last) path[--at] = '/';
    at -= size;
    memcpy(path + at, inode->name, size);
  }
  memmove(path, path + at, TREE_PATH_MAX - at);
  return true;
}

cas_status inode_table_path(struct inode_table *table, uint64_t number, char path[TREE_PATH_MAX]) {
  pthread_mutex_lock(&table->lock);
  const struct inode *inode = find(table, number);
  bool built = inode != NULL && build_path(inode, path);
  pthread_mutex_unlock(&table->lock);
  return built ? CAS_OK : CAS_NOT_FOUND;
}

size_t inode_table_count(struct inode_table *table) {
  pthread_mutex_lock(&table->lock);
  size_t count = table->count - 1;
  pthread_mutex_unlock(&table->lock);
  return count;
}
