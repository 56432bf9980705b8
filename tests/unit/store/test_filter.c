/* A view with a filter shows the series that meet all conditions, what lies above and below them, and nothing else: by
 * whichever function one asks. */
#include "random_studies.h"

#include "cassette/filter.h"
#include "cassette/snapshot.h"

#define FILTERS 12

struct filtered {
  struct cas_store *whole, *view;
  const struct cas_condition *conditions;
  size_t condition_count;
  struct test_random *random;
  unsigned shown, hidden; /* nodes */
};

/* --- what the view should show: asked of the whole store alone --- */

struct oracle {
  const struct filtered *filtered;
  uint64_t instances, bytes, series, studies; /* that are shown below, all versions */
  uint64_t current;
};

static bool meets_own(const struct filtered *filtered, const struct cas_node *node) {
  for (size_t i = 0; i < filtered->condition_count; i++)
    if (!meets(filtered->whole, &filtered->conditions[i], node)) return false;
  return true;
}

static cas_status sum_up(void *arg, const struct cas_node *node) {
  struct oracle *oracle = arg;
  const uint64_t before = oracle->instances;
  if (node->level < CAS_LEVEL_INSTANCE && !meets_own(oracle->filtered, node)) return CAS_OK;
  if (node->level == CAS_LEVEL_INSTANCE) {
    bool current;
    assert_int_equal(cas_node_is_current(oracle->filtered->whole, node, &current, NULL), CAS_OK);
    oracle->current += current;
    oracle->instances++;
    oracle->bytes += node->bytes;
    return CAS_OK;
  }
  assert_int_equal(cas_node_list(oracle->filtered->whole, node->path, NULL, sum_up, oracle, NULL), CAS_OK);
  oracle->series += node->level == CAS_LEVEL_SERIES && oracle->instances > before;
  oracle->studies += node->level == CAS_LEVEL_STUDY && oracle->instances > before;
  return CAS_OK;
}

/* --- what it shows --- */

struct seen {
  const char *path;
  uint64_t times, instances, bytes;
  struct cas_counts counts;
  bool has_header;
  struct cas_store *view;
};

static cas_status see(void *arg, const struct cas_node *node) {
  struct seen *seen = arg;
  struct cas_header *header;
  if (strcmp(node->path, seen->path) != 0) return CAS_OK;
  seen->times++;
  seen->instances = node->instances;
  seen->bytes = node->bytes;
  assert_int_equal(cas_node_count(seen->view, node, NULL, NULL, &seen->counts, NULL), CAS_OK);
  seen->has_header = cas_header_open(seen->view, node, &header, NULL) == CAS_OK;
  if (seen->has_header) cas_header_close(header);
  return CAS_OK;
}

static void see_by_uid(struct seen *seen, const struct cas_node *node) {
  static const uint32_t keys[] = {0, CAS_TAG_PATIENT_ID, CAS_TAG_STUDY_INSTANCE_UID, CAS_TAG_SERIES_INSTANCE_UID,
                                  CAS_TAG_SOP_INSTANCE_UID};
  const char *uid = cas_attributes_text(node->attributes, keys[node->level]);
  const cas_status status = cas_node_by_uid(seen->view, node->level, uid, see, seen, NULL);
  assert_true(status == CAS_OK || status == CAS_NOT_FOUND);
}

static void see_by_reader(struct seen *seen) {
  struct cas_reader *reader;
  const cas_status status = cas_reader_open(seen->view, seen->path, &reader, NULL);
  assert_true(status == CAS_OK || status == CAS_NOT_FOUND);
  seen->times = status == CAS_OK;
  if (status == CAS_OK) cas_reader_close(reader);
}

static void see_in_list(struct seen *seen, const char *name) {
  char parent[1100];
  snprintf(parent, sizeof parent, "%s", seen->path);
  parent[strlen(parent) - strlen(name)] = '\0';
  if (parent[0] != '\0') parent[strlen(parent) - 1] = '\0';
  assert_int_equal(cas_node_list(seen->view, parent, NULL, see, seen, NULL), CAS_OK);
}

