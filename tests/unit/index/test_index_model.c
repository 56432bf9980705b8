/*
 * Random operations against plain sorted arrays, on an index that is written and on one that is filled. CASSETTE_SEED
 * sets the seed, which is printed; CASSETTE_STEPS the number of batches.
 */
#include "index_fixture.h"

#include <time.h>

enum { NODES_MAX = 2000, BLOBS = 300, NAMES = 12, CHECKS_EVERY = 20 };

struct model_node {
  char path[64];
  char identity[24];
  char uid[16];
  char date[16];
  uint32_t number, version;
};

struct model_blob {
  bool exists;
  struct index_blob blob;
};

struct model {
  struct model_node nodes[NODES_MAX]; /* sorted by path */
  size_t count;
  struct model_blob blobs[BLOBS];
  struct index_totals totals;
  uint32_t fact;
};

static uint64_t random_state;

/* xorshift64* */
static uint32_t draw(uint32_t below) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (uint32_t)((random_state * 0x2545f4914f6cdd1du) >> 32) % below;
}

static const char *const names[NAMES] = {"a",    "a b",      "a.",   "aa",    "a\x01", "ab",
                                         "\x01", "\xff\xfe", "\xff", " lead", "A",     "-"};

static void draw_path(char path[64]) {
  unsigned level = 1 + draw(4);
  size_t size = 0;
  for (unsigned i = 0; i < level; i++) {
    /* Instances come from more names, the levels above from few, so that nodes have brothers and are replaced. */
    const char *name = names[draw(i == 3 ? NAMES : 5)];
    size += (size_t)snprintf(path + size, 64 - size, "%s%s", i == 0 ? "" : "/", name);
    if (i == 3 && draw(2)) size += (size_t)snprintf(path + size, 64 - size, "%u", draw(20));
  }
}

static int compare_paths(const void *a, const void *b) {
  return strcmp(((const struct model_node *)a)->path, ((const struct model_node *)b)->path);
}

static struct model_node *find_path(struct model *m, const char *path) {
  struct model_node key;
  snprintf(key.path, sizeof key.path, "%s", path);
  return bsearch(&key, m->nodes, m->count, sizeof *m->nodes, compare_paths);
}

static size_t parent_size(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? 0 : (size_t)(slash - path);
}

static bool is_child(const char *path, const char *parent) {
  size_t size = strlen(parent);
  return parent_size(path) == size && memcmp(path, parent, size) == 0 && (size > 0) == (strchr(path, '/') != NULL);
}

static struct model_node *find_identity(struct model *m, const char *parent, const char *identity) {
  for (size_t i = 0; i < m->count; i++)
    if (is_child(m->nodes[i].path, parent) && strcmp(m->nodes[i].identity, identity) == 0) return &m->nodes[i];
  return NULL;
}

static struct index_node node_of_model(const struct model_node *node) {
  struct index_node full = node_of(node->path, node->identity, node->number);
  if (full.level == CAS_LEVEL_INSTANCE) full.version = node->version;
  return full;
}

static uint64_t *level_total(struct index_totals *totals, enum cas_level level) {
  uint64_t *const all[] = {&totals->patients, &totals->studies, &totals->series, &totals->instances};
  return all[level - 1];
}

static void model_put_node(struct model *m, const struct model_node *node) {
  struct model_node *old = find_path(m, node->path);
  enum cas_level level = level_of(node->path);
  int64_t arrival_ns = node_of_model(node).last_arrival_ns;
  if (arrival_ns > m->totals.last_arrival_ns) m->totals.last_arrival_ns = arrival_ns;
  if (level == CAS_LEVEL_INSTANCE)
    m->totals.instance_bytes += node->number * 1000ull - (old == NULL ? 0 : old->number * 1000ull);
  if (old != NULL) {
    *old = *node;
    return;
  }
  assert_true(m->count < NODES_MAX);
  ++*level_total(&m->totals, level);
  m->nodes[m->count++] = *node;
  qsort(m->nodes, m->count, sizeof *m->nodes, compare_paths);
}

/* --- operations --- */

