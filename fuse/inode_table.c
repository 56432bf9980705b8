/*
 * Owns the inodes, in a hash table with chains, keyed by number, and their line.
 *
 *   waiting (in the line) --take--> told --ref, return, last child forgotten--> waiting
 *
 * Invariants (all under `lock`)
 *  1. No two inodes have one number; no two have the same parent and name.
 *  2. An inode but the root is there exactly as long as it has lookups or children; its parent is there, too.
 *  3. An inode stands at its wanted number or at one of the PROBES_MAX - 1 that probe() derives from it; `displaced`
 *     counts those that do not stand at the first. While it is 0, one step finds every inode.
 *  4. Each inode but the root is in one of the two queues, `waiting` or `told`, as its mark says.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fuse/inode_table.h"

#define SLOTS_MIN 256
/* Four paths with one 63-bit hash do not happen; a fifth is refused. */
#define PROBES_MAX 5

/* There may be hundred thousands of these. The name follows, behind the whole struct folder where it is one. */
struct inode {
  struct inode *next; /* in the chain */
  struct folder *parent;
  struct inode *older, *younger; /* among the parent's children */
  struct inode *ahead, *behind;  /* in its queue */
  uint64_t number;
  uint64_t lookups : 60;
  uint64_t displaced : 1, file : 1, told : 1;
};

struct folder {
  struct inode inode;  /* the first, so that an inode that is no file is its folder */
  struct inode *child; /* the youngest */
  uint64_t stamp, swept;
  size_t children;
};

#define LOOKUPS_MAX ((UINT64_C(1) << 60) - 1)

struct queue {
  struct inode *front, *back;
  size_t count;
};

struct inode_table {
  pthread_mutex_t lock; /* guards all below; innermost: nothing else is locked under it */
  struct inode **slots;
  size_t slot_count; /* a power of two */
  size_t count;      /* of inodes, the root too */
  size_t displaced;
  struct queue waiting, told;
  struct folder *root;
};

static struct folder *folder_of(struct inode *inode) {
  return inode != NULL && !inode->file ? (struct folder *)inode : NULL;
}

static const char *name_of(const struct inode *inode) {
  return (const char *)inode + (inode->file ? sizeof(struct inode) : sizeof(struct folder));
}

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

static struct inode *make(struct folder *parent, const char *name, bool file, uint64_t number) {
  size_t size = file ? sizeof(struct inode) : sizeof(struct folder), name_size = strlen(name) + 1;
  struct inode *inode = calloc(1, size + name_size);
  if (inode == NULL) return NULL;
  inode->parent = parent;
  inode->number = number;
  inode->file = file;
  memcpy((char *)inode + size, name, name_size);
  return inode;
}

/* --- the line --- */

static struct queue *queue_of(struct inode_table *table, const struct inode *inode) {
  return inode->told ? &table->told : &table->waiting;
}

static void leave(struct inode_table *table, struct inode *inode) {
  struct queue *queue = queue_of(table, inode);
  *(inode->ahead != NULL ? &inode->ahead->behind : &queue->front) = inode->behind;
  *(inode->behind != NULL ? &inode->behind->ahead : &queue->back) = inode->ahead;
  queue->count--;
}

static void stand_last(struct inode_table *table, struct inode *inode, bool told) {
  inode->told = told;
  struct queue *queue = queue_of(table, inode);
  inode->ahead = queue->back;
  inode->behind = NULL;
  *(queue->back != NULL ? &queue->back->behind : &queue->front) = inode;
  queue->back = inode;
  queue->count++;
}

static void move_last(struct inode_table *table, struct inode *inode, bool told) {
  leave(table, inode);
  stand_last(table, inode, told);
}

size_t inode_table_waiting(struct inode_table *table) {
  pthread_mutex_lock(&table->lock);
  size_t count = table->waiting.count;
  pthread_mutex_unlock(&table->lock);
  return count;
}

size_t inode_table_take(struct inode_table *table, size_t keep, struct inode_taken *taken, size_t count_max) {
  size_t count = 0;
  pthread_mutex_lock(&table->lock);
  for (; count < count_max && table->waiting.count > keep; count++) {
    struct inode *inode = table->waiting.front;
    taken[count].inode = inode->number;
    taken[count].parent = inode->parent->inode.number;
    taken[count].file = inode->file;
    memcpy(taken[count].name, name_of(inode), strlen(name_of(inode)) + 1);
    move_last(table, inode, true);
  }
  pthread_mutex_unlock(&table->lock);
  return count;
}

void inode_table_return_told(struct inode_table *table) {
  pthread_mutex_lock(&table->lock);
  while (table->told.front != NULL) move_last(table, table->told.front, false);
  pthread_mutex_unlock(&table->lock);
}

/* --- coming and going --- */