static void compare(const struct oracle *oracle, const struct cas_node *node, const struct seen *seen) {
  const bool shown = oracle->instances > 0;
  assert_int_equal(seen->times, shown);
  if (!shown) return;
  assert_int_equal(seen->instances, oracle->instances);
  assert_int_equal(seen->bytes, oracle->bytes);
  assert_int_equal(seen->counts.instances, oracle->current);
  assert_int_equal(seen->has_header, oracle->current > 0);
  if (oracle->current < oracle->instances) return; /* folders without a current version do not count */
  if (node->level <= CAS_LEVEL_STUDY) assert_int_equal(seen->counts.series, oracle->series);
  if (node->level == CAS_LEVEL_PATIENT) assert_int_equal(seen->counts.studies, oracle->studies);
}

struct above {
  const struct filtered *filtered;
  bool admitted;
};

static cas_status look_above(void *arg, const struct cas_node *node) {
  struct above *above = arg;
  above->admitted &= meets_own(above->filtered, node);
  return CAS_OK;
}

static bool is_admitted_above(const struct filtered *filtered, const char *path) {
  struct above above = {.filtered = filtered, .admitted = true};
  char cut[1100];
  snprintf(cut, sizeof cut, "%s", path);
  for (char *slash = strrchr(cut, '/'); slash != NULL; slash = strrchr(cut, '/')) {
    *slash = '\0';
    assert_int_equal(cas_node_get(filtered->whole, cut, look_above, &above, NULL), CAS_OK);
  }
  return above.admitted;
}

/* Asks for one node of the whole store in every way. */
static cas_status ask_for(void *arg, const struct cas_node *node) {
  struct filtered *filtered = arg;
  struct oracle oracle = {.filtered = filtered};
  if (is_admitted_above(filtered, node->path)) assert_int_equal(sum_up(&oracle, node), CAS_OK);
  struct seen got = {.path = node->path, .view = filtered->view}, listed = got, by_uid = got, read = got;
  const cas_status status = cas_node_get(filtered->view, node->path, see, &got, NULL);
  assert_int_equal(status, oracle.instances > 0 ? CAS_OK : CAS_NOT_FOUND);
  compare(&oracle, node, &got);
  see_in_list(&listed, node->name);
  compare(&oracle, node, &listed);
  see_by_uid(&by_uid, node);
  compare(&oracle, node, &by_uid);
  if (node->level == CAS_LEVEL_INSTANCE) see_by_reader(&read);
  if (node->level == CAS_LEVEL_INSTANCE) assert_int_equal(read.times, oracle.instances);
  *(oracle.instances > 0 ? &filtered->shown : &filtered->hidden) += 1;
  return node->level == CAS_LEVEL_INSTANCE ? CAS_OK
                                           : cas_node_list(filtered->whole, node->path, NULL, ask_for, arg, NULL);
}

static cas_status see_root(void *arg, const struct cas_node *node) {
  const struct oracle *oracle = arg;
  assert_int_equal(node->instances, oracle->instances);
  assert_int_equal(node->bytes, oracle->bytes);
  return CAS_OK;
}

static cas_status count(void *arg, const struct cas_node *node) {
  (void)node;
  ++*(uint64_t *)arg;
  return CAS_OK;
}

static cas_status count_text(void *arg, const char *text) {
  (void)text;
  ++*(uint64_t *)arg;
  return CAS_OK;
}