static void put_a_node(struct fixture *f, struct model *m, struct index_batch *batch) {
  struct model_node node = {.number = draw(100000), .version = 1 + draw(400)};
  draw_path(node.path);
  struct model_node *old = find_path(m, node.path);
  if (old != NULL && draw(2))
    memcpy(node.identity, old->identity, sizeof node.identity);
  else if (draw(10) > 0)
    snprintf(node.identity, sizeof node.identity, "%u.%u", draw(30), draw(30));
  switch (draw(4)) {
  case 0: break;
  case 1: snprintf(node.uid, sizeof node.uid, "%u", draw(30)); break;
  default: snprintf(node.uid, sizeof node.uid, "%.*s", (int)draw(6), node.identity);
  }
  bool study = level_of(node.path) == CAS_LEVEL_STUDY;
  if (study && draw(3)) snprintf(node.date, sizeof node.date, "202001%02u", 1 + draw(28));
  char parent[64];
  snprintf(parent, sizeof parent, "%.*s", (int)parent_size(node.path), node.path);
  struct model_node *owner = find_identity(m, parent, node.identity);
  struct index_node full = node_of_model(&node);
  cas_status status = index_batch_put_node(batch, &full, node.uid, study ? node.date : "19990101", &f->error);
  if (owner != NULL && strcmp(owner->path, node.path) != 0) {
    assert_int_equal(status, CAS_EXISTS);
    return;
  }
  assert_ok(status, &f->error);
  model_put_node(m, &node);
}

static void copy_sums(const void *arg, struct index_node *node) { *node = *(const struct index_node *)arg; }

static void change_sums(struct fixture *f, struct model *m, struct index_batch *batch) {
  char path[64];
  draw_path(path);
  const struct model_node *old = find_path(m, path);
  if (old == NULL || level_of(path) == CAS_LEVEL_INSTANCE) return; /* more follows from its number */
  struct model_node node = *old;
  node.number = draw(100000);
  struct index_node full = node_of_model(&node);
  assert_ok(index_batch_change_sums(batch, path, copy_sums, &full, &f->error), &f->error);
  model_put_node(m, &node);
}

static void put_a_blob(struct fixture *f, struct model *m, struct index_batch *batch) {
  uint32_t number = draw(BLOBS);
  struct blob_id id = blob_id_of(number / 2, (uint16_t)(number % 2));
  struct index_blob blob = blob_of(draw(5000), (uint8_t)draw(INDEX_CODECS_MAX));
  struct model_blob *old = &m->blobs[number];
  assert_ok(index_batch_put_blob(batch, &id, &blob, &f->error), &f->error);
  if (old->exists) {
    m->totals.raw_bytes[old->blob.codec] -= old->blob.raw_size;
    m->totals.stored_bytes[old->blob.codec] -= old->blob.stored_size;
    if (memcmp(&old->blob.cookie, &blob.cookie, 16) != 0) m->totals.superseded_bytes += old->blob.stored_size;
  } else {
    m->totals.blobs++;
  }
  m->totals.raw_bytes[blob.codec] += blob.raw_size;
  m->totals.stored_bytes[blob.codec] += blob.stored_size;
  *old = (struct model_blob){.exists = true, .blob = blob};
}

/* --- checks --- */

static void check_node(struct fixture *f, struct model *m, struct index_batch *batch) {
  char path[64];
  draw_path(path);
  struct model_node *node = find_path(m, path);
  struct index_node back;
  cas_status status = batch == NULL ? index_get_node(f->index, path, &back, &f->error)
                                    : index_batch_get_node(batch, path, &back, &f->error);
  assert_int_equal(status, node == NULL ? CAS_NOT_FOUND : CAS_OK);
  if (node == NULL) return;
  struct index_node expected = node_of_model(node);
  assert_node_equal(&back, &expected);
  index_node_fini(&back);
  char name[256], parent[64];
  snprintf(parent, sizeof parent, "%.*s", (int)parent_size(path), path);
  status = batch == NULL ? index_get_name(f->index, parent, node->identity, name, sizeof name, &f->error)
                         : index_batch_get_name(batch, parent, node->identity, name, sizeof name, &f->error);
  assert_ok(status, &f->error);
  assert_string_equal(name, parent[0] == '\0' ? path : path + strlen(parent) + 1);
}

static void check_blob(struct fixture *f, struct model *m, struct index_batch *batch) {
  uint32_t number = draw(BLOBS);
  struct blob_id id = blob_id_of(number / 2, (uint16_t)(number % 2));
  struct index_blob blob;
  cas_status status = batch == NULL ? index_get_blob(f->index, &id, &blob, &f->error)
                                    : index_batch_get_blob(batch, &id, &blob, &f->error);
  assert_int_equal(status, m->blobs[number].exists ? CAS_OK : CAS_NOT_FOUND);
  if (status != CAS_OK) return;
  assert_memory_equal(&blob.cookie, &m->blobs[number].blob.cookie, 16);
  assert_int_equal(blob.raw_size, m->blobs[number].blob.raw_size);
}

