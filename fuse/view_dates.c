/*
 * Dates/: studies by Study Date. YYYY/MM/DD and behind it the store's own tree, of which it shows the studies of that
 * day.
 *
 * Invariants
 *  1. A day shows the studies whose Study Date attribute is exactly its eight digits; other spellings are shown
 * nowhere.
 *  2. A year, month, day or patient is shown only where a study lies below.
 */
#include <stdio.h>

#include "fuse/view.h"

#define DATE_SIZE 8

/* A path in this view, taken apart. */
struct date_path {
  unsigned parts;           /* of the date: 0 to 3 */
  char date[DATE_SIZE + 1]; /* "YYYY", "YYYYMM" or "YYYYMMDD" */
  const char *node_path;    /* behind the day, "" where the path ends before */
};

/* How many digits of a date its first `parts` parts have. */
static size_t date_digits(unsigned parts) { return parts == 0 ? 0 : 2 + 2 * (size_t)parts; }

static bool all_digits(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (text[i] < '0' || text[i] > '9') return false;
  return true;
}

static bool is_date(const char *text) {
  return strnlen(text, DATE_SIZE + 1) == DATE_SIZE && all_digits(text, DATE_SIZE);
}

static bool parse_path(const char *rest, struct date_path *parsed) {
  *parsed = (struct date_path){.node_path = ""};
  while (*rest != '\0' && parsed->parts < 3) {
    size_t from = date_digits(parsed->parts), to = date_digits(parsed->parts + 1);
    size_t size = strcspn(rest, "/");
    if (size != to - from || !all_digits(rest, size)) return false;
    memcpy(parsed->date + from, rest, size);
    parsed->parts++;
    rest += size + (rest[size] == '/');
  }
  parsed->node_path = rest;
  return true;
}

/* --- years, months and days --- */

struct date_scan {
  char date[DATE_SIZE + 1];
};

static cas_status keep_date(void *arg, const char *text) {
  struct date_scan *scan = arg;
  if (!is_date(text)) return CAS_OK;
  memcpy(scan->date, text, sizeof scan->date);
  return CAS_END;
}

/* The first Study Date behind `after` that begins with `prefix`; CAS_END where there is none. */
static cas_status next_date(const struct tree *tree, const char *prefix, const char *after, char date[DATE_SIZE + 1],
                            struct cas_error *error) {
  struct date_scan scan = {.date = ""};
  cas_status status = cas_date_list(tree->store, after, keep_date, &scan, error);
  if (status != CAS_OK && status != CAS_END) return status;
  if (scan.date[0] == '\0' || strncmp(scan.date, prefix, strlen(prefix)) != 0) return CAS_END;
  memcpy(date, scan.date, sizeof scan.date);
  return CAS_OK;
}

/* Lists the years, the months of a year or the days of a month: seeks to the next one behind the last. */
static cas_status list_dates(const struct tree *tree, const struct date_path *in, const char *after, tree_each_fn each,
                             void *arg, struct cas_error *error) {
  size_t from = date_digits(in->parts), to = date_digits(in->parts + 1);
  char behind[DATE_SIZE + 2], date[DATE_SIZE + 1];
  /* Behind all dates that begin like this one: '~' is above every digit. */
  if (after != NULL && (strlen(after) != to - from || !all_digits(after, to - from))) return CAS_OK;
  snprintf(behind, sizeof behind, "%s%s%s", in->date, after != NULL ? after : "", after != NULL ? "~" : "");
  struct tree_entry entry;
  cas_status status = view_top_entry(tree, &entry, error);
  while (status == CAS_OK) {
    status = next_date(tree, in->date, behind, date, error);
    if (status == CAS_END) return CAS_OK;
    if (status != CAS_OK) break;
    char name[5] = "";
    memcpy(name, date + from, to - from);
    snprintf(behind, sizeof behind, "%.*s~", (int)to, date);
    status = each(arg, name, &entry);
  }
  return status;
}

/* --- the patients of a day --- */

struct day_list {
  const struct tree *tree;
  const char *date;
  const char *after; /* patient behind which to begin, or NULL */
  tree_each_fn each;
  void *arg;
  struct cas_error *error;
  char patient[NAME_MAX + 1]; /* the one handed on last */
};

static bool is_of_day(const struct cas_node *study, const char *date) {
  return strcmp(cas_attributes_text(study->attributes, CAS_TAG_STUDY_DATE), date) == 0;
}

/* Studies come in the order of "patient/study", in which a patient's follow each other. */
static int compare_patients(const char *a, size_t a_size, const char *b, size_t b_size) {
  size_t common = a_size < b_size ? a_size : b_size;
  int order = memcmp(a, b, common);
  if (order != 0 || a_size == b_size) return order;
  unsigned char a_next = a_size > common ? (unsigned char)a[common] : '/';
  unsigned char b_next = b_size > common ? (unsigned char)b[common] : '/';
  return a_next < b_next ? -1 : 1;
}