/* Sums, and lists that name no node. */
static void look_at_whole(const struct filtered *filtered) {
  struct oracle oracle = {.filtered = filtered};
  uint64_t studies = 0, uids = 0, dated = 0, days = 0, selected = 0;
  assert_int_equal(cas_node_list(filtered->whole, "", NULL, sum_up, &oracle, NULL), CAS_OK);
  assert_int_equal(cas_node_get(filtered->view, "", see_root, &oracle, NULL), CAS_OK);
  const struct cas_query all_studies = {.level = CAS_LEVEL_STUDY};
  assert_int_equal(cas_find(filtered->view, &all_studies, count, &studies, NULL), CAS_OK);
  assert_int_equal(studies, oracle.studies);
  const struct cas_query all_patients = {.level = CAS_LEVEL_PATIENT};
  uint64_t patients = 0, listed = 0;
  assert_int_equal(cas_find(filtered->view, &all_patients, count, &patients, NULL), CAS_OK);
  assert_int_equal(cas_node_list(filtered->view, "", NULL, count, &listed, NULL), CAS_OK);
  assert_int_equal(patients, listed);
  assert_int_equal(cas_uid_list(filtered->view, CAS_LEVEL_STUDY, NULL, count_text, &uids, NULL), CAS_OK);
  assert_in_range(uids, studies > 0, studies);
  assert_int_equal(cas_node_by_date(filtered->view, NULL, NULL, count, &dated, NULL), CAS_OK);
  assert_in_range(dated, 0, studies);
  assert_int_equal(cas_date_list(filtered->view, NULL, count_text, &days, NULL), CAS_OK);
  assert_in_range(days, dated > 0, dated);
  assert_int_equal(cas_instances_below(filtered->view, "", count, &selected, NULL), CAS_OK);
  assert_int_equal(selected, oracle.instances);
}

/* --- searching: the view's nodes, walked, that meet the query --- */

struct search {
  const struct filtered *filtered;
  const struct cas_query *query;
  char text[64 << 10];
  size_t size;
};

static cas_status note(void *arg, const struct cas_node *node) {
  struct search *search = arg;
  search->size += (size_t)snprintf(search->text + search->size, sizeof search->text - search->size, "%s\n", node->path);
  assert_true(search->size < sizeof search->text);
  return CAS_OK;
}

static cas_status walk(void *arg, const struct cas_node *node) {
  struct search *search = arg;
  for (size_t i = 0; i < search->query->condition_count; i++)
    if (!meets(search->filtered->view, &search->query->conditions[i], node)) return CAS_OK;
  if (node->level == search->query->level) return note(search, node);
  return cas_node_list(search->filtered->view, node->path, NULL, walk, search, NULL);
}

static void search_it(const struct filtered *filtered) {
  static struct search got, wanted;
  char texts[2][64];
  struct test_random *random = filtered->random;
  struct cas_condition conditions[2];
  for (size_t i = 0; i < 2; i++) conditions[i] = condition_of(random, texts[i]);
  const struct cas_query query = {
      .level = (enum cas_level)(1 + below(random, 4)), .conditions = conditions, .condition_count = below(random, 3)};
  for (size_t i = 0; i < query.condition_count; i++)
    if (cas_search_attribute_by_tag(conditions[i].tag)->level > query.level) return;
  got = wanted = (struct search){.filtered = filtered, .query = &query};
  assert_int_equal(cas_find(filtered->view, &query, note, &got, NULL), CAS_OK);
  assert_int_equal(cas_node_list(filtered->view, "", NULL, walk, &wanted, NULL), CAS_OK);
  assert_string_equal(got.text, wanted.text);
}

static struct cas_condition view_condition(struct test_random *random, char text[64]) {
  static const char *const series[] = {"CT", "MR\\US", "M*", "XA", "1.8.1*\\1.8.2*"};
  if (below(random, 2)) return condition_of(random, text);
  const unsigned picked = below(random, 5);
  return (struct cas_condition){.tag = picked < 4 ? CAS_TAG_MODALITY : CAS_TAG_SERIES_INSTANCE_UID,
                                .pattern = series[picked]};
}

