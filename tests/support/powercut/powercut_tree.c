/*
 * Owns all nodes, and the changes of names that are not durable yet, oldest first. A change is one or two names and
 * what they lead to afterwards, which happens as a whole or not at all: a rename is two.
 */
#include "support/powercut/powercut_tree.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct part {
  struct powercut_node *folder;
  char *name;
  struct powercut_node *node; /* NULL: the name is gone */
};

struct change {
  struct part parts[2];
  size_t count;
};

struct powercut_tree {
  struct powercut_node **nodes;
  size_t node_count;
  uint64_t last_number;
  struct change *changes;
  size_t change_count;
};

static void *grow(void *array, size_t size) {
  void *grown = realloc(array, size);
  if (grown == NULL) abort();
  return grown;
}

static char *copy_text(const char *text) {
  char *copy = strdup(text);
  if (copy == NULL) abort();
  return copy;
}

/* --- names --- */

static struct powercut_entry *names_find(struct powercut_names *names, const char *name) {
  for (size_t i = 0; i < names->count; i++)
    if (strcmp(names->entries[i].name, name) == 0) return &names->entries[i];
  return NULL;
}

static void names_put(struct powercut_names *names, const char *name, struct powercut_node *node) {
  struct powercut_entry *entry = names_find(names, name);
  if (entry != NULL && node != NULL) {
    entry->node = node;
  } else if (entry != NULL) {
    free(entry->name);
    *entry = names->entries[--names->count];
  } else if (node != NULL) {
    names->entries = grow(names->entries, (names->count + 1) * sizeof *names->entries);
    names->entries[names->count++] = (struct powercut_entry){.name = copy_text(name), .node = node};
  }
}

static void names_fini(struct powercut_names *names) {
  for (size_t i = 0; i < names->count; i++) free(names->entries[i].name);
  free(names->entries);
  *names = (struct powercut_names){0};
}

static void names_copy(struct powercut_names *to, const struct powercut_names *from) {
  names_fini(to);
  for (size_t i = 0; i < from->count; i++) names_put(to, from->entries[i].name, from->entries[i].node);
}

/* --- nodes --- */

static struct powercut_node *add_node(struct powercut_tree *tree, mode_t mode) {
  struct powercut_node *node = calloc(1, sizeof *node);
  if (node == NULL) abort();
  node->number = ++tree->last_number;
  node->mode = mode;
  tree->nodes = grow(tree->nodes, (tree->node_count + 1) * sizeof(struct powercut_node *));
  tree->nodes[tree->node_count++] = node;
  return node;
}

static void free_node(struct powercut_node *node) {
  powercut_image_fini(&node->image);
  names_fini(&node->present);
  names_fini(&node->durable);
  free(node);
}

struct powercut_tree *powercut_tree_create(void) {
  struct powercut_tree *tree = calloc(1, sizeof *tree);
  if (tree == NULL) abort();
  add_node(tree, S_IFDIR | 0755);
  return tree;
}

static void forget_change(struct change *change) {
  for (size_t i = 0; i < change->count; i++) free(change->parts[i].name);
}

void powercut_tree_destroy(struct powercut_tree *tree) {
  for (size_t i = 0; i < tree->change_count; i++) forget_change(&tree->changes[i]);
  for (size_t i = 0; i < tree->node_count; i++) free_node(tree->nodes[i]);
  free(tree->changes);
  free(tree->nodes);
  free(tree);
}

static struct powercut_node *find_part(struct powercut_tree *tree, const char *path, size_t size) {
  struct powercut_node *node = tree->nodes[0];
  char name[256];
  for (size_t at = 1; at < size && node != NULL;) {
    size_t end = at;
    while (end < size && path[end] != '/') end++;
    if (end - at >= sizeof name) return NULL;
    memcpy(name, path + at, end - at);
    name[end - at] = '\0';
    struct powercut_entry *entry = names_find(&node->present, name);
    node = entry != NULL ? entry->node : NULL;
    at = end + 1;
  }
  return node;
}

struct powercut_node *powercut_tree_find(struct powercut_tree *tree, const char *path) {
  return find_part(tree, path, strlen(path));
}

struct powercut_node *powercut_tree_by_number(struct powercut_tree *tree, uint64_t number) {
  for (size_t i = tree->node_count; i > 0; i--)
    if (tree->nodes[i - 1]->number == number) return tree->nodes[i - 1];
  return NULL;
}

/* --- changes --- */

static struct part part_of(struct powercut_tree *tree, const char *path, struct powercut_node *node) {
  const char *slash = strrchr(path, '/');
  return (struct part){find_part(tree, path, (size_t)(slash - path)), copy_text(slash + 1), node};
}

