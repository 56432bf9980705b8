/* Owns the list. Invariant: kind < kind_count for each item. */
#include "send_list.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cassette/node.h"
#include "cli.h"
#include "file_meta.h"
#include "file_walk.h"

#define HEAD_BYTES (16u << 10)

void send_list_fini(struct send_list *list) {
  for (size_t i = 0; i < list->count; i++) free(list->items[i].path);
  free(list->items);
  free(list->kinds);
  *list = (struct send_list){0};
}

static cas_status kind_of(struct send_list *list, const char *sop_class, const char *syntax, uint32_t *kind) {
  for (size_t i = 0; i < list->kind_count; i++) {
    *kind = (uint32_t)i;
    if (strcmp(list->kinds[i].sop_class_uid, sop_class) == 0 && strcmp(list->kinds[i].transfer_syntax_uid, syntax) == 0)
      return CAS_OK;
  }
  struct store_kind *grown = realloc(list->kinds, (list->kind_count + 1) * sizeof *grown);
  if (grown == NULL) return CAS_NO_MEMORY;
  list->kinds = grown;
  *kind = (uint32_t)list->kind_count;
  struct store_kind *made = &grown[list->kind_count++];
  snprintf(made->sop_class_uid, sizeof made->sop_class_uid, "%s", sop_class);
  snprintf(made->transfer_syntax_uid, sizeof made->transfer_syntax_uid, "%s", syntax);
  return CAS_OK;
}

static cas_status add(struct send_list *list, const char *path, const struct file_meta *meta) {
  if (list->count == list->capacity) {
    const size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
    struct send_item *grown = realloc(list->items, capacity * sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    list->items = grown;
    list->capacity = capacity;
  }
  struct send_item *item = &list->items[list->count];
  *item = (struct send_item){.data_set_offset = meta->data_set_offset};
  snprintf(item->sop_instance_uid, sizeof item->sop_instance_uid, "%s", meta->sop_instance_uid);
  cas_status status = kind_of(list, meta->sop_class_uid, meta->transfer_syntax_uid, &item->kind);
  if (status == CAS_OK && (item->path = strdup(path)) == NULL) status = CAS_NO_MEMORY;
  if (status == CAS_OK) list->count++;
  return status;
}

/* --- files --- */

struct gathering {
  struct send_list *list;
  cas_status status;
};

static const char *read_head(const char *path, struct file_meta *meta) {
  uint8_t head[HEAD_BYTES];
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  const ssize_t got = fd >= 0 ? read(fd, head, sizeof head) : -1;
  const int failed = errno;
  if (fd >= 0) close(fd);
  if (got < 0) return strerror(failed);
  return file_meta_parse((struct cas_slice){.data = head, .size = (size_t)got}, meta) ? NULL
                                                                                      : "not a DICOM file of Part 10";
}

static bool take_file(void *arg, const char *path, const struct stat *facts, const char *problem) {
  struct gathering *gathering = arg;
  struct file_meta meta;
  (void)facts;
  if (problem == NULL) problem = read_head(path, &meta);
  if (problem == NULL) {
    gathering->status = add(gathering->list, path, &meta);
  } else {
    gathering->list->left_out++;
    cli_error("%s: %s", path, problem);
  }
  return gathering->status == CAS_OK;
}

cas_status send_list_add_path(struct send_list *list, const char *path) {
  struct gathering gathering = {.list = list};
  (void)file_walk(path, NULL, take_file, &gathering);
  return gathering.status;
}

/* --- instances --- */

struct selecting {
  struct send_list *list;
  struct cas_store *store;
};

static cas_status note_newest(void *arg, const struct cas_node *node) {
  uint32_t *newest = arg;
  if (node->version > *newest) *newest = node->version;
  return CAS_OK;
}

static cas_status take_node(void *arg, const struct cas_node *node) {
  const struct selecting *selecting = arg;
  struct file_meta meta = {0};
  uint32_t newest = node->version;
  const char *uid = cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID);
  const cas_status status = cas_node_by_uid(selecting->store, CAS_LEVEL_INSTANCE, uid, note_newest, &newest, NULL);
  if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
  if (newest != node->version) return CAS_OK;
  snprintf(meta.sop_class_uid, sizeof meta.sop_class_uid, "%s",
           cas_attributes_text(node->attributes, CAS_TAG_SOP_CLASS_UID));
  snprintf(meta.sop_instance_uid, sizeof meta.sop_instance_uid, "%s", uid);
  snprintf(meta.transfer_syntax_uid, sizeof meta.transfer_syntax_uid, "%s",
           cas_attributes_text(node->attributes, CAS_TAG_TRANSFER_SYNTAX_UID));
  return add(selecting->list, node->path, &meta);
}

cas_status send_list_add_instances(struct send_list *list, struct cas_store *store, const char *what,
                                   struct cas_error *error) {
  struct selecting selecting = {.list = list, .store = store};
  return what != NULL ? cas_select(store, what, take_node, &selecting, error)
                      : cas_instances_below(store, "", take_node, &selecting, error);
}

static int by_kind(const void *a, const void *b) {
  const struct send_item *left = a, *right = b;
  return left->kind != right->kind ? (left->kind > right->kind ? 1 : -1) : strcmp(left->path, right->path);
}

void send_list_sort(struct send_list *list) {
  if (list->count > 1) qsort(list->items, list->count, sizeof *list->items, by_kind);
}