static void a_view_shows_what_meets_its_conditions(void **state) {
  (void)state;
  struct temporary_store t = {0};
  struct test_random seeded = {test_random_seed("test_filter")}, *random = &seeded;
  temporary_create(&t);
  for (unsigned i = 0; i < OBJECTS; i++) import_some(t.store, random, i);
  assert_int_equal(cas_snapshot_create(t.store, "all", NULL), CAS_OK);
  unsigned shown = 0, hidden = 0;
  for (unsigned i = 0; i < FILTERS; i++) {
    char texts[2][64];
    struct cas_condition conditions[2];
    struct cas_filter *filter;
    struct cas_store *moment = NULL;
    struct filtered filtered = {.whole = t.store, .conditions = conditions, .random = random};
    filtered.condition_count = 1 + below(random, 2);
    for (size_t c = 0; c < filtered.condition_count; c++) conditions[c] = view_condition(random, texts[c]);
    if (i == 0) conditions[0] = (struct cas_condition){.tag = CAS_TAG_MODALITIES_IN_STUDY, .pattern = "MR"};
    assert_int_equal(cas_filter_create(conditions, filtered.condition_count, &filter, NULL), CAS_OK);
    if (i % 3 == 0) assert_int_equal(cas_snapshot_open(t.store, "all", &moment, NULL), CAS_OK);
    assert_int_equal(cas_filter_open(moment != NULL ? moment : t.store, filter, &filtered.view), CAS_OK);
    assert_int_equal(cas_node_list(t.store, "", NULL, ask_for, &filtered, NULL), CAS_OK);
    look_at_whole(&filtered);
    for (unsigned q = 0; q < 30; q++) search_it(&filtered);
    cas_snapshot_close(filtered.view);
    cas_snapshot_close(moment);
    cas_filter_destroy(filter);
    shown += filtered.shown;
    hidden += filtered.hidden;
  }
  assert_in_range(shown, 30, 100000);
  assert_in_range(hidden, 30, 100000);
  temporary_destroy(&t);
}

static void refused(uint32_t tag, const char *pattern, const char *vr) {
  const struct cas_condition condition = {.tag = tag, .pattern = pattern, .vr = vr};
  struct cas_filter *filter = NULL;
  struct cas_error error = {0};
  assert_int_equal(cas_filter_create(&condition, 1, &filter, &error), CAS_INVALID);
  assert_null(filter);
  assert_string_not_equal(error.message, "");
}

static void what_cannot_be_a_filter_is_refused(void **state) {
  (void)state;
  struct cas_condition many[CAS_FILTER_CONDITIONS_MAX + 1];
  struct cas_filter *filter = NULL;
  for (size_t i = 0; i <= CAS_FILTER_CONDITIONS_MAX; i++)
    many[i] = (struct cas_condition){.tag = CAS_TAG_MODALITY, .pattern = "CT"};
  refused(CAS_TAG_SOP_INSTANCE_UID, "1.2.3", NULL);
  refused(CAS_TAG_INSTANCE_NUMBER, "*", NULL);
  refused(0x00180050, "x", NULL);
  refused(CAS_TAG_MODALITY, "CT", "CS");
  refused(CAS_TAG_STUDY_DATE, "yesterday", NULL);
  assert_int_equal(cas_filter_create(many, CAS_FILTER_CONDITIONS_MAX + 1, &filter, NULL), CAS_INVALID);
  assert_int_equal(cas_filter_create(many, CAS_FILTER_CONDITIONS_MAX, &filter, NULL), CAS_OK);
  struct temporary_store t = {0};
  struct cas_store *view, *second = NULL;
  temporary_create(&t);
  assert_int_equal(cas_filter_open(t.store, filter, &view), CAS_OK);
  assert_int_equal(cas_filter_open(view, filter, &second), CAS_INVALID);
  cas_snapshot_close(view);
  temporary_destroy(&t);
  cas_filter_destroy(filter);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_view_shows_what_meets_its_conditions),
      cmocka_unit_test(what_cannot_be_a_filter_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
