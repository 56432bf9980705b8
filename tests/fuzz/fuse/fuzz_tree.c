/*
 * Any text as a path in a mount: what is found lies where the tree says, has the same inode number each time, can be
 * listed, and what a list shows can be looked up. Names with UIDs are read and written as the same.
 */
#include "../fuzz_store.h"
#include "fuse/tree.h"
#include "fuse/uid_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct listing {
  const struct tree *tree;
  const char *folder;
};

static cas_status look_up(void *arg, const char *name, const struct tree_entry *entry) {
  const struct listing *listing = arg;
  char path[TREE_PATH_MAX];
  struct tree_entry found;
  fuzz_must(tree_join(listing->folder, name, path) == CAS_OK);
  fuzz_must(tree_get(listing->tree, path, &found, NULL, NULL) == CAS_OK);
  fuzz_must(found.kind == entry->kind && found.bytes == entry->bytes);
  return CAS_OK;
}

static void check_names(const char *name) {
  char uid[CAS_UID_TEXT_MAX], again[NAME_MAX + 1];
  uint32_t version;
  if (strlen(name) > NAME_MAX) return;
  if (uid_name_parse(name, uid)) fuzz_must(uid_name_encode(uid, again) && strcmp(again, name) == 0);
  if (uid_name_parse_file(name, uid, &version))
    fuzz_must(uid_name_encode_file(uid, version, again) && strcmp(again, name) == 0);
}

/* The path as the kernel asks for it: part by part. */
static void walk(const struct tree *tree, char *text) {
  char path[TREE_PATH_MAX] = "", next[TREE_PATH_MAX];
  for (char *rest = text, *part; (part = strsep(&rest, "/")) != NULL;) {
    struct tree_entry entry;
    check_names(part);
    if (tree_join(path, part, next) != CAS_OK) return;
    if (tree_get(tree, next, &entry, NULL, NULL) != CAS_OK) return;
    memcpy(path, next, sizeof path);
    fuzz_must(tree_inode(path) >= 16 && tree_inode(path) < (uint64_t)INT64_MAX);
    struct listing listing = {.tree = tree, .folder = path};
    if (entry.kind == TREE_FOLDER) fuzz_must(tree_list(tree, path, NULL, look_up, &listing, NULL) == CAS_OK);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct tree tree = {.store = fuzz_store(), .views = TREE_PATIENTS | TREE_DATES | TREE_UIDS | TREE_SNAPSHOTS};
  char *text = malloc(size + 1);
  struct tree_entry entry;
  char node_path[TREE_PATH_MAX];
  if (text == NULL) abort();
  if (size > 0) memcpy(text, data, size);
  text[size] = '\0';
  cas_status status = tree_get(&tree, text, &entry, node_path, NULL);
  fuzz_must(status == CAS_OK || status == CAS_NOT_FOUND);
  walk(&tree, text);
  free(text);
  return 0;
}
