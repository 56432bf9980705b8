/*
 * A store in memory, for tests of the tree: it defines the functions of cassette/node.h that the tree calls, which come
 * before those of libcassette. One for each test program.
 */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuse/tree.h"

#define FAKE_NODES_MAX 4096

struct fake_node {
  enum cas_level level;
  char path[TREE_PATH_MAX];
  char uid[CAS_UID_TEXT_MAX];
  struct cas_attributes *attributes;
  int64_t first_ns, last_ns;
  uint64_t bytes;
  uint32_t version;
};

static struct {
  struct fake_node nodes[FAKE_NODES_MAX]; /* sorted by path */
  size_t count;
  const char *big_folder; /* a series that has `big_count` instances more, named by their numbers */
  unsigned big_count;
  atomic_uint lists; /* calls of cas_node_list() */
} fake;

static inline void fake_clear(void) {
  for (size_t i = 0; i < fake.count; i++) cas_attributes_destroy(fake.nodes[i].attributes);
  memset(&fake, 0, sizeof fake);
}

static inline void fake_set(struct fake_node *node, uint32_t tag, const char *value) {
  struct cas_slice text = {.data = (const uint8_t *)value, .size = strlen(value)};
  assert_int_equal(cas_attributes_set(node->attributes, tag, text), CAS_OK);
}

static inline int fake_compare(const void *a, const void *b) {
  return strcmp(((const struct fake_node *)a)->path, ((const struct fake_node *)b)->path);
}

/* Adds a node; the level follows from the path. The parent is to be there. */
static inline void fake_add(const char *path, const char *uid, const char *study_date, int64_t arrival_ns,
                            uint64_t bytes, uint32_t version) {
  static const uint32_t tags[] = {0, CAS_TAG_PATIENT_ID, CAS_TAG_STUDY_INSTANCE_UID, CAS_TAG_SERIES_INSTANCE_UID,
                                  CAS_TAG_SOP_INSTANCE_UID};
  assert_true(fake.count < FAKE_NODES_MAX);
  struct fake_node *node = &fake.nodes[fake.count++];
  memset(node, 0, sizeof *node);
  node->level = CAS_LEVEL_PATIENT;
  for (const char *c = path; *c != '\0'; c++) node->level += *c == '/';
  snprintf(node->path, sizeof node->path, "%s", path);
  snprintf(node->uid, sizeof node->uid, "%s", uid);
  node->first_ns = node->last_ns = arrival_ns;
  node->bytes = bytes;
  node->version = version;
  assert_int_equal(cas_attributes_create(&node->attributes), CAS_OK);
  fake_set(node, tags[node->level], uid);
  if (study_date != NULL) fake_set(node, CAS_TAG_STUDY_DATE, study_date);
  if (fake.count > 1 && fake_compare(node - 1, node) > 0)
    qsort(fake.nodes, fake.count, sizeof fake.nodes[0], fake_compare);
}

static inline cas_status fake_show(const struct fake_node *node, cas_node_fn each, void *arg) {
  const char *slash = strrchr(node->path, '/');
  struct cas_node shown = {.level = node->level,
                           .path = node->path,
                           .name = slash == NULL ? node->path : slash + 1,
                           .attributes = node->attributes,
                           .first_arrival_ns = node->first_ns,
                           .last_arrival_ns = node->last_ns,
                           .instances = 1,
                           .bytes = node->bytes,
                           .version = node->version};
  return each(arg, &shown);
}

static inline cas_status fake_list_big(const char *after, cas_node_fn each, void *arg) {
  unsigned first = after == NULL ? 0 : (unsigned)strtoul(after, NULL, 10) + 1;
  for (unsigned i = first; i < fake.big_count; i++) {
    char name[16];
    struct cas_node node = {.level = CAS_LEVEL_INSTANCE, .name = name, .path = name, .bytes = i, .first_arrival_ns = i};
    snprintf(name, sizeof name, "%07u.dcm", i);
    cas_status status = each(arg, &node);
    if (status != CAS_OK) return status;
  }
  return CAS_OK;
}

