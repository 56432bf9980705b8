/*
 * P8: what was acknowledged disappears by an explicit deletion, and only by that. Deleting, undeleting, hiding and
 * showing at random against a plain map of versions, with snapshots, starts, lost and rebuilt indexes; then each rule
 * by itself. CASSETTE_SEED repeats a run, CASSETTE_ROUNDS is the number of steps.
 */
#include "synthetic.h"

#include "cassette/snapshot.h"
#include "cassette/state.h"
#include "support/test_random.h"

#define UIDS 10
#define VERSIONS_MAX 64
#define SNAPSHOTS_MAX 4

/* --- the map --- */

struct model_version {
  unsigned content;
  enum cas_state state;
  enum cas_state otherwise; /* had it never been deleted */
};

struct model {
  struct model_uid {
    struct model_version versions[VERSIONS_MAX];
    unsigned count;
    enum cas_state order; /* what later versions become */
  } uids[UIDS];
};

static bool comes_back(enum cas_state state) {
  return state == CAS_STATE_DELETED || state == CAS_STATE_HIDDEN_OTHER || state == CAS_STATE_HIDDEN_RETENTION;
}

static bool lasts(enum cas_reason reason) { return reason >= CAS_REASON_QUALITY && reason <= CAS_REASON_WORKLIST; }

/* The version that an object has, or becomes. */
static unsigned model_put(struct model_uid *uid, unsigned content) {
  for (unsigned i = 0; i < uid->count; i++)
    if (uid->versions[i].content == content && !comes_back(uid->versions[i].state)) return i + 1;
  uid->versions[uid->count++] =
      (struct model_version){.content = content, .state = uid->order, .otherwise = uid->order};
  return uid->count;
}

static uint64_t model_change(struct model_uid *uid, enum cas_action action, enum cas_reason reason, unsigned version) {
  uint64_t changed = 0;
  enum cas_state hidden = (enum cas_state)(CAS_STATE_HIDDEN_OTHER + reason);
  bool all = version == 0 || action == CAS_ACTION_SHOW || (action == CAS_ACTION_HIDE && lasts(reason));
  bool wanted = false;
  for (unsigned i = 0; i < uid->count; i++) {
    enum cas_state old = uid->versions[i].state, state = old;
    if (action == CAS_ACTION_DELETE) state = CAS_STATE_DELETED;
    if (action == CAS_ACTION_UNDELETE) state = uid->versions[i].otherwise;
    if (action == CAS_ACTION_HIDE && old != CAS_STATE_DELETED) state = hidden;
    if (action == CAS_ACTION_SHOW && old >= CAS_STATE_HIDDEN_OTHER) state = CAS_STATE_SHOWN;
    if (state != old && (version == 0 || version == i + 1)) wanted = true;
    if (state != old && (version == 0 || version == i + 1)) changed++;
  }
  if (!wanted) return 0;
  for (unsigned i = 0; i < uid->count; i++) {
    struct model_version *v = &uid->versions[i];
    if (!all && version != i + 1) continue;
    const bool deleted = v->state == CAS_STATE_DELETED;
    if (action == CAS_ACTION_DELETE) v->state = CAS_STATE_DELETED;
    if (action == CAS_ACTION_UNDELETE) v->state = v->otherwise;
    /* What a record says of all versions holds for the deleted, too, should they come back. */
    if (action == CAS_ACTION_HIDE && (!deleted || lasts(reason))) v->otherwise = hidden;
    if (action == CAS_ACTION_SHOW && v->otherwise >= CAS_STATE_HIDDEN_OTHER) v->otherwise = CAS_STATE_SHOWN;
    if ((action == CAS_ACTION_HIDE || action == CAS_ACTION_SHOW) && !deleted) v->state = v->otherwise;
  }
  if (action == CAS_ACTION_HIDE && lasts(reason)) uid->order = hidden;
  if (action == CAS_ACTION_SHOW) uid->order = CAS_STATE_SHOWN;
  return changed;
}

/* --- the store --- */

struct scene {
  struct temporary_store t;
  struct model now;
  struct model moments[SNAPSHOTS_MAX];
  bool has_moment[SNAPSHOTS_MAX];
  struct test_random random;
};

static unsigned pick(struct scene *scene, unsigned below) { return (unsigned)test_random_below(&scene->random, below); }

static void uid_of(unsigned i, char uid[32]) { snprintf(uid, 32, "1.2.3.4.%u", i); }

