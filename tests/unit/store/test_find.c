/* A search that begins at an entry of the index finds what a walk finds, whatever was learned and sent again before. */
#include "synthetic.h"

#include "cassette/node.h"
#include "store/find_plan.h"
#include "support/test_random.h"

#define OBJECTS 150

static const char *const names[] = {
    "Doe^John",       "DOE^JANE^^^", "Müller^Jörg",      "",        "Yamada^Tarou=山田^太郎",
    "O'Brien^Sinead", "doe",         "Muller^Jorg^A=山", "Zoe^Test"};
static const char *const accessions[] = {"A1", "A10", "A2", "", "B7", "a1"};
static const char *const dates[] = {"20200101", "20200102", "20201231", "20210615", "", "2020.01.01", "1999"};
static const char *const modalities[] = {"CT", "MR", "US", "CT"};

#define PICK(list) ((list)[test_random_below(random, sizeof(list) / sizeof *(list))])

static unsigned below(struct test_random *random, unsigned limit) { return (unsigned)test_random_below(random, limit); }

static void import_some(struct cas_store *store, struct test_random *random, unsigned number) {
  struct cas_buffer data = {0};
  char sop[32], study[32], series[32], id[16];
  unsigned of_study = number % 40;
  snprintf(sop, sizeof sop, "1.9.%u", below(random, OBJECTS));
  snprintf(study, sizeof study, "1.7.%u", of_study);
  snprintf(series, sizeof series, "1.8.%u.%u", of_study, below(random, 3));
  snprintf(id, sizeof id, "P%u", of_study % 17);
  synthetic_text(&data, 8, 0x0005, "CS", "ISO_IR 192");
  synthetic_text(&data, 8, 0x0016, "UI", CT_IMAGE);
  synthetic_text(&data, 8, 0x0018, "UI", sop);
  synthetic_text(&data, 8, 0x0020, "DA", PICK(dates));
  synthetic_text(&data, 8, 0x0050, "SH", PICK(accessions));
  synthetic_text(&data, 8, 0x0060, "CS", PICK(modalities));
  synthetic_text(&data, 0x10, 0x0010, "PN", PICK(names));
  synthetic_text(&data, 0x10, 0x0020, "LO", id);
  synthetic_text(&data, 0x20, 0x000D, "UI", study);
  synthetic_text(&data, 0x20, 0x000E, "UI", series);
  (void)synthetic_import(store, &data);
  cas_buffer_fini(&data);
}

struct list {
  struct cas_store *store;
  const struct cas_query *query;
  char *text; /* paths of what was found, each with a line end */
  size_t size;
};

static cas_status add(void *arg, const struct cas_node *node) {
  struct list *list = arg;
  size_t size = strlen(node->path);
  list->text = realloc(list->text, list->size + size + 2);
  assert_non_null(list->text);
  memcpy(list->text + list->size, node->path, size);
  memcpy(list->text + list->size + size, "\n", 2);
  list->size += size + 1;
  return CAS_OK;
}

struct any {
  struct match_key *key;
  bool met;
};

static cas_status look_at_series(void *arg, const struct cas_node *node) {
  struct any *any = arg;
  bool met;
  assert_int_equal(match_test(any->key, cas_attributes_text(node->attributes, CAS_TAG_MODALITY), &met), CAS_OK);
  any->met |= met;
  return CAS_OK;
}

static bool meets(const struct list *list, const struct cas_condition *condition, const struct cas_node *node) {
  const struct cas_attribute_definition *definition = cas_search_attribute_by_tag(condition->tag);
  struct match_key key;
  struct any any = {.key = &key, .met = true};
  if (definition->level != node->level) return true;
  assert_int_equal(match_key_init(&key, definition->vr, condition->pattern, NULL), CAS_OK);
  if (condition->tag == CAS_TAG_MODALITIES_IN_STUDY) {
    any.met = key.is_universal;
    assert_int_equal(cas_node_list(list->store, node->path, NULL, look_at_series, &any, NULL), CAS_OK);
  } else {
    assert_int_equal(match_test(&key, cas_attributes_text(node->attributes, condition->tag), &any.met), CAS_OK);
  }
  match_key_fini(&key);
  return any.met;
}

