/* Owns the reading of keys, and their comparison with values. */
#include "store/match.h"

#include "base/limits.h"
#include "base/status.h"

#define KEY_VALUES_MAX 4096u

static bool is_in(const char *vr, const char *vrs) { return strstr(vrs, vr) != NULL; }

void match_key_fini(struct match_key *key) {
  for (size_t i = 0; i < key->text_count; i++) free(key->texts[i]);
  free(key->texts);
  free(key->values);
  cas_buffer_fini(&key->folded);
  *key = (struct match_key){0};
}

/* --- reading --- */

/* Keeps a copy of a text with the key. */
static cas_status keep(struct match_key *key, struct cas_slice text, const char **kept) {
  char **grown = reallocarray(key->texts, key->text_count + 1, sizeof *grown);
  if (grown == NULL) return CAS_NO_MEMORY;
  key->texts = grown;
  char *copy = malloc(text.size + 1);
  if (copy == NULL) return CAS_NO_MEMORY;
  if (text.size > 0) memcpy(copy, text.data, text.size);
  copy[text.size] = '\0';
  key->texts[key->text_count++] = copy;
  *kept = copy;
  return CAS_OK;
}

static cas_status read_person(struct match_key *key, struct match_value *value, struct cas_slice text) {
  value->kind = MATCH_PERSON;
  value->text = "";
  for (unsigned i = 0; i < NAME_GROUPS; i++) {
    value->groups[i] = "";
    if (i > 0 && text.size == 0) continue;
    key->folded.size = 0;
    STATUS_TRY(name_fold_group(&text, &key->folded));
    value->group_count = i + 1;
    if (key->folded.size == 0) continue;
    STATUS_TRY(keep(key, slice_of_buffer(&key->folded), &value->groups[i]));
    if (value->text[0] == '\0') value->text = value->groups[i];
  }
  return CAS_OK;
}

/* strtod() knows more than PS3.5 6.2 has: names, hexadecimal digits. */
static bool has_number_characters(const char *text) { return strspn(text, "0123456789+-.eE ") == strlen(text); }

/* "N", "N-M", "N-", "-M" where the dash is no sign. */
static bool read_numbers(struct match_value *value, const char *text) {
  char *end;
  if (!has_number_characters(text)) return false;
  value->kind = MATCH_NUMBERS;
  value->low = strtod(text, &end);
  value->high = value->low;
  if (end == text) return false;
  if (*end == '\0') return true;
  if (*end != '-') return false;
  value->is_range = true;
  const char *second = end + 1;
  if (*second == '\0') {
    value->high = __builtin_inf();
    return true;
  }
  value->high = strtod(second, &end);
  return end != second && *end == '\0';
}

static cas_status read_value(struct match_key *key, struct cas_slice text, struct match_value *value,
                             struct cas_error *error) {
  const char *kept;
  *value = (struct match_value){.kind = MATCH_TEXT};
  STATUS_TRY(keep(key, text, &kept));
  value->text = kept;
  if (strcmp(kept, "\"\"") == 0) {
    value->kind = MATCH_EMPTY;
    return CAS_OK;
  }
  value->has_wildcards = is_in(key->vr, "AE CS LO LT PN SH ST UC UR UT") && strpbrk(kept, "*?") != NULL;
  if (strcmp(key->vr, "PN") == 0) return read_person(key, value, text);
  if (value->has_wildcards) value->kind = MATCH_WILDCARDS;
  bool right = true;
  if (is_in(key->vr, "DA TM DT")) {
    value->kind = MATCH_SPAN;
    right = date_time_parse_range(key->vr, kept, &value->span, &value->is_range);
  } else if (is_in(key->vr, "IS DS US SS UL SL UV SV")) {
    right = read_numbers(value, kept);
  }
  return right ? CAS_OK : status_fail(error, CAS_INVALID, "\"%.64s\" is no value or range of VR %s", kept, key->vr);
}