static void object_of(unsigned i, unsigned content, struct cas_buffer *file) {
  char uid[32], series[32], study[32], patient[16], comment[32];
  uid_of(i, uid);
  snprintf(series, sizeof series, "1.2.3.%u", i % 5);
  snprintf(study, sizeof study, "1.2.%u", i % 5 % 3);
  snprintf(patient, sizeof patient, "P%u", i % 5 % 3 % 2);
  snprintf(comment, sizeof comment, "content %u", content);
  struct synthetic what = {.sop_uid = uid,
                           .series_uid = series,
                           .study_uid = study,
                           .patient_id = patient,
                           .comment = comment,
                           .rows = 4,
                           .columns = 4};
  synthetic_file(&what, "A", file);
}

static uint64_t change(struct cas_store *store, enum cas_action action, enum cas_reason reason, const char *uid,
                       uint32_t version) {
  struct cas_target target = {.uid = uid, .version = version};
  struct cas_change wanted = {
      .action = action, .reason = reason, .who = "tester", .why = "because", .targets = &target, .target_count = 1};
  struct cas_error error = {0};
  uint64_t changed;
  cas_status status = cas_store_change(store, &wanted, &changed, &error);
  if (status != CAS_OK && status != CAS_NOT_FOUND) fail_msg("%s", error.message);
  assert_int_equal(status == CAS_OK, changed > 0);
  return changed;
}

/* --- comparing --- */

struct comparison {
  struct cas_store *store;
  const struct model *model;
  uint32_t states;
  unsigned found;
};

static cas_status compare_instance(void *arg, const struct cas_node *node) {
  struct comparison *comparison = arg;
  const char *uid = cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID);
  unsigned i = (unsigned)atoi(uid + strlen("1.2.3.4."));
  assert_true(i < UIDS && node->version >= 1 && node->version <= comparison->model->uids[i].count);
  const struct model_version *version = &comparison->model->uids[i].versions[node->version - 1];
  assert_int_equal(node->state, version->state);
  assert_true(comparison->states & 1u << version->state);
  CLEANUP_BUFFER struct cas_buffer file = {0};
  object_of(i, version->content, &file);
  assert_int_equal(synthetic_read_back(comparison->store, uid, node->version, &file), CAS_OK);
  comparison->found++;
  return CAS_OK;
}

struct sums {
  struct cas_store *store;
  uint64_t instances, bytes;
};

static cas_status check_sums(void *arg, const struct cas_node *node) {
  struct sums *above = arg, sums = {.store = above->store};
  if (node->level != CAS_LEVEL_INSTANCE) {
    assert_int_equal(cas_node_list(above->store, node->path, NULL, check_sums, &sums, NULL), CAS_OK);
    assert_true(sums.instances > 0);
    assert_int_equal(node->instances, sums.instances);
    assert_int_equal(node->bytes, sums.bytes);
  }
  above->instances += node->instances;
  above->bytes += node->bytes;
  return CAS_OK;
}

static cas_status check_root(void *arg, const struct cas_node *node) {
  const struct sums *sums = arg;
  assert_int_equal(node->instances, sums->instances);
  assert_int_equal(node->bytes, sums->bytes);
  return CAS_OK;
}

static void compare_view(struct cas_store *store, const struct model *model, uint32_t states) {
  struct comparison comparison = {.store = store, .model = model, .states = states};
  struct sums sums = {.store = store};
  unsigned expected = 0;
  for (unsigned i = 0; i < UIDS; i++)
    for (unsigned v = 0; v < model->uids[i].count; v++) expected += (states >> model->uids[i].versions[v].state) & 1;
  assert_int_equal(cas_instances_below(store, "", compare_instance, &comparison, NULL), CAS_OK);
  assert_int_equal(comparison.found, expected);
  assert_int_equal(cas_node_list(store, "", NULL, check_sums, &sums, NULL), CAS_OK);
  assert_int_equal(cas_node_get(store, "", check_root, &sums, NULL), CAS_OK);
}

static cas_status check_uid(void *arg, const char *uid) {
  const struct model *model = arg;
  const struct model_uid *known = &model->uids[atoi(uid + strlen("1.2.3.4."))];
  bool shown = false;
  for (unsigned v = 0; v < known->count; v++) shown |= known->versions[v].state == CAS_STATE_SHOWN;
  assert_true(shown);
  return CAS_OK;
}

static void compare(struct scene *scene) {
  struct cas_store *store = scene->t.store, *view;
  compare_view(store, &scene->now, 1u << CAS_STATE_SHOWN);
  assert_int_equal(cas_uid_list(store, CAS_LEVEL_INSTANCE, NULL, check_uid, &scene->now, NULL), CAS_OK);
  assert_int_equal(cas_view_open(store, CAS_STATES_HIDDEN | 1u << CAS_STATE_DELETED, &view), CAS_OK);
  compare_view(view, &scene->now, CAS_STATES_HIDDEN | 1u << CAS_STATE_DELETED | 1u << CAS_STATE_SHOWN);
  cas_snapshot_close(view);
  for (unsigned i = 0; i < SNAPSHOTS_MAX; i++) {
    char name[8];
    if (!scene->has_moment[i]) continue;
    snprintf(name, sizeof name, "s%u", i);
    assert_int_equal(cas_snapshot_open(store, name, &view, NULL), CAS_OK);
    compare_view(view, &scene->moments[i], 1u << CAS_STATE_SHOWN);
    cas_snapshot_close(view);
  }
}

