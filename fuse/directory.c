/*
 * Owns the window of an open folder: up to WINDOW_ITEMS items that follow each other in the list.
 *
 * Invariants
 *  1. The window's items are those that came behind the place `before` when the window was filled.
 *  2. `complete` says that the list had no more items behind the window when it was filled. What arrives later is seen
 *     from the beginning (rewinddir) or in the next open folder.
 *  3. `position` is only a hint where the next item will be asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "fuse/directory.h"

/* One fill of the window costs a seek in the index; the kernel asks for some hundred items at a time. At the longest
 * names this is 0.3 MiB an open folder. */
#define WINDOW_ITEMS 1024

#define COOKIE_DOT 1
#define COOKIE_DOT_DOT 2

struct window_item {
  uint64_t inode;
  struct tree_entry entry;
  size_t name_offset; /* in `names` */
};

struct directory {
  const struct tree *tree;
  char path[TREE_PATH_MAX];
  uint64_t before; /* the place that the window begins behind */
  bool filled, complete;
  uint64_t fills;
  size_t count, position;
  struct cas_buffer names; /* with their NULs */
  struct window_item items[WINDOW_ITEMS];
};

cas_status directory_open(const struct tree *tree, const char *path, struct directory **directory) {
  size_t size = strnlen(path, TREE_PATH_MAX);
  if (size == TREE_PATH_MAX) return CAS_NOT_FOUND;
  struct directory *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return CAS_NO_MEMORY;
  opened->tree = tree;
  memcpy(opened->path, path, size + 1);
  *directory = opened;
  return CAS_OK;
}

void directory_close(struct directory *directory) {
  if (directory == NULL) return;
  cas_buffer_fini(&directory->names);
  free(directory);
}

/* --- filling the window --- */

struct fill {
  struct directory *directory;
  bool seeking; /* for the item with the cookie `before` */
};

static cas_status add_item(void *arg, const char *name, const struct tree_entry *entry) {
  struct fill *fill = arg;
  struct directory *directory = fill->directory;
  char path[TREE_PATH_MAX];
  if (directory->count == WINDOW_ITEMS) return CAS_END;
  if (tree_join(directory->path, name, path) != CAS_OK) return CAS_OK; /* not a name that could be looked up */
  uint64_t inode = tree_inode(path);
  if (fill->seeking) {
    fill->seeking = inode != directory->before;
    return CAS_OK;
  }
  size_t name_offset = directory->names.size;
  struct cas_slice bytes = {.data = (const uint8_t *)name, .size = strlen(name) + 1};
  cas_status status = cas_buffer_append(&directory->names, bytes);
  if (status != CAS_OK) return status;
  directory->items[directory->count++] =
      (struct window_item){.inode = inode, .entry = *entry, .name_offset = name_offset};
  return CAS_OK;
}

static const char *name_of(const struct directory *directory, size_t index) {
  return (const char *)directory->names.data + directory->items[index].name_offset;
}

/* Makes the window begin behind `cookie`. */
static cas_status fill_window(struct directory *directory, uint64_t cookie, struct cas_error *error) {
  char after[NAME_MAX + 1] = "";
  bool from_last = directory->filled && directory->count > 0 && directory->items[directory->count - 1].inode == cookie;
  if (from_last)
    memcpy(after, name_of(directory, directory->count - 1), strlen(name_of(directory, directory->count - 1)) + 1);
  struct fill fill = {.directory = directory, .seeking = !from_last && cookie > COOKIE_DOT_DOT};
  directory->filled = false;
  directory->count = directory->position = directory->names.size = 0;
  directory->before = cookie;
  directory->fills++;
  cas_status status = tree_list(directory->tree, directory->path, from_last ? after : NULL, add_item, &fill, error);
  if (status != CAS_OK && status != CAS_END) return status;
  directory->complete = status == CAS_OK;
  directory->filled = true;
  return CAS_OK;
}

uint64_t directory_fills(const struct directory *directory) { return directory->fills; }

/* --- reading --- */

/* Where in the window the item behind `cookie` is, or would be; false where the window does not hold that place. */
static bool find_place(const struct directory *directory, uint64_t cookie, size_t *place) {
  if (!directory->filled) return false;
  if (cookie == directory->before) {
    *place = 0;
    return true;
  }
  size_t hint = directory->position;
  if (hint < directory->count && directory->items[hint].inode == cookie) {
    *place = hint + 1;
    return true;
  }
  for (size_t i = 0; i < directory->count; i++) {
    if (directory->items[i].inode == cookie) {
      *place = i + 1;
      return true;
    }
  }
  return false;
}

static cas_status take_item(struct directory *directory, size_t place, struct directory_item *item) {
  if (place == directory->count) return CAS_END;
  const struct window_item *found = &directory->items[place];
  *item = (struct directory_item){
      .name = name_of(directory, place), .inode = found->inode, .cookie = found->inode, .entry = found->entry};
  directory->position = place;
  return CAS_OK;
}

static cas_status take_dots(const struct directory *directory, uint64_t cookie, struct directory_item *item) {
  *item = (struct directory_item){.name = ".", .cookie = COOKIE_DOT, .dots = true, .entry.kind = TREE_FOLDER};
  if (cookie == 0) {
    item->inode = tree_inode(directory->path);
    return CAS_OK;
  }
  char parent[TREE_PATH_MAX];
  memcpy(parent, directory->path, sizeof parent);
  char *slash = strrchr(parent, '/');
  *(slash == NULL ? parent : slash) = '\0';
  item->name = "..";
  item->cookie = COOKIE_DOT_DOT;
  item->inode = tree_inode(parent);
  return CAS_OK;
}

cas_status directory_next(struct directory *directory, uint64_t cookie, bool load, struct directory_item *item,
                          struct cas_error *error) {
  if (cookie < COOKIE_DOT_DOT) {
    /* Back at the beginning, one wants to see what is there now. */
    if (cookie == 0) directory->filled = false;
    return take_dots(directory, cookie, item);
  }
  size_t place;
  bool held = find_place(directory, cookie, &place);
  if (held && place < directory->count) return take_item(directory, place, item);
  if (held && directory->complete) return CAS_END;
  if (!load) return CAS_BUSY;
  cas_status status = fill_window(directory, cookie, error);
  return status == CAS_OK ? take_item(directory, 0, item) : status;
}