/* The search again, without entries. */
static cas_status walk(void *arg, const struct cas_node *node) {
  struct list *list = arg;
  for (size_t i = 0; i < list->query->condition_count; i++)
    if (!meets(list, &list->query->conditions[i], node)) return CAS_OK;
  if (node->level == list->query->level) return add(list, node);
  return cas_node_list(list->store, node->path, NULL, walk, list, NULL);
}

static struct cas_condition condition_of(struct test_random *random, char text[64]) {
  static const char *const name_patterns[] = {"doe*", "D*",       "*john*", "MUELLER*", "muller^*",
                                              "山*",  "doe^jane", "\"\"",   "z*\\doe"};
  static const char *const date_patterns[] = {"20200101",  "20200101-20200102",  "-20200601",
                                              "20200601-", "20200101\\20210615", "\"\""};
  static const char *const accession_patterns[] = {"A1", "A*", "A1*\\B7", "?1", "a1", "\"\"", "C*"};
  static const char *const modality_patterns[] = {"CT", "MR\\US", "M*", "XA"};
  switch (below(random, 6)) {
  case 0: return (struct cas_condition){.tag = CAS_TAG_PATIENT_NAME, .pattern = PICK(name_patterns)};
  case 1: return (struct cas_condition){.tag = CAS_TAG_STUDY_DATE, .pattern = PICK(date_patterns)};
  case 2: return (struct cas_condition){.tag = CAS_TAG_ACCESSION_NUMBER, .pattern = PICK(accession_patterns)};
  case 3: return (struct cas_condition){.tag = CAS_TAG_MODALITIES_IN_STUDY, .pattern = PICK(modality_patterns)};
  case 4:
    snprintf(text, 64, below(random, 2) ? "P%u" : "P%u*", below(random, 20));
    return (struct cas_condition){.tag = CAS_TAG_PATIENT_ID, .pattern = text};
  default:
    snprintf(text, 64, "1.7.%u\\1.7.%u", below(random, 45), below(random, 45));
    return (struct cas_condition){.tag = CAS_TAG_STUDY_INSTANCE_UID, .pattern = text};
  }
}

static void entries_find_what_a_walk_finds(void **state) {
  (void)state;
  struct temporary_store t = {0};
  struct test_random seeded = {test_random_seed("test_find")}, *random = &seeded;
  unsigned found = 0;
  temporary_create(&t);
  for (unsigned i = 0; i < OBJECTS; i++) import_some(t.store, random, i);
  for (unsigned i = 0; i < 400; i++) {
    char texts[3][64];
    struct cas_condition conditions[3];
    struct cas_query query = {.level = (enum cas_level)(2 + below(random, 3)), .conditions = conditions};
    query.condition_count = 1 + below(random, 3);
    for (size_t c = 0; c < query.condition_count; c++) conditions[c] = condition_of(random, texts[c]);
    struct list got = {.store = t.store, .query = &query}, wanted = got;
    assert_int_equal(cas_find(t.store, &query, add, &got, NULL), CAS_OK);
    assert_int_equal(cas_node_list(t.store, "", NULL, walk, &wanted, NULL), CAS_OK);
    if (got.size != wanted.size || (got.size > 0 && memcmp(got.text, wanted.text, got.size) != 0))
      fail_msg("%08x '%s' and %zu more: got\n%s\ninstead of\n%s", conditions[0].tag, conditions[0].pattern,
               query.condition_count - 1, got.text, wanted.text);
    found += got.size > 0;
    free(got.text);
    free(wanted.text);
  }
  assert_in_range(found, 50, 390);
  temporary_destroy(&t);
}

static void a_slash_sorts_first(void **state) {
  (void)state;
  assert_true(plan_compare_paths("a/z", "a b/a") < 0);
  assert_true(plan_compare_paths("a", "a/z") < 0);
  assert_true(plan_compare_paths("a b", "a!b") < 0);
  assert_int_equal(plan_compare_paths("a/b", "a/b"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(entries_find_what_a_walk_finds),
      cmocka_unit_test(a_slash_sorts_first),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