static cas_status list_patient_once(void *arg, const struct cas_node *study) {
  struct day_list *list = arg;
  size_t size = strcspn(study->path, "/");
  if (!is_of_day(study, list->date) || size > NAME_MAX) return CAS_OK;
  if (strlen(list->patient) == size && memcmp(list->patient, study->path, size) == 0) return CAS_OK;
  if (list->after != NULL && compare_patients(study->path, size, list->after, strlen(list->after)) <= 0) return CAS_OK;
  memcpy(list->patient, study->path, size);
  list->patient[size] = '\0';
  struct tree_entry entry;
  cas_status status = view_get_node(list->tree, list->patient, &entry, list->error);
  return status != CAS_OK ? status : list->each(list->arg, list->patient, &entry);
}

static cas_status list_patients(const struct tree *tree, const char *date, const char *after, tree_each_fn each,
                                void *arg, struct cas_error *error) {
  struct day_list list = {.tree = tree, .date = date, .after = after, .each = each, .arg = arg, .error = error};
  return cas_node_by_date(tree->store, date, date, list_patient_once, &list, error);
}

/* --- the studies of a patient on a day --- */

struct study_list {
  const char *date;
  tree_each_fn each;
  void *arg;
};

static cas_status list_study_of_day(void *arg, const struct cas_node *study) {
  const struct study_list *list = arg;
  if (!is_of_day(study, list->date)) return CAS_OK;
  struct tree_entry entry = view_entry(study);
  return list->each(list->arg, study->name, &entry);
}

static cas_status list_studies(const struct tree *tree, const char *date, const char *patient, const char *after,
                               tree_each_fn each, void *arg, struct cas_error *error) {
  struct study_list list = {.date = date, .each = each, .arg = arg};
  cas_status status = cas_node_list(tree->store, patient, after, list_study_of_day, &list, error);
  return status == CAS_NOT_FOUND ? CAS_OK : status;
}

static cas_status stop_at_first(void *arg, const char *name, const struct tree_entry *entry) {
  (void)name;
  (void)entry;
  *(bool *)arg = true;
  return CAS_END;
}

struct study_check {
  const char *date;
  bool matches;
};

static cas_status check_study(void *arg, const struct cas_node *study) {
  struct study_check *check = arg;
  check->matches = is_of_day(study, check->date);
  return CAS_OK;
}

/* CAS_OK if the patient, study or what is below it belongs to the day. */
static cas_status check_day(const struct tree *tree, const struct date_path *path, struct cas_error *error) {
  const char *slash = strchr(path->node_path, '/');
  if (slash == NULL) {
    bool any = false;
    cas_status status = list_studies(tree, path->date, path->node_path, NULL, stop_at_first, &any, error);
    if (status != CAS_OK && status != CAS_END) return status;
    return any ? CAS_OK : CAS_NOT_FOUND;
  }
  char study[TREE_PATH_MAX];
  if (!view_copy(study, path->node_path)) return CAS_NOT_FOUND;
  char *end = strchr(study + (slash + 1 - path->node_path), '/');
  if (end != NULL) *end = '\0';
  struct study_check check = {.date = path->date};
  cas_status status = cas_node_get(tree->store, study, check_study, &check, error);
  if (status != CAS_OK) return status;
  return check.matches ? CAS_OK : CAS_NOT_FOUND;
}

/* CAS_OK if the day, month or year has a study. */
static cas_status check_date(const struct tree *tree, const struct date_path *path, struct cas_error *error) {
  if (path->parts == 3) {
    bool any = false;
    cas_status status = list_patients(tree, path->date, NULL, stop_at_first, &any, error);
    if (status != CAS_OK && status != CAS_END) return status;
    return any ? CAS_OK : CAS_NOT_FOUND;
  }
  char date[DATE_SIZE + 1];
  cas_status status = next_date(tree, path->date, path->date, date, error);
  return status == CAS_END ? CAS_NOT_FOUND : status;
}

static cas_status get(const struct tree *tree, const char *rest, struct tree_entry *entry, char *node_path,
                      struct cas_error *error) {
  struct date_path path;
  if (!parse_path(rest, &path)) return CAS_NOT_FOUND;
  if (path.node_path[0] == '\0') {
    cas_status status = check_date(tree, &path, error);
    return status != CAS_OK ? status : view_top_entry(tree, entry, error);
  }
  cas_status status = check_day(tree, &path, error);
  if (status == CAS_OK) status = view_get_node(tree, path.node_path, entry, error);
  if (status == CAS_OK) view_copy(node_path, path.node_path);
  return status;
}

static cas_status list(const struct tree *tree, const char *rest, const char *after, tree_each_fn each, void *arg,
                       struct cas_error *error) {
  struct date_path path;
  if (!parse_path(rest, &path)) return CAS_OK;
  if (path.parts < 3) return list_dates(tree, &path, after, each, arg, error);
  switch (view_depth(path.node_path)) {
  case 0: return list_patients(tree, path.date, after, each, arg, error);
  case 1: return list_studies(tree, path.date, path.node_path, after, each, arg, error);
  default: {
    cas_status status = check_day(tree, &path, error);
    if (status != CAS_OK) return status == CAS_NOT_FOUND ? CAS_OK : status;
    return view_list_nodes(tree, path.node_path, after, each, arg, error);
  }
  }
}

const struct view view_dates = {.bit = TREE_DATES, .name = "Dates", .get = get, .list = list};