static struct cas_slice trimmed(struct cas_slice text) {
  while (text.size > 0 && text.data[0] == ' ') text = slice_of(text.data + 1, text.size - 1);
  while (text.size > 0 && text.data[text.size - 1] == ' ') text.size--;
  return text;
}

static cas_status read_values(struct match_key *key, const char *pattern, struct cas_error *error) {
  for (const char *at = pattern; at != NULL;) {
    const char *end = key->is_lines ? NULL : strchr(at, '\\');
    struct cas_slice text = trimmed(slice_of(at, end != NULL ? (size_t)(end - at) : strlen(at)));
    at = end != NULL ? end + 1 : NULL;
    if (text.size == 0) continue;
    if (key->value_count == KEY_VALUES_MAX)
      return status_fail(error, CAS_INVALID, "more than %u values for one key", KEY_VALUES_MAX);
    struct match_value *grown = reallocarray(key->values, key->value_count + 1, sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    key->values = grown;
    STATUS_TRY(read_value(key, text, &key->values[key->value_count], error));
    key->value_count++;
  }
  return CAS_OK;
}

cas_status match_key_init(struct match_key *key, const char *vr, const char *pattern, struct cas_error *error) {
  *key = (struct match_key){.vr = {vr[0], vr[1], '\0'}, .is_lines = is_in(vr, "LT ST UT")};
  key->is_universal = strspn(pattern, "* ") == strlen(pattern);
  if (key->is_universal) return CAS_OK;
  cas_status status = read_values(key, pattern, error);
  if (status == CAS_OK && key->value_count == 0) key->is_universal = true;
  if (status != CAS_OK) match_key_fini(key);
  return status;
}

/* --- comparing --- */

static size_t character_bytes(const char *text) {
  unsigned char first = (unsigned char)text[0];
  size_t size = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  for (size_t i = 1; i < size; i++)
    if (((unsigned char)text[i] & 0xC0) != 0x80) return 1;
  return size;
}

/* '*' is any text, '?' any character. Goes back to the last '*' only, so it takes at most the product of the lengths.
 */
static bool match_wildcards(const char *pattern, const char *value) {
  const char *star = NULL, *retry = NULL;
  while (*value != '\0') {
    if (*pattern == '*') {
      star = ++pattern;
      retry = value;
    } else if (*pattern == '?') {
      pattern++;
      value += character_bytes(value);
    } else if (*pattern == *value) {
      pattern++;
      value++;
    } else if (star == NULL) {
      return false;
    } else {
      retry += character_bytes(retry);
      pattern = star;
      value = retry;
    }
  }
  while (*pattern == '*') pattern++;
  return *pattern == '\0';
}

static size_t count_carets(const char *text) {
  size_t count = 0;
  for (; *text != '\0'; text++) count += *text == '^';
  return count;
}

/* Whether a folded group meets a folded key. A pattern may count on components that a value has not: they are empty. */
static cas_status match_group(const char *pattern, bool has_wildcards, struct cas_buffer *group, bool *matches) {
  size_t size = group->size;
  STATUS_TRY(cas_buffer_append(group, slice_of("", 1)));
  *matches = strcmp(pattern, (const char *)group->data) == 0;
  if (!has_wildcards || *matches || size == 0) return CAS_OK;
  size_t carets = count_carets(pattern), own = count_carets((const char *)group->data);
  group->size = size;
  for (; own < carets; own++) STATUS_TRY(cas_buffer_append(group, slice_of("^", 1)));
  STATUS_TRY(cas_buffer_append(group, slice_of("", 1)));
  *matches = match_wildcards(pattern, (const char *)group->data);
  return CAS_OK;
}

static cas_status match_person(struct match_key *key, const struct match_value *wanted, struct cas_slice name,
                               bool *matches) {
  bool any = wanted->group_count <= 1, all = true, one = false;
  for (unsigned i = 0; i < NAME_GROUPS && (any ? name.size > 0 : true); i++) {
    const char *pattern = any ? wanted->groups[0] : wanted->groups[i];
    bool met;
    key->folded.size = 0;
    STATUS_TRY(name_fold_group(&name, &key->folded));
    if (pattern[0] == '\0') continue;
    STATUS_TRY(match_group(pattern, wanted->has_wildcards, &key->folded, &met));
    one |= met;
    all &= met;
  }
  *matches = any ? one : all;
  return CAS_OK;
}

static bool match_span(const struct match_key *key, const struct match_value *wanted, struct cas_slice text) {
  struct time_span span;
  if (!date_time_parse(key->vr, (const char *)text.data, text.size, &span)) return false;
  if (!wanted->is_range) return span.first == wanted->span.first;
  return span.first >= wanted->span.first && span.first <= wanted->span.last;
}

static bool match_number(const struct match_value *wanted, const char *text) {
  char *end;
  double number = strtod(text, &end);
  return end != text && *end == '\0' && has_number_characters(text) && number >= wanted->low && number <= wanted->high;
}

static cas_status match_one(struct match_key *key, const struct match_value *wanted, const char *text, size_t size,
                            bool *matches) {
  char single[DICOM_VALUE_CAPTURED_MAX * 4];
  *matches = false;
  if (wanted->kind == MATCH_EMPTY || size == 0 || size >= sizeof single) return CAS_OK;
  if (wanted->kind == MATCH_PERSON) return match_person(key, wanted, slice_of(text, size), matches);
  memcpy(single, text, size);
  single[size] = '\0';
  switch (wanted->kind) {
  case MATCH_SPAN: *matches = match_span(key, wanted, slice_of(text, size)); break;
  case MATCH_NUMBERS: *matches = match_number(wanted, single); break;
  case MATCH_WILDCARDS: *matches = match_wildcards(wanted->text, single); break;
  default: *matches = strcmp(wanted->text, single) == 0; break;
  }
  return CAS_OK;
}

cas_status match_test(struct match_key *key, const char *value, bool *matches) {
  *matches = key->is_universal;
  for (size_t i = 0; i < key->value_count && !*matches; i++) {
    if (key->values[i].kind == MATCH_EMPTY) *matches = value[0] == '\0';
    for (const char *at = value; at != NULL && !*matches;) {
      const char *end = key->is_lines ? NULL : strchr(at, '\\');
      STATUS_TRY(match_one(key, &key->values[i], at, end != NULL ? (size_t)(end - at) : strlen(at), matches));
      at = end != NULL ? end + 1 : NULL;
    }
  }
  return CAS_OK;
}

/* --- a date and a time together --- */

bool match_key_is_span(const struct match_key *key) {
  return key->value_count == 1 && key->values[0].kind == MATCH_SPAN;
}

bool match_together(const struct match_key *date, const struct match_key *time, const char *date_value,
                    const char *time_value) {
  const struct time_span *days = &date->values[0].span, *times = &time->values[0].span;
  struct time_span day, within = {0, DAY_US - 1};
  if (!date_time_parse("DA", date_value, strcspn(date_value, "\\"), &day)) return false;
  if (time_value[0] != '\0' && !date_time_parse("TM", time_value, strcspn(time_value, "\\"), &within)) return false;
  int64_t from = SPAN_OPEN_FIRST, to = SPAN_OPEN_LAST;
  if (days->first != SPAN_OPEN_FIRST) from = days->first + (times->first != SPAN_OPEN_FIRST ? times->first : 0);
  if (days->last != SPAN_OPEN_LAST)
    to = days->last - (DAY_US - 1) + (times->last != SPAN_OPEN_LAST ? times->last : DAY_US - 1);
  if (time_value[0] == '\0') return day.last >= from && day.first <= to;
  return day.first + within.first >= from && day.first + within.first <= to;
}