/* --- steps --- */

static void put_something(struct scene *scene) {
  unsigned i = pick(scene, UIDS), content = pick(scene, 4);
  CLEANUP_BUFFER struct cas_buffer file = {0};
  if (scene->now.uids[i].count == VERSIONS_MAX) return;
  object_of(i, content, &file);
  struct cas_ingest_result result = synthetic_import(scene->t.store, &file);
  assert_int_equal(result.version, model_put(&scene->now.uids[i], content));
}

static void change_something(struct scene *scene) {
  unsigned i = pick(scene, UIDS);
  struct model_uid *uid = &scene->now.uids[i];
  static const enum cas_action actions[] = {CAS_ACTION_DELETE, CAS_ACTION_HIDE, CAS_ACTION_SHOW, CAS_ACTION_UNDELETE};
  enum cas_action action = actions[pick(scene, 4)];
  enum cas_reason reason = (enum cas_reason)pick(scene, 5);
  uint32_t version = pick(scene, 2) ? 0 : 1 + pick(scene, uid->count + 1);
  char text[32];
  uid_of(i, text);
  assert_int_equal(change(scene->t.store, action, reason, text, version), model_change(uid, action, reason, version));
}

static void snapshot_something(struct scene *scene) {
  unsigned i = pick(scene, SNAPSHOTS_MAX);
  char name[8];
  snprintf(name, sizeof name, "s%u", i);
  if (scene->has_moment[i]) {
    assert_int_equal(cas_snapshot_remove(scene->t.store, name, NULL), CAS_OK);
  } else {
    assert_int_equal(cas_snapshot_create(scene->t.store, name, NULL), CAS_OK);
    scene->moments[i] = scene->now;
  }
  scene->has_moment[i] = !scene->has_moment[i];
}

static void start_again(struct scene *scene, bool rebuilds) {
  struct cas_error error = {0};
  if (!rebuilds) {
    temporary_reopen(&scene->t);
    return;
  }
  cas_store_close(scene->t.store);
  if (cas_store_rebuild(scene->t.path, NULL, NULL, NULL, &error) != CAS_OK) fail_msg("%s", error.message);
  temporary_open(&scene->t);
}

static void p8_states_are_those_of_a_plain_map(void **state) {
  (void)state;
  struct scene *scene = calloc(1, sizeof *scene);
  assert_non_null(scene);
  scene->random.state = test_random_seed("states");
  temporary_create(&scene->t);
  for (uint64_t step = 0, end = test_random_rounds(300); step < end; step++) {
    unsigned what = pick(scene, 100);
    if (what < 45) put_something(scene);
    if (what >= 45 && what < 90) change_something(scene);
    if (what >= 90 && what < 96) snapshot_something(scene);
    if (what >= 96) start_again(scene, what >= 98);
    if (step % 10 == 0 || what >= 90) compare(scene);
  }
  struct cas_verify_result result;
  assert_int_equal(cas_store_verify(scene->t.store, NULL, &result, NULL), CAS_OK);
  assert_int_equal(result.damaged_records + result.damaged_instances + result.index_findings, 0);
  temporary_destroy(&scene->t);
  free(scene);
}

/* --- the rules one by one --- */

static cas_status count_node(void *arg, const struct cas_node *node) {
  (void)node;
  ++*(size_t *)arg;
  return CAS_OK;
}

static size_t count_below(struct cas_store *store, const char *path) {
  size_t count = 0;
  assert_int_equal(cas_node_list(store, path, NULL, count_node, &count, NULL), CAS_OK);
  return count;
}

static cas_status count_text(void *arg, const char *text) {
  (void)text;
  ++*(size_t *)arg;
  return CAS_OK;
}

static void import_object(struct cas_store *store, unsigned i, unsigned content, uint32_t version) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  object_of(i, content, &file);
  assert_int_equal(synthetic_import(store, &file).version, version);
}