/* What is expected to be called back, one after the other. */
struct expected {
  const char *texts[NODES_MAX];
  const struct model_node *nodes[NODES_MAX];
  size_t count, seen;
};

static cas_status check_child(void *arg, const struct index_node *node) {
  struct expected *expected = arg;
  assert_true(expected->seen < expected->count);
  struct index_node full = node_of_model(expected->nodes[expected->seen++]);
  assert_node_equal(node, &full);
  return CAS_OK;
}

static cas_status check_text(void *arg, const char *text) {
  struct expected *expected = arg;
  assert_true(expected->seen < expected->count);
  assert_string_equal(text, expected->texts[expected->seen++]);
  return CAS_OK;
}

static struct expected expected;

static void check_list(struct fixture *f, struct model *m) {
  char parent[64] = "";
  if (draw(4)) draw_path(parent);
  const char *after = draw(2) ? names[draw(NAMES)] : NULL;
  expected.count = expected.seen = 0;
  for (size_t i = 0; i < m->count; i++) {
    const char *path = m->nodes[i].path;
    if (!is_child(path, parent)) continue;
    if (after == NULL || strcmp(path + (parent[0] == '\0' ? 0 : strlen(parent) + 1), after) > 0)
      expected.nodes[expected.count++] = &m->nodes[i];
  }
  assert_ok(index_list(f->index, parent, after, check_child, &expected, &f->error), &f->error);
  assert_int_equal(expected.seen, expected.count);
}

static int compare_versions(const void *a, const void *b) {
  const struct model_node *x = *(const struct model_node *const *)a, *y = *(const struct model_node *const *)b;
  if (level_of(x->path) == CAS_LEVEL_INSTANCE && x->version != y->version) return x->version < y->version ? -1 : 1;
  return strcmp(x->path, y->path);
}

static void check_uid(struct fixture *f, struct model *m, struct index_batch *batch) {
  char uid[16];
  enum cas_level level = (enum cas_level)(1 + draw(4));
  snprintf(uid, sizeof uid, "%u", draw(30));
  expected.count = expected.seen = 0;
  for (size_t i = 0; i < m->count; i++)
    if (level_of(m->nodes[i].path) == level && strcmp(m->nodes[i].uid, uid) == 0)
      expected.nodes[expected.count++] = &m->nodes[i];
  qsort(expected.nodes, expected.count, sizeof *expected.nodes, compare_versions);
  for (size_t i = 0; i < expected.count; i++) expected.texts[i] = expected.nodes[i]->path;
  cas_status status = batch == NULL ? index_find_uid(f->index, level, uid, check_text, &expected, &f->error)
                                    : index_batch_find_uid(batch, level, uid, check_text, &expected, &f->error);
  assert_ok(status, &f->error);
  assert_int_equal(expected.seen, expected.count);
}