static void apply(struct powercut_tree *tree, struct change change) {
  for (size_t i = 0; i < change.count; i++)
    names_put(&change.parts[i].folder->present, change.parts[i].name, change.parts[i].node);
  tree->changes = grow(tree->changes, (tree->change_count + 1) * sizeof *tree->changes);
  tree->changes[tree->change_count++] = change;
}

static void make_durable(struct change *change) {
  for (size_t i = 0; i < change->count; i++)
    names_put(&change->parts[i].folder->durable, change->parts[i].name, change->parts[i].node);
}

int powercut_tree_make(struct powercut_tree *tree, const char *path, mode_t mode, struct powercut_node **node) {
  if (powercut_tree_find(tree, path) != NULL) return -EEXIST;
  struct powercut_node *made = add_node(tree, mode);
  apply(tree, (struct change){.parts = {part_of(tree, path, made)}, .count = 1});
  *node = made;
  return 0;
}

int powercut_tree_remove(struct powercut_tree *tree, const char *path, bool folder) {
  struct powercut_node *node = powercut_tree_find(tree, path);
  if (node == NULL) return -ENOENT;
  if (S_ISDIR(node->mode) != folder) return folder ? -ENOTDIR : -EISDIR;
  if (folder && node->present.count > 0) return -ENOTEMPTY;
  apply(tree, (struct change){.parts = {part_of(tree, path, NULL)}, .count = 1});
  return 0;
}

int powercut_tree_rename(struct powercut_tree *tree, const char *from, const char *to) {
  struct powercut_node *node = powercut_tree_find(tree, from), *target = powercut_tree_find(tree, to);
  if (node == NULL) return -ENOENT;
  if (target != NULL && S_ISDIR(target->mode) && target->present.count > 0) return -ENOTEMPTY;
  struct change change = {.parts = {part_of(tree, from, NULL), part_of(tree, to, node)}, .count = 2};
  apply(tree, change);
  return 0;
}

static bool touches(const struct change *change, const struct powercut_node *folder) {
  for (size_t i = 0; i < change->count; i++)
    if (change->parts[i].folder == folder) return true;
  return false;
}

void powercut_tree_sync_folder(struct powercut_tree *tree, struct powercut_node *folder,
                               enum powercut_honesty honesty) {
  size_t kept = 0;
  if (honesty == POWERCUT_NEVER) return;
  for (size_t i = 0; i < tree->change_count; i++) {
    if (touches(&tree->changes[i], folder)) {
      make_durable(&tree->changes[i]);
      forget_change(&tree->changes[i]);
    } else {
      tree->changes[kept++] = tree->changes[i];
    }
  }
  tree->change_count = kept;
}

uint64_t powercut_tree_bytes(struct powercut_tree *tree) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < tree->node_count; i++)
    for (size_t k = 0; k < tree->nodes[i]->present.count; k++)
      bytes += tree->nodes[i]->present.entries[k].node->image.present.size;
  return bytes;
}

/* --- the cut --- */

/* A journal keeps all changes up to some point; the rules of POSIX allow any of them. */
static void cut_names(struct powercut_tree *tree, struct test_random *random, struct powercut_losses *losses) {
  bool journal = powercut_chance(random, 2);
  size_t border = (size_t)test_random_below(random, tree->change_count + 1);
  for (size_t i = 0; i < tree->change_count; i++) {
    bool keep = journal ? i < border : powercut_chance(random, 2);
    if (keep) make_durable(&tree->changes[i]);
    *(keep ? &losses->entries_kept : &losses->entries_lost) += 1;
    forget_change(&tree->changes[i]);
  }
  tree->change_count = 0;
}

static void reach(struct powercut_node *node) {
  node->reached = true;
  for (size_t i = 0; i < node->durable.count; i++)
    if (!node->durable.entries[i].node->reached) reach(node->durable.entries[i].node);
}

void powercut_tree_cut(struct powercut_tree *tree, struct test_random *random, struct powercut_losses *losses) {
  size_t kept = 0;
  losses->cuts++;
  cut_names(tree, random, losses);
  for (size_t i = 0; i < tree->node_count; i++) tree->nodes[i]->reached = false;
  reach(tree->nodes[0]);
  for (size_t i = 0; i < tree->node_count; i++) {
    struct powercut_node *node = tree->nodes[i];
    if (!node->reached) {
      free_node(node);
      continue;
    }
    names_copy(&node->present, &node->durable);
    powercut_image_cut(&node->image, random, losses);
    tree->nodes[kept++] = node;
  }
  tree->node_count = kept;
}