static void what_is_deleted_leaves_no_folder_date_or_uid(void **state) {
  (void)state;
  struct temporary_store t = {0};
  struct cas_stats stats;
  size_t uids = 0, dates = 0;
  temporary_create(&t);
  import_object(t.store, 0, 1, 1);
  assert_int_equal(count_below(t.store, ""), 1);
  assert_int_equal(change(t.store, CAS_ACTION_DELETE, CAS_REASON_OTHER, "1.2.3.4.0", 0), 1);
  assert_int_equal(count_below(t.store, ""), 0);
  assert_int_equal(cas_uid_list(t.store, CAS_LEVEL_STUDY, NULL, count_text, &uids, NULL), CAS_OK);
  assert_int_equal(cas_date_list(t.store, NULL, count_text, &dates, NULL), CAS_OK);
  assert_int_equal(uids + dates, 0);
  assert_int_equal(cas_store_stats(t.store, &stats, NULL), CAS_OK);
  assert_int_equal(stats.patients + stats.studies + stats.series + stats.instances + stats.instance_bytes, 0);
  assert_int_equal(stats.gone_instances, 1);
  assert_int_equal(change(t.store, CAS_ACTION_DELETE, CAS_REASON_OTHER, "1.2.3.4.0", 0), 0);
  import_object(t.store, 0, 1, 2);
  assert_int_equal(count_below(t.store, ""), 1);
  temporary_destroy(&t);
}

static void what_is_rejected_before_it_comes_is_hidden_when_it_comes(void **state) {
  (void)state;
  struct temporary_store t = {0};
  struct cas_target target = {.uid = "1.2.3.4.0"};
  struct cas_change note = {
      .action = CAS_ACTION_HIDE, .reason = CAS_REASON_SAFETY, .targets = &target, .target_count = 1, .ahead = true};
  uint64_t changed;
  temporary_create(&t);
  assert_int_equal(cas_store_change(t.store, &note, &changed, NULL), CAS_OK);
  assert_int_equal(changed, 0);
  import_object(t.store, 0, 1, 1);
  import_object(t.store, 0, 2, 2);
  assert_int_equal(count_below(t.store, ""), 0);
  assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_BUSY);
  assert_int_equal(change(t.store, CAS_ACTION_SHOW, CAS_REASON_OTHER, "1.2.3.4.0", 0), 2);
  assert_int_equal(count_below(t.store, ""), 1);
  import_object(t.store, 0, 1, 1);
  temporary_destroy(&t);
}

static cas_status append_event(void *arg, const struct cas_event *event) {
  char line[128];
  snprintf(line, sizeof line, "%s %s %u by %s: %s\n", cas_action_name(event->action), cas_reason_name(event->reason),
           event->version, event->who, event->why);
  strncat(arg, line, 1024 - strlen(arg) - 1);
  return CAS_OK;
}

static void the_history_tells_who_and_why(void **state) {
  (void)state;
  struct temporary_store t = {0};
  char text[1024] = "";
  temporary_create(&t);
  import_object(t.store, 0, 1, 1);
  change(t.store, CAS_ACTION_HIDE, CAS_REASON_RETENTION, "1.2.3.4.0", 0);
  change(t.store, CAS_ACTION_SHOW, CAS_REASON_OTHER, "1.2.3.4.0", 0);
  change(t.store, CAS_ACTION_DELETE, CAS_REASON_OTHER, "1.2.3.4.0", 0);
  cas_store_close(t.store);
  assert_int_equal(cas_store_rebuild(t.path, NULL, NULL, NULL, NULL), CAS_OK);
  temporary_open(&t);
  assert_int_equal(cas_history(t.store, "1.2.3.4.0", append_event, text, NULL), CAS_OK);
  assert_string_equal(text, "hide retention 1 by tester: because\nshow other 0 by tester: because\n"
                            "delete other 1 by tester: because\n");
  temporary_destroy(&t);
}

static void what_is_no_change_is_refused(void **state) {
  (void)state;
  struct temporary_store t = {0};
  struct cas_target target = {.uid = "../x"};
  struct cas_change wanted = {.action = CAS_ACTION_DELETE, .targets = &target, .target_count = 1};
  struct cas_store *view;
  uint64_t changed;
  temporary_create(&t);
  assert_int_equal(cas_store_change(t.store, &wanted, &changed, NULL), CAS_INVALID);
  target.uid = "1.2.3";
  assert_int_equal(cas_store_change(t.store, &wanted, &changed, NULL), CAS_NOT_FOUND);
  assert_int_equal(cas_view_open(t.store, 0, &view), CAS_OK);
  assert_int_equal(cas_store_change(view, &wanted, &changed, NULL), CAS_INVALID);
  cas_snapshot_close(view);
  wanted.action = CAS_ACTION_REPLACE;
  assert_int_equal(cas_store_change(t.store, &wanted, &changed, NULL), CAS_INVALID);
  temporary_destroy(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(p8_states_are_those_of_a_plain_map),
      cmocka_unit_test(what_is_deleted_leaves_no_folder_date_or_uid),
      cmocka_unit_test(what_is_rejected_before_it_comes_is_hidden_when_it_comes),
      cmocka_unit_test(the_history_tells_who_and_why),
      cmocka_unit_test(what_is_no_change_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