cas_status inode_table_create(struct inode_table **table) {
  struct inode_table *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  made->slot_count = SLOTS_MIN;
  made->slots = calloc(made->slot_count, sizeof *made->slots);
  made->root = folder_of(make(NULL, "", false, INODE_TABLE_ROOT));
  if (made->slots == NULL || made->root == NULL) {
    free(made->slots);
    free(made->root);
    free(made);
    return CAS_NO_MEMORY;
  }
  pthread_mutex_init(&made->lock, NULL);
  insert(made, &made->root->inode);
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

static void adopt(struct inode_table *table, struct inode *inode) {
  struct folder *parent = inode->parent;
  inode->older = parent->child;
  if (parent->child != NULL) parent->child->younger = inode;
  parent->child = inode;
  parent->children++;
  stand_last(table, inode, false);
}

static void disown(struct inode_table *table, struct inode *inode) {
  struct folder *parent = inode->parent;
  if (inode->older != NULL) inode->older->younger = inode->younger;
  *(inode->younger != NULL ? &inode->younger->older : &parent->child) = inode->older;
  parent->children--;
  /* A list that the kernel has kept would make it look up each name. */
  parent->stamp = 0;
  leave(table, inode);
  if (parent->children == 0 && parent->inode.told) move_last(table, &parent->inode, false);
}

/* The child with this name, or NULL and the number that it is to get (0: none is left). */
static struct inode *find_child(struct inode_table *table, const struct folder *parent, const char *name,
                                uint64_t wanted, uint64_t *number) {
  *number = 0;
  for (int i = 0; i < PROBES_MAX; i++, wanted = probe(wanted)) {
    struct inode *inode = find(table, wanted);
    if (inode == NULL) {
      if (*number == 0) *number = wanted;
      if (table->displaced == 0) return NULL;
    } else if (inode->parent == parent && strcmp(name_of(inode), name) == 0) {
      return inode;
    }
  }
  return NULL;
}

static cas_status ref_locked(struct inode_table *table, uint64_t parent_number, const char *name, bool file,
                             uint64_t wanted, uint64_t *number) {
  struct folder *parent = folder_of(find(table, parent_number));
  if (parent == NULL) return CAS_NOT_FOUND;
  uint64_t free_number;
  struct inode *inode = find_child(table, parent, name, wanted, &free_number);
  if (inode == NULL) {
    inode = free_number == 0 ? NULL : make(parent, name, file, free_number);
    if (inode == NULL) return CAS_NO_MEMORY;
    inode->displaced = free_number != wanted;
    adopt(table, inode);
    insert(table, inode);
  } else {
    move_last(table, inode, false);
  }
  if (inode->lookups < LOOKUPS_MAX) inode->lookups++;
  *number = inode->number;
  return CAS_OK;
}

cas_status inode_table_ref(struct inode_table *table, uint64_t parent, const char *name, bool file, uint64_t wanted,
                           uint64_t *inode) {
  pthread_mutex_lock(&table->lock);
  cas_status status = ref_locked(table, parent, name, file, wanted, inode);
  pthread_mutex_unlock(&table->lock);
  return status;
}

cas_status inode_table_hold(struct inode_table *table, uint64_t parent_number, const char *name, uint64_t wanted,
                            uint64_t *number) {
  uint64_t free_number;
  pthread_mutex_lock(&table->lock);
  const struct folder *parent = folder_of(find(table, parent_number));
  struct inode *inode = parent != NULL ? find_child(table, parent, name, wanted, &free_number) : NULL;
  if (inode != NULL) {
    if (inode->lookups < LOOKUPS_MAX) inode->lookups++;
    *number = inode->number;
  }
  pthread_mutex_unlock(&table->lock);
  return inode != NULL ? CAS_OK : CAS_NOT_FOUND;
}

cas_status inode_table_parent(struct inode_table *table, uint64_t number, uint64_t *parent) {
  pthread_mutex_lock(&table->lock);
  const struct inode *inode = find(table, number);
  bool has_parent = inode != NULL && inode->parent != NULL;
  if (has_parent) *parent = inode->parent->inode.number;
  pthread_mutex_unlock(&table->lock);
  return has_parent ? CAS_OK : CAS_NOT_FOUND;
}

uint64_t inode_table_stamp(struct inode_table *table, uint64_t number, uint64_t stamp) {
  uint64_t before = 0;
  pthread_mutex_lock(&table->lock);
  struct folder *folder = folder_of(find(table, number));
  if (folder != NULL) {
    before = folder->stamp;
    folder->stamp = stamp;
  }
  pthread_mutex_unlock(&table->lock);
  return before;
}

uint64_t inode_table_swept(struct inode_table *table, uint64_t number, const uint64_t *stamp) {
  uint64_t before = 0;
  pthread_mutex_lock(&table->lock);
  struct folder *folder = folder_of(find(table, number));
  if (folder != NULL) {
    before = folder->swept;
    if (stamp != NULL) folder->swept = *stamp;
  }
  pthread_mutex_unlock(&table->lock);
  return before;
}

cas_status inode_table_children(struct inode_table *table, uint64_t number, uint64_t **numbers, size_t *count) {
  cas_status status = CAS_OK;
  uint64_t *made = NULL;
  size_t found = 0;
  pthread_mutex_lock(&table->lock);
  const struct folder *folder = folder_of(find(table, number));
  size_t children = folder != NULL ? folder->children : 0;
  if (children > 0) {
    made = malloc(children * sizeof *made);
    if (made == NULL) status = CAS_NO_MEMORY;
  }
  for (const struct inode *child = made != NULL ? folder->child : NULL; child != NULL; child = child->older)
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
  if (inode != NULL && inode->parent != NULL) {
    inode->lookups -= lookups < inode->lookups ? lookups : inode->lookups;
    while (inode->parent != NULL && inode->lookups == 0 && (inode->file || folder_of(inode)->children == 0)) {
      struct inode *parent = &inode->parent->inode;
      disown(table, inode);
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
  for (; inode->parent != NULL; inode = &inode->parent->inode) {
    size_t size = strlen(name_of(inode));
    bool last = path[at] == '\0';
    if (at < size + !last) return false;
    if (!last) path[--at] = '/';
    at -= size;
    memcpy(path + at, name_of(inode), size);
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
