/* Owns the choice of the index entry, and the candidates that it gives. */
#include "store/find_plan.h"

#include <stdio.h>

#include "base/limits.h"
#include "cassette/node.h"
#include "store/terms.h"

/* Asked of each entry at first. */
#define CANDIDATES_MIN 64u

void plan_fini(struct plan *plan) {
  for (size_t i = 0; i < plan->count; i++) free(plan->paths[i]);
  free(plan->paths);
  plan->paths = NULL;
  plan->count = plan->capacity = 0;
}

int plan_compare_paths(const char *a, const char *b) {
  while (*a != '\0' && *a == *b) a++, b++;
  unsigned char x = (unsigned char)*a, y = (unsigned char)*b;
  if (x == y) return 0;
  if (x == '\0' || y == '\0') return x == '\0' ? -1 : 1;
  if (x == '/' || y == '/') return x == '/' ? -1 : 1;
  return x < y ? -1 : 1;
}

/* --- gathering --- */

struct gathering {
  struct cas_store *store;
  struct plan *plan;
  size_t most;
  struct cas_error *error;
};

static void cut_path(char *path, enum cas_level deepest) {
  unsigned level = 1;
  for (char *at = path; *at != '\0'; at++) {
    if (*at != '/' || ++level <= (unsigned)deepest) continue;
    *at = '\0';
    return;
  }
}

