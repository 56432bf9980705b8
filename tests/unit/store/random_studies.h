/* Random studies, conditions on them, and whether a node meets one: for tests that compare searches with walks. */
#ifndef TESTS_STORE_RANDOM_STUDIES_H
#define TESTS_STORE_RANDOM_STUDIES_H

#include "synthetic.h"

#include "cassette/node.h"
#include "store/match.h"
#include "support/test_random.h"

#define OBJECTS 150

static const char *const names[] = {
    "Doe^John",       "DOE^JANE^^^", "Müller^Jörg",      "",        "Yamada^Tarou=山田^太郎",
    "O'Brien^Sinead", "doe",         "Muller^Jorg^A=山", "Zoe^Test"};
static const char *const accessions[] = {"A1", "A10", "A2", "", "B7", "a1"};
static const char *const dates[] = {"20200101", "20200102", "20201231", "20210615", "", "2020.01.01", "1999"};
static const char *const modalities[] = {"CT", "MR", "US", "CT"};

#define PICK(list) ((list)[test_random_below(random, sizeof(list) / sizeof *(list))])

static inline unsigned below(struct test_random *random, unsigned limit) {
  return (unsigned)test_random_below(random, limit);
}

static inline void import_some(struct cas_store *store, struct test_random *random, unsigned number) {
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

struct any {
  struct match_key *key;
  bool met;
};

static inline cas_status look_at_series(void *arg, const struct cas_node *node) {
  struct any *any = arg;
  bool met;
  assert_int_equal(match_test(any->key, cas_attributes_text(node->attributes, CAS_TAG_MODALITY), &met), CAS_OK);
  any->met |= met;
  return CAS_OK;
}

static inline bool meets(struct cas_store *store, const struct cas_condition *condition, const struct cas_node *node) {
  const struct cas_attribute_definition *definition = cas_search_attribute_by_tag(condition->tag);
  struct match_key key;
  struct any any = {.key = &key, .met = true};
  if (definition->level != node->level) return true;
  assert_int_equal(match_key_init(&key, definition->vr, condition->pattern, NULL), CAS_OK);
  if (condition->tag == CAS_TAG_MODALITIES_IN_STUDY) {
    any.met = key.is_universal;
    assert_int_equal(cas_node_list(store, node->path, NULL, look_at_series, &any, NULL), CAS_OK);
  } else {
    assert_int_equal(match_test(&key, cas_attributes_text(node->attributes, condition->tag), &any.met), CAS_OK);
  }
  match_key_fini(&key);
  return any.met;
}

static inline struct cas_condition condition_of(struct test_random *random, char text[64]) {
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

#endif
