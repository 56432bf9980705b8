/*
 * Dates/: studies by Study Date. YYYY/MM/DD and behind it the store's own tree, of which it shows the studies of that
 * day. And Patients/ by months: YYYY/MM and behind it those of the month, and undated/ with all others.
 *
 * Invariants
 *  1. A day shows the studies whose Study Date attribute is exactly its eight digits. Other spellings are undated,
 * which Dates/ shows nowhere.
 *  2. A year, month, day or patient is shown only where a study lies below; undated/ always.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuse/view.h"

#define DATE_SIZE 8
#define UNDATED "undated"
#define PARTS_OF_DAY 3
#define PARTS_OF_MONTH 2

/* A path in this view, taken apart. */
struct date_path {
  unsigned parts_max;       /* of the date, before a node path begins: PARTS_OF_DAY or PARTS_OF_MONTH */
  bool undated;             /* instead of a date */
  unsigned parts;           /* of the date: 0 to parts_max */
  char date[DATE_SIZE + 1]; /* "YYYY", "YYYYMM" or "YYYYMMDD" */
  const char *node_path;    /* behind the date, "" where the path ends before */
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

static bool parse_path(const char *rest, unsigned parts_max, struct date_path *parsed) {
  *parsed = (struct date_path){.parts_max = parts_max, .node_path = ""};
  size_t first_size = strcspn(rest, "/");
  if (parts_max == PARTS_OF_MONTH && first_size == strlen(UNDATED) && memcmp(rest, UNDATED, first_size) == 0) {
    parsed->undated = true;
    parsed->node_path = rest + first_size + (rest[first_size] == '/');
    return true;
  }
  while (*rest != '\0' && parsed->parts < parts_max) {
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

/* Whether the path names years or months only. */
static bool is_above_studies(const struct date_path *path) { return !path->undated && path->parts < path->parts_max; }

/* Whether the study is one of the path's day or month, or one without. */
static bool is_meant(const struct cas_node *study, const struct date_path *path) {
  const char *date = cas_attributes_text(study->attributes, CAS_TAG_STUDY_DATE);
  if (!is_date(date)) return path->undated;
  return !path->undated && memcmp(date, path->date, date_digits(path->parts)) == 0;
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
    if (status == CAS_END) break;
    if (status != CAS_OK) return status;
    char name[5] = "";
    memcpy(name, date + from, to - from);
    snprintf(behind, sizeof behind, "%.*s~", (int)to, date);
    status = each(arg, name, &entry);
    if (status != CAS_OK) return status;
  }
  if (status == CAS_END && in->parts == 0 && in->parts_max == PARTS_OF_MONTH) return each(arg, UNDATED, &entry);
  return status == CAS_END ? CAS_OK : status;
}

/* --- the patients of a day or month --- */

/* So many at a time: studies come by date, and a patient may have some on several. */
#define PATIENTS_AT_A_TIME 1024u

/* The first patients behind `after`, in byte order, of those that the studies have. */
struct patient_window {
  const struct date_path *path;
  const char *after; /* or NULL */
  size_t count;
  bool more; /* there are others behind the last */
  char (*names)[NAME_MAX + 1];
};

/* Where the name is in the window, or would be. */
static size_t find_name(const struct patient_window *window, const char *name, bool *found) {
  size_t low = 0, high = window->count;
  *found = false;
  while (low < high && !*found) {
    size_t middle = (low + high) / 2;
    int order = strcmp(window->names[middle], name);
    *found = order == 0;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return high;
}

static cas_status keep_patient(void *arg, const struct cas_node *study) {
  struct patient_window *window = arg;
  char name[NAME_MAX + 1];
  bool found;
  size_t size = strcspn(study->path, "/");
  if (!is_meant(study, window->path) || size > NAME_MAX) return CAS_OK;
  memcpy(name, study->path, size);
  name[size] = '\0';
  if (window->after != NULL && strcmp(name, window->after) <= 0) return CAS_OK;
  size_t place = find_name(window, name, &found);
  if (found) return CAS_OK;
  window->more = window->more || window->count == PATIENTS_AT_A_TIME;
  if (place == PATIENTS_AT_A_TIME) return CAS_OK;
  window->count += window->count < PATIENTS_AT_A_TIME;
  memmove(window->names + place + 1, window->names + place, (window->count - place - 1) * sizeof *window->names);
  memcpy(window->names[place], name, size + 1);
  return CAS_OK;
}

/* The first and the last date that the path can mean. */
static void date_range(const struct date_path *path, char first[DATE_SIZE + 1], char last[DATE_SIZE + 1]) {
  size_t size = date_digits(path->parts);
  memset(first, '0', DATE_SIZE);
  memset(last, '9', DATE_SIZE);
  memcpy(first, path->date, size);
  memcpy(last, path->date, size);
  first[DATE_SIZE] = last[DATE_SIZE] = '\0';
}

static cas_status list_window(const struct tree *tree, const struct patient_window *window, tree_each_fn each,
                              void *arg, struct cas_error *error) {
  for (size_t i = 0; i < window->count; i++) {
    struct tree_entry entry;
    cas_status status = view_get_node(tree, window->names[i], &entry, error);
    if (status == CAS_OK) status = each(arg, window->names[i], &entry);
    if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
  }
  return CAS_OK;
}

static cas_status list_patients(const struct tree *tree, const struct date_path *path, const char *after,
                                tree_each_fn each, void *arg, struct cas_error *error) {
  char first[DATE_SIZE + 1], last[DATE_SIZE + 1], behind[NAME_MAX + 1];
  struct patient_window window = {.path = path, .after = after, .more = true};
  window.names = malloc(PATIENTS_AT_A_TIME * sizeof *window.names);
  if (window.names == NULL) return CAS_NO_MEMORY;
  date_range(path, first, last);
  cas_status status = CAS_OK;
  while (status == CAS_OK && window.more) {
    window.more = false;
    window.count = 0;
    status = cas_node_by_date(tree->store, first, last, keep_patient, &window, error);
    if (status == CAS_OK) status = list_window(tree, &window, each, arg, error);
    if (window.more) {
      memcpy(behind, window.names[window.count - 1], sizeof behind);
      window.after = behind;
    }
  }
  free(window.names);
  return status;
}

/* --- the studies of a patient on a day, in a month or without a date --- */

struct study_list {
  const struct date_path *path;
  tree_each_fn each;
  void *arg;
};

static cas_status list_meant_study(void *arg, const struct cas_node *study) {
  const struct study_list *list = arg;
  if (!is_meant(study, list->path)) return CAS_OK;
  struct tree_entry entry = view_entry(study);
  return list->each(list->arg, study->name, &entry);
}

static cas_status list_studies(const struct tree *tree, const struct date_path *path, const char *patient,
                               const char *after, tree_each_fn each, void *arg, struct cas_error *error) {
  struct study_list list = {.path = path, .each = each, .arg = arg};
  cas_status status = cas_node_list(tree->store, patient, after, list_meant_study, &list, error);
  return status == CAS_NOT_FOUND ? CAS_OK : status;
}

static cas_status stop_at_first(void *arg, const char *name, const struct tree_entry *entry) {
  (void)name;
  (void)entry;
  *(bool *)arg = true;
  return CAS_END;
}

/* CAS_OK if the patient has a study that the path means. */
static cas_status check_patient(const struct tree *tree, const struct date_path *path, const char *patient,
                                struct cas_error *error) {
  bool any = false;
  cas_status status = list_studies(tree, path, patient, NULL, stop_at_first, &any, error);
  if (status != CAS_OK && status != CAS_END) return status;
  return any ? CAS_OK : CAS_NOT_FOUND;
}

/* All patients that have studies without a date. */
struct undated_list {
  const struct tree *tree;
  const struct date_path *path;
  tree_each_fn each;
  void *arg;
  struct cas_error *error;
};

static cas_status list_undated_patient(void *arg, const char *name, const struct tree_entry *entry) {
  const struct undated_list *list = arg;
  cas_status status = check_patient(list->tree, list->path, name, list->error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  return status == CAS_OK ? list->each(list->arg, name, entry) : status;
}

static cas_status list_undated(const struct tree *tree, const struct date_path *path, const char *after,
                               tree_each_fn each, void *arg, struct cas_error *error) {
  struct undated_list list = {.tree = tree, .path = path, .each = each, .arg = arg, .error = error};
  return view_list_nodes(tree, "", after, list_undated_patient, &list, error);
}

/* --- what a path leads to --- */

struct study_check {
  const struct date_path *path;
  bool matches;
};

static cas_status check_study(void *arg, const struct cas_node *study) {
  struct study_check *check = arg;
  check->matches = is_meant(study, check->path);
  return CAS_OK;
}

/* CAS_OK if the patient, study or what is below it belongs to the day or month. */
static cas_status check_node(const struct tree *tree, const struct date_path *path, struct cas_error *error) {
  const char *slash = strchr(path->node_path, '/');
  if (slash == NULL) return check_patient(tree, path, path->node_path, error);
  char study[TREE_PATH_MAX];
  if (!view_copy(study, path->node_path)) return CAS_NOT_FOUND;
  char *end = strchr(study + (slash + 1 - path->node_path), '/');
  if (end != NULL) *end = '\0';
  struct study_check check = {.path = path};
  cas_status status = cas_node_get(tree->store, study, check_study, &check, error);
  if (status != CAS_OK) return status;
  return check.matches ? CAS_OK : CAS_NOT_FOUND;
}

/* CAS_OK if the day, month or year has a study. */
static cas_status check_date(const struct tree *tree, const struct date_path *path, struct cas_error *error) {
  char date[DATE_SIZE + 1], first[DATE_SIZE + 1], last[DATE_SIZE + 1];
  bool any = false;
  struct study_list list = {.path = path, .each = stop_at_first, .arg = &any};
  if (path->undated || path->parts == 0) return CAS_OK;
  cas_status status = CAS_END;
  if (path->parts < path->parts_max) {
    status = next_date(tree, path->date, path->date, date, error);
    return status == CAS_END ? CAS_NOT_FOUND : status;
  }
  date_range(path, first, last);
  status = cas_node_by_date(tree->store, first, last, list_meant_study, &list, error);
  if (status != CAS_OK && status != CAS_END) return status;
  return any ? CAS_OK : CAS_NOT_FOUND;
}

static cas_status get_in(const struct tree *tree, const struct date_path *path, struct tree_entry *entry,
                         char *node_path, struct cas_error *error) {
  if (path->node_path[0] == '\0') {
    cas_status status = check_date(tree, path, error);
    return status != CAS_OK ? status : view_top_entry(tree, entry, error);
  }
  cas_status status = check_node(tree, path, error);
  if (status == CAS_OK) status = view_get_node(tree, path->node_path, entry, error);
  if (status == CAS_OK) view_copy(node_path, path->node_path);
  return status;
}

static cas_status list_in(const struct tree *tree, const struct date_path *path, const char *after, tree_each_fn each,
                          void *arg, struct cas_error *error) {
  if (is_above_studies(path)) return list_dates(tree, path, after, each, arg, error);
  switch (view_depth(path->node_path)) {
  case 0:
    return path->undated ? list_undated(tree, path, after, each, arg, error)
                         : list_patients(tree, path, after, each, arg, error);
  case 1: return list_studies(tree, path, path->node_path, after, each, arg, error);
  default: {
    cas_status status = check_node(tree, path, error);
    if (status != CAS_OK) return status == CAS_NOT_FOUND ? CAS_OK : status;
    return view_list_nodes(tree, path->node_path, after, each, arg, error);
  }
  }
}

/* --- the two views --- */

static cas_status get(const struct tree *tree, const char *rest, struct tree_entry *entry, char *node_path,
                      struct cas_error *error) {
  struct date_path path;
  return parse_path(rest, PARTS_OF_DAY, &path) ? get_in(tree, &path, entry, node_path, error) : CAS_NOT_FOUND;
}

static cas_status list(const struct tree *tree, const char *rest, const char *after, tree_each_fn each, void *arg,
                       struct cas_error *error) {
  struct date_path path;
  return parse_path(rest, PARTS_OF_DAY, &path) ? list_in(tree, &path, after, each, arg, error) : CAS_OK;
}

cas_status view_month_get(const struct tree *tree, const char *rest, struct tree_entry *entry, char *node_path,
                          struct cas_error *error) {
  struct date_path path;
  return parse_path(rest, PARTS_OF_MONTH, &path) ? get_in(tree, &path, entry, node_path, error) : CAS_NOT_FOUND;
}

cas_status view_month_list(const struct tree *tree, const char *rest, const char *after, tree_each_fn each, void *arg,
                           struct cas_error *error) {
  struct date_path path;
  return parse_path(rest, PARTS_OF_MONTH, &path) ? list_in(tree, &path, after, each, arg, error) : CAS_OK;
}

const struct view view_dates = {.bit = TREE_DATES, .name = "Dates", .get = get, .list = list};