static int compare_texts(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void check_distinct(struct fixture *f, struct model *m, bool dates) {
  enum cas_level level = dates ? CAS_LEVEL_STUDY : (enum cas_level)(1 + draw(4));
  char after[16];
  snprintf(after, sizeof after, dates ? "202001%02u" : "%u", draw(30));
  bool all = draw(2);
  size_t count = 0;
  for (size_t i = 0; i < m->count; i++) {
    const char *text = dates ? m->nodes[i].date : m->nodes[i].uid;
    if (level_of(m->nodes[i].path) == level && text[0] != '\0' && (all || strcmp(text, after) > 0))
      expected.texts[count++] = text;
  }
  qsort(expected.texts, count, sizeof *expected.texts, compare_texts);
  expected.count = expected.seen = 0;
  for (size_t i = 0; i < count; i++)
    if (i == 0 || strcmp(expected.texts[i], expected.texts[expected.count - 1]) != 0)
      expected.texts[expected.count++] = expected.texts[i];
  const char *begin_after = all ? NULL : after;
  cas_status status = dates ? index_list_dates(f->index, begin_after, check_text, &expected, &f->error)
                            : index_list_uids(f->index, level, begin_after, check_text, &expected, &f->error);
  assert_ok(status, &f->error);
  assert_int_equal(expected.seen, expected.count);
}

static int compare_dates(const void *a, const void *b) {
  const struct model_node *x = *(const struct model_node *const *)a, *y = *(const struct model_node *const *)b;
  int order = strcmp(x->date, y->date);
  return order != 0 ? order : strcmp(x->path, y->path);
}

static void check_dates(struct fixture *f, struct model *m) {
  char first[16], last[16];
  snprintf(first, sizeof first, "202001%02u", draw(20));
  snprintf(last, sizeof last, "202001%02u", draw(32));
  expected.count = expected.seen = 0;
  for (size_t i = 0; i < m->count; i++)
    if (m->nodes[i].date[0] != '\0' && strcmp(m->nodes[i].date, first) >= 0 && strcmp(m->nodes[i].date, last) <= 0)
      expected.nodes[expected.count++] = &m->nodes[i];
  qsort(expected.nodes, expected.count, sizeof *expected.nodes, compare_dates);
  for (size_t i = 0; i < expected.count; i++) expected.texts[i] = expected.nodes[i]->path;
  assert_ok(index_find_dates(f->index, first, last, check_text, &expected, &f->error), &f->error);
  assert_int_equal(expected.seen, expected.count);
}

static void check_totals(struct fixture *f, struct model *m) {
  struct index_totals totals;
  CLEANUP_BUFFER struct cas_buffer fact = {0};
  assert_ok(index_get_totals(f->index, &totals, &f->error), &f->error);
  assert_memory_equal(&totals, &m->totals, sizeof totals);
  if (m->fact == 0) return;
  assert_ok(index_get_fact(f->index, "n", &fact, &f->error), &f->error);
  assert_int_equal(load_u32(fact.data), m->fact);
}

static void check(struct fixture *f, struct model *m) {
  for (int i = 0; i < 10; i++) {
    check_node(f, m, NULL);
    check_blob(f, m, NULL);
    check_list(f, m);
    check_uid(f, m, NULL);
    check_distinct(f, m, i % 2);
    check_dates(f, m);
  }
  check_totals(f, m);
}

/* --- the test --- */

static struct model model, attempt;

static void change(struct fixture *f, uint32_t number) {
  struct index_batch *batch = begin(f);
  attempt = model;
  for (uint32_t i = draw(12); i > 0; i--) {
    put_a_node(f, &attempt, batch);
    put_a_blob(f, &attempt, batch);
    change_sums(f, &attempt, batch);
    check_node(f, &attempt, batch);
    check_blob(f, &attempt, batch);
    check_uid(f, &attempt, batch);
  }
  uint32_t manifest = draw(100);
  uint8_t value[4];
  index_batch_count_manifest(batch, manifest);
  store_u32(value, number);
  assert_ok(index_batch_put_fact(batch, "n", slice_of(value, 4), &f->error), &f->error);
  if (draw(5) == 0) {
    index_batch_abort(batch);
    return;
  }
  apply(f, batch);
  attempt.totals.manifest_bytes += manifest;
  attempt.fact = number;
  model = attempt;
}

static void random_operations(struct fixture *f, bool fills) {
  const char *seed = getenv("CASSETTE_SEED"), *steps = getenv("CASSETTE_STEPS");
  uint64_t first = seed != NULL ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
  uint32_t batches = steps != NULL ? (uint32_t)strtoul(steps, NULL, 0) : 600;
  random_state = first | 1;
  print_message("CASSETTE_SEED=%llu\n", (unsigned long long)first);
  model = (struct model){.count = 0};
  for (uint32_t i = 1; i <= batches && model.count + 12 < NODES_MAX; i++) {
    change(f, i);
    if (draw(100) == 0 || (fills && i % CHECKS_EVERY == 0)) assert_ok(index_flush(f->index, &f->error), &f->error);
    if (i % CHECKS_EVERY == 0) check(f, &model);
    if (draw(100) == 0 && !fills) reopen(f);
  }
  assert_ok(index_flush(f->index, &f->error), &f->error);
  check(f, &model);
}

static void of_a_writer(void **state) { random_operations(*state, false); }
static void fill(struct fixture *f, uint64_t entries) {
  assert_ok(index_open_to_fill(f->index_folder, &f->index, &f->error), &f->error);
  index_expect(f->index, entries);
  random_operations(f, true);
  reopen(f);
  check(f, &model);
}

static void of_a_filler(void **state) { fill(*state, 20000); }
static void of_a_filler_that_forgets(void **state) { fill(*state, 1000); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(of_a_writer, setup, teardown),
      cmocka_unit_test_setup_teardown(of_a_filler, setup_folder, teardown),
      cmocka_unit_test_setup_teardown(of_a_filler_that_forgets, setup_folder, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
