/* Random looking at nodes near each other: get and list as without, also within callbacks, in no order, and for what is
 * newer than the cursors. */
#include "index/index_near.h"
#include "index_fixture.h"
#include "support/test_random.h"

#define FANOUT 6u
#define LOOKS 4000

struct listing {
  struct fixture *f;
  struct index_near *near;
  struct test_random *random;
  uint64_t hash; /* of all that was called back, in order */
  unsigned depth;
  bool stops;
};

static void mix(struct listing *listing, const char *path) {
  for (; *path != '\0'; path++) listing->hash = (listing->hash ^ (uint8_t)*path) * 0x100000001b3u;
}

/* Names that are each other's beginnings, or sort around '/'. */
static const char *name_of(uint64_t number) {
  static const char *const names[] = {"a", "a b", "a.b", "aa", "b", "~"};
  return names[number % FANOUT];
}

/* Of any level; also of nodes that are not there. */
static void random_path(struct test_random *random, char path[64]) {
  const uint64_t level = 1 + test_random_below(random, 4);
  path[0] = '\0';
  for (uint64_t i = 0; i < level; i++) {
    strcat(path, i > 0 ? "/" : "");
    strcat(path, test_random_below(random, 12) == 0 ? "ab" : name_of(test_random_below(random, FANOUT)));
  }
}

static void fill(struct fixture *f, const char *parent, unsigned depth, struct index_batch *batch, uint32_t *number) {
  for (unsigned i = 0; i < FANOUT && depth < 4; i++) {
    char path[64];
    snprintf(path, sizeof path, "%s%s%s", parent, parent[0] != '\0' ? "/" : "", name_of(i));
    if ((i + depth + strlen(parent)) % 7 == 3) continue; /* some are missing */
    const struct index_node node = node_of(path, name_of(i), ++*number);
    assert_ok(index_batch_put_node(batch, &node, NULL, NULL, &f->error), &f->error);
    fill(f, path, depth + 1, batch, number);
  }
}

static void check_get(struct fixture *f, struct index_near *near, const char *path) {
  struct index_node node, expected;
  const cas_status status = index_get_node(f->index, path, &expected, &f->error);
  assert_int_equal(index_near_get_node(near, path, &node, &f->error), status);
  if (status != CAS_OK) return;
  assert_node_equal(&node, &expected);
  index_node_fini(&node);
  index_node_fini(&expected);
}

static cas_status add(void *arg, const struct index_node *node) {
  struct listing *listing = arg;
  mix(listing, node->path);
  return CAS_OK;
}

static cas_status note(void *arg, const struct index_node *node);

static void check_list(struct listing *around, const char *parent, unsigned depth) {
  const bool stops = test_random_below(around->random, 3) == 0;
  struct listing near = {
      .f = around->f, .near = around->near, .random = around->random, .depth = depth, .stops = stops};
  struct listing direct = {.f = around->f};
  const cas_status status = index_near_list(around->near, parent, note, &near, &around->f->error);
  assert_ok(index_list(around->f->index, parent, NULL, add, &direct, &around->f->error), &around->f->error);
  if (stops && status == CAS_END) return;
  assert_int_equal(status, CAS_OK);
  assert_int_equal(near.hash, direct.hash);
}

/* What a callback may do, while its node stays as it was. */
static cas_status note(void *arg, const struct index_node *node) {
  struct listing *listing = arg;
  char path[64], before[64];
  snprintf(before, sizeof before, "%s", node->path);
  for (unsigned i = 0; i < 2 && listing->depth < 3; i++) {
    random_path(listing->random, path);
    check_get(listing->f, listing->near, path);
    check_list(listing, i == 0 ? before : path, listing->depth + 1);
  }
  assert_string_equal(node->path, before);
  mix(listing, node->path);
  return listing->stops && test_random_below(listing->random, 3) == 0 ? CAS_END : CAS_OK;
}

static void near_is_as_without(void **state) {
  struct fixture *f = *state;
  struct test_random random = {test_random_seed("test_index_near")};
  struct index_batch *batch = begin(f);
  struct index_near *near;
  uint32_t number = 0;
  char path[64];
  fill(f, "", 0, batch, &number);
  apply(f, batch);
  assert_int_equal(index_near_create(f->index, &near), CAS_OK);
  struct listing listing = {.f = f, .near = near, .random = &random, .depth = 2};
  for (int i = 0; i < LOOKS; i++) {
    random_path(&random, path);
    if (test_random_below(&random, 2) == 0)
      check_get(f, near, path);
    else
      check_list(&listing, path, i % 400 == 0 ? 1 : 2);
  }
  index_near_destroy(near);
}

static void what_is_newer_is_found(void **state) {
  struct fixture *f = *state;
  struct index_batch *batch = begin(f);
  struct index_near *near;
  put_node(f, batch, "p", "p", NULL, NULL);
  apply(f, batch);
  assert_int_equal(index_near_create(f->index, &near), CAS_OK);
  check_get(f, near, "p");
  batch = begin(f);
  put_node(f, batch, "o", "o", NULL, NULL);
  put_node(f, batch, "q", "q", NULL, NULL);
  apply(f, batch);
  check_get(f, near, "q");
  check_get(f, near, "o");
  check_get(f, near, "r");
  struct texts texts = {0};
  assert_ok(index_near_list(near, "", add_path, &texts, &f->error), &f->error);
  assert_texts(&texts, "p");
  index_near_destroy(near);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(near_is_as_without, setup, teardown),
                                     cmocka_unit_test_setup_teardown(what_is_newer_is_found, setup, teardown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