cas_status cas_node_get(struct cas_store *store, const char *path, cas_node_fn each, void *arg,
                        struct cas_error *error) {
  (void)store, (void)error;
  for (size_t i = 0; i < fake.count; i++)
    if (strcmp(fake.nodes[i].path, path) == 0) return fake_show(&fake.nodes[i], each, arg);
  return CAS_NOT_FOUND;
}

cas_status cas_node_list(struct cas_store *store, const char *parent, const char *after, cas_node_fn each, void *arg,
                         struct cas_error *error) {
  (void)store, (void)error;
  size_t size = strlen(parent);
  fake.lists++;
  if (fake.big_folder != NULL && strcmp(parent, fake.big_folder) == 0) return fake_list_big(after, each, arg);
  for (size_t i = 0; i < fake.count; i++) {
    const char *path = fake.nodes[i].path, *name = path;
    if (size > 0) {
      if (strncmp(path, parent, size) != 0 || path[size] != '/') continue;
      name = path + size + 1;
    }
    if (strchr(name, '/') != NULL || (after != NULL && strcmp(name, after) <= 0)) continue;
    cas_status status = fake_show(&fake.nodes[i], each, arg);
    if (status != CAS_OK) return status;
  }
  return CAS_OK;
}

cas_status cas_node_by_uid(struct cas_store *store, enum cas_level level, const char *uid, cas_node_fn each, void *arg,
                           struct cas_error *error) {
  (void)store, (void)error;
  for (size_t i = 0; i < fake.count; i++) {
    if (fake.nodes[i].level != level || strcmp(fake.nodes[i].uid, uid) != 0) continue;
    cas_status status = fake_show(&fake.nodes[i], each, arg);
    if (status != CAS_OK) return status;
  }
  return CAS_OK;
}

/* The smallest text behind `after` that `of` gives for a node, again and again. */
static inline cas_status fake_list_texts(const char *(*of)(const struct fake_node *, int), int which, const char *after,
                                         cas_text_fn each, void *arg) {
  char last[CAS_UID_TEXT_MAX] = "";
  bool bounded = after != NULL;
  if (bounded) snprintf(last, sizeof last, "%s", after);
  for (;;) {
    const char *best = NULL;
    for (size_t i = 0; i < fake.count; i++) {
      const char *text = of(&fake.nodes[i], which);
      if (text != NULL && (!bounded || strcmp(text, last) > 0) && (best == NULL || strcmp(text, best) < 0)) best = text;
    }
    if (best == NULL) return CAS_OK;
    bounded = true;
    snprintf(last, sizeof last, "%s", best);
    cas_status status = each(arg, last);
    if (status != CAS_OK) return status;
  }
}

static inline const char *fake_uid_of(const struct fake_node *node, int level) {
  return (int)node->level == level && node->uid[0] != '\0' ? node->uid : NULL;
}

static inline const char *fake_date_of(const struct fake_node *node, int unused) {
  (void)unused;
  const char *date = cas_attributes_text(node->attributes, CAS_TAG_STUDY_DATE);
  return date[0] == '\0' ? NULL : date;
}

cas_status cas_uid_list(struct cas_store *store, enum cas_level level, const char *after, cas_text_fn each, void *arg,
                        struct cas_error *error) {
  (void)store, (void)error;
  return fake_list_texts(fake_uid_of, (int)level, after, each, arg);
}

cas_status cas_date_list(struct cas_store *store, const char *after, cas_text_fn each, void *arg,
                         struct cas_error *error) {
  (void)store, (void)error;
  return fake_list_texts(fake_date_of, 0, after, each, arg);
}

cas_status cas_node_by_date(struct cas_store *store, const char *first, const char *last, cas_node_fn each, void *arg,
                            struct cas_error *error) {
  (void)store, (void)error;
  for (size_t i = 0; i < fake.count; i++) {
    const char *date = fake_date_of(&fake.nodes[i], 0);
    if (date == NULL || strcmp(date, first) < 0 || strcmp(date, last) > 0) continue;
    cas_status status = fake_show(&fake.nodes[i], each, arg);
    if (status != CAS_OK) return status;
  }
  return CAS_OK;
}

#endif