/* CAS_END: there are too many. */
static cas_status take_path(void *arg, const char *path) {
  struct gathering *gathering = arg;
  struct plan *plan = gathering->plan;
  char cut[4096];
  snprintf(cut, sizeof cut, "%s", path);
  cut_path(cut, plan->deepest);
  if (plan->count > 0 && strcmp(plan->paths[plan->count - 1], cut) == 0) return CAS_OK;
  if (plan->count == gathering->most) return CAS_END;
  if (plan->count == plan->capacity) {
    size_t capacity = plan->capacity == 0 ? 64 : plan->capacity * 2;
    char **grown = reallocarray(plan->paths, capacity, sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    plan->paths = grown;
    plan->capacity = capacity;
  }
  char *copy = strdup(cut);
  if (copy == NULL) return CAS_NO_MEMORY;
  plan->paths[plan->count++] = copy;
  return CAS_OK;
}

static cas_status gather_uids(struct gathering *gathering, enum cas_level level, const struct match_key *key) {
  for (size_t i = 0; i < key->value_count; i++)
    STATUS_TRY(
        index_find_uid(gathering->store->index, level, key->values[i].text, take_path, gathering, gathering->error));
  return CAS_OK;
}

/* The day of an instant as dates were and are written; "" where it is open. */
static void format_day(int64_t us, bool dots, char text[16]) {
  text[0] = '\0';
  if (us == SPAN_OPEN_FIRST || us == SPAN_OPEN_LAST) return;
  int year, month, day;
  date_time_day(us, &year, &month, &day);
  snprintf(text, 16, dots ? "%04d.%02d.%02d" : "%04d%02d%02d", year % 10000, month % 100, day % 100);
}

static cas_status gather_dates(struct gathering *gathering, const struct match_key *key) {
  for (size_t i = 0; i < 2 * key->value_count; i++) {
    const struct time_span *span = &key->values[i / 2].span;
    char first[16], last[16];
    format_day(span->first, i % 2 == 1, first);
    format_day(span->last, i % 2 == 1, last);
    STATUS_TRY(index_find_dates(gathering->store->index, first[0] != '\0' ? first : NULL, last[0] != '\0' ? last : NULL,
                                take_path, gathering, gathering->error));
  }
  return CAS_OK;
}

/* What all texts that meet a value begin with. A name may lack the carets that its pattern has. */
static struct cas_slice beginning(const struct match_value *value) {
  size_t size = value->has_wildcards ? strcspn(value->text, "*?") : strlen(value->text);
  while (value->kind == MATCH_PERSON && value->has_wildcards && size > 0 && value->text[size - 1] == '^') size--;
  return slice_of(value->text, size);
}

static cas_status gather_terms(struct gathering *gathering, char field, const struct match_key *key) {
  for (size_t i = 0; i < key->value_count; i++)
    STATUS_TRY(index_find_terms(gathering->store->index, field, beginning(&key->values[i]),
                                !key->values[i].has_wildcards, take_path, gathering, gathering->error));
  return CAS_OK;
}

/* --- choosing --- */

/* One way into the tree. */
struct entry {
  enum { ENTRY_UID, ENTRY_DATE, ENTRY_TERM } kind;
  enum cas_level level; /* of a UID */
  char field;           /* of a term */
  const struct match_key *key;
};

static bool has_beginnings(const struct match_key *key) {
  for (size_t i = 0; i < key->value_count; i++)
    if (key->values[i].kind == MATCH_EMPTY || beginning(&key->values[i]).size == 0) return false;
  return true;
}

static bool all_of(const struct match_key *key, enum match_kind kind) {
  for (size_t i = 0; i < key->value_count; i++)
    if (key->values[i].kind != kind) return false;
  return true;
}

static bool entry_of(const struct plan_condition *condition, struct entry *entry) {
  static const uint32_t uids[] = {
      [CAS_LEVEL_STUDY] = CAS_TAG_STUDY_INSTANCE_UID,
      [CAS_LEVEL_SERIES] = CAS_TAG_SERIES_INSTANCE_UID,
      [CAS_LEVEL_INSTANCE] = CAS_TAG_SOP_INSTANCE_UID,
  };
  *entry = (struct entry){.key = condition->key};
  if (condition->key->is_universal) return false;
  for (enum cas_level level = CAS_LEVEL_STUDY; level <= CAS_LEVEL_INSTANCE; level++) {
    if (uids[level] != condition->tag || !all_of(condition->key, MATCH_TEXT)) continue;
    entry->kind = ENTRY_UID;
    entry->level = level;
    return true;
  }
  if (condition->tag == CAS_TAG_STUDY_DATE && all_of(condition->key, MATCH_SPAN)) {
    entry->kind = ENTRY_DATE;
    return true;
  }
  size_t count;
  const struct term_field *fields = term_fields(&count);
  uint32_t tag = condition->tag == CAS_TAG_MODALITIES_IN_STUDY ? CAS_TAG_MODALITY : condition->tag;
  for (size_t i = 0; i < count; i++) {
    if (fields[i].tag != tag || !has_beginnings(condition->key)) continue;
    entry->kind = ENTRY_TERM;
    entry->field = fields[i].field;
    return true;
  }
  return false;
}

static cas_status gather(struct gathering *gathering, const struct entry *entry) {
  switch (entry->kind) {
  case ENTRY_UID: return gather_uids(gathering, entry->level, entry->key);
  case ENTRY_DATE: return gather_dates(gathering, entry->key);
  case ENTRY_TERM: return gather_terms(gathering, entry->field, entry->key);
  }
  return CAS_OK;
}

static int compare(const void *a, const void *b) { return plan_compare_paths(*(char *const *)a, *(char *const *)b); }

static void sort(struct plan *plan) {
  if (plan->count < 2) return;
  size_t kept = 1;
  qsort(plan->paths, plan->count, sizeof *plan->paths, compare);
  for (size_t i = 1; i < plan->count; i++) {
    if (strcmp(plan->paths[i], plan->paths[kept - 1]) == 0)
      free(plan->paths[i]);
    else
      plan->paths[kept++] = plan->paths[i];
  }
  plan->count = kept;
}

/* Takes the smallest of those that have at most `most`; CAS_NOT_FOUND: all have more. */
static cas_status choose(struct cas_store *store, const struct plan_condition *conditions, size_t count, size_t most,
                         struct plan *plan, struct cas_error *error) {
  cas_status chosen = CAS_NOT_FOUND;
  for (size_t i = 0; i < count && most > 0; i++) {
    struct entry entry;
    struct plan candidate = {.deepest = plan->deepest};
    struct gathering gathering = {.store = store, .plan = &candidate, .most = most, .error = error};
    if (!entry_of(&conditions[i], &entry)) continue;
    /* One series has the modality that all of its study are found by. */
    if (conditions[i].tag == CAS_TAG_MODALITIES_IN_STUDY && candidate.deepest > CAS_LEVEL_STUDY)
      candidate.deepest = CAS_LEVEL_STUDY;
    cas_status status = gather(&gathering, &entry);
    if (status == CAS_OK) {
      plan_fini(plan);
      *plan = candidate;
      most = candidate.count > 0 ? candidate.count - 1 : 0;
      chosen = CAS_OK;
      continue;
    }
    plan_fini(&candidate);
    if (status != CAS_END) return status;
  }
  return chosen;
}

/* Where there is but one way in, nothing is to be compared: all that it has is gathered at once. */
static size_t first_most(const struct plan_condition *conditions, size_t count) {
  size_t entries = 0;
  struct entry entry;
  for (size_t i = 0; i < count; i++) entries += entry_of(&conditions[i], &entry);
  return entries == 1 ? FIND_CANDIDATES_MAX : CANDIDATES_MIN;
}

cas_status plan_make(struct cas_store *store, const struct plan_condition *conditions, size_t count, struct plan *plan,
                     struct cas_error *error) {
  cas_status status = CAS_NOT_FOUND;
  /* What nodes were called and had in a snapshot, the index tells of the tree alone. */
  if (store->moment != STORE_MOMENT_NOW) return CAS_NOT_FOUND;
  for (size_t most = first_most(conditions, count); most <= FIND_CANDIDATES_MAX && status == CAS_NOT_FOUND; most *= 4)
    status = choose(store, conditions, count, most, plan, error);
  if (status == CAS_OK) sort(plan);
  return status;
}
