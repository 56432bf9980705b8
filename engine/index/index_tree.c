/*
 * Owns listing: children of a node, UIDs, dates, the nodes of a date, blobs and facts.
 *
 *  1. A list is one cursor: it shows one moment, in constant memory, whatever is written meanwhile.
 *  2. What a callback gets is its own copy with a NUL at its end, valid until it returns.
 */
#include "base/status.h"
#include "index/index_lookup.h"
#include "index/index_node.h"

#define CLEANUP_ROOM __attribute__((cleanup(index_node_room_fini)))

static bool is_name(struct cas_slice name) {
  return name.size > 0 && name.size <= FOLDER_NAME_BYTES_MAX && memchr(name.data, 0, name.size) == NULL &&
         memchr(name.data, '/', name.size) == NULL;
}

cas_status index_list_children(struct index_cursor *cursor, enum cas_level level, const char *parent,
                               index_node_fn each, void *arg, struct cas_error *error) {
  CLEANUP_ROOM struct index_node_room room = {0};
  for (;; index_cursor_next(cursor)) {
    struct cas_slice name, bytes;
    struct index_node_value value;
    struct index_node node;
    cas_status status = index_cursor_get(cursor, &name, &bytes, error);
    if (status != CAS_OK) return status == CAS_END ? CAS_OK : status;
    if (!is_name(name) || !index_decode_node(bytes, level, &value))
      return status_fail(error, CAS_CORRUPT, "index %s: a child of '%s' is damaged", cursor->index->folder, parent);
    status = index_node_fill(&room, level, slice_of(parent, strlen(parent)), name, &value, &node);
    if (status != CAS_OK) return status_fail(error, status, "index: out of memory");
    STATUS_TRY(each(arg, &node));
  }
}

cas_status index_list(struct index *index, const char *parent, const char *after, index_node_fn each, void *arg,
                      struct cas_error *error) {
  CLEANUP_CURSOR struct index_cursor cursor = {0};
  struct index_key prefix, start;
  if (!index_key_children(&prefix, parent)) return CAS_OK;
  enum cas_level level = (enum cas_level)(index_path_level(parent) + 1);
  start = prefix;
  /* The key that follows `after` at once is the same with a NUL, which no name has. */
  if (after != NULL && (!index_key_append(&start, after, strlen(after)) || !index_key_append(&start, "", 1)))
    return status_fail(error, CAS_INVALID, "index: the name to begin after is too long");
  /* Who goes on with a list reads a long one. */
  STATUS_TRY(
      (after != NULL ? index_cursor_open_past : index_cursor_open)(index, index_key_slice(&prefix), &cursor, error));
  index_cursor_seek(&cursor, &start);
  return index_list_children(&cursor, level, parent, each, arg, error);
}

/* --- UIDs and dates --- */

typedef bool (*read_fn)(struct cas_slice rest, struct cas_slice *text, struct cas_slice *path);

/* Makes the key behind all keys of `text`: what ends a text is NUL, and 1 is next. */
static bool key_past(struct index_key *key, const struct index_key *prefix, struct cas_slice text) {
  *key = *prefix;
  return index_key_append(key, text.data, text.size) && index_key_append(key, "\x01", 1);
}

/* Calls back once for each different text. A text with many paths costs one seek, not a walk over them. */
static cas_status list_distinct(struct index *index, const struct index_key *prefix, const char *after, read_fn read,
                                index_text_fn each, void *arg, struct cas_error *error) {
  CLEANUP_CURSOR struct index_cursor cursor = {0};
  struct index_key past = *prefix;
  bool first = true;
  if (after != NULL && !key_past(&past, prefix, slice_of(after, strlen(after))))
    return status_fail(error, CAS_INVALID, "index: the text to begin after is too long");
  STATUS_TRY(index_cursor_open(index, index_key_slice(prefix), &cursor, error));
  for (index_cursor_seek(&cursor, &past);;) {
    struct cas_slice rest, value, text, path;
    cas_status status = index_cursor_get(&cursor, &rest, &value, error);
    if (status != CAS_OK) return status == CAS_END ? CAS_OK : status;
    if (!read(rest, &text, &path)) return index_db_corrupt(error, index, "a UID or date");
    struct cas_slice last = slice_of(past.bytes + prefix->size, past.size - prefix->size - (first ? 0 : 1));
    if (!first && slice_equal(text, last)) {
      index_cursor_seek(&cursor, &past);
      continue;
    }
    first = false;
    if (!key_past(&past, prefix, text)) return index_db_corrupt(error, index, "a UID or date");
    STATUS_TRY(index_call_with_text(text, each, arg));
    index_cursor_next(&cursor);
  }
}

cas_status index_list_uids(struct index *index, enum cas_level level, const char *after, index_text_fn each, void *arg,
                           struct cas_error *error) {
  struct index_key prefix;
  index_key_uids(&prefix, level);
  return list_distinct(index, &prefix, after, index_key_read_uid, each, arg, error);
}

cas_status index_list_dates(struct index *index, const char *after, index_text_fn each, void *arg,
                            struct cas_error *error) {
  struct index_key prefix;
  index_key_dates(&prefix);
  return list_distinct(index, &prefix, after, index_key_read_date, each, arg, error);
}

static bool is_after(struct cas_slice text, const char *last) {
  size_t size = strlen(last);
  int order = memcmp(text.data, last, text.size < size ? text.size : size);
  return order > 0 || (order == 0 && text.size > size);
}

cas_status index_find_dates(struct index *index, const char *first, const char *last, index_text_fn each, void *arg,
                            struct cas_error *error) {
  CLEANUP_CURSOR struct index_cursor cursor = {0};
  struct index_key all, start;
  index_key_dates(&all);
  start = all;
  if (first != NULL && !index_key_append(&start, first, strlen(first)))
    return status_fail(error, CAS_INVALID, "index: the first date is too long");
  STATUS_TRY(index_cursor_open(index, index_key_slice(&all), &cursor, error));
  for (index_cursor_seek(&cursor, &start);; index_cursor_next(&cursor)) {
    struct cas_slice rest, value, date, path;
    cas_status status = index_cursor_get(&cursor, &rest, &value, error);
    if (status != CAS_OK) return status == CAS_END ? CAS_OK : status;
    if (!index_key_read_date(rest, &date, &path)) return index_db_corrupt(error, index, "a date");
    if (last != NULL && is_after(date, last)) return CAS_OK;
    STATUS_TRY(index_call_with_text(path, each, arg));
  }
}

/* --- blobs and facts --- */

cas_status index_list_blobs(struct index *index, index_blob_fn each, void *arg, struct cas_error *error) {
  CLEANUP_CURSOR struct index_cursor cursor = {0};
  struct index_key all;
  index_key_blobs(&all);
  STATUS_TRY(index_cursor_open(index, index_key_slice(&all), &cursor, error));
  for (index_cursor_seek(&cursor, &all);; index_cursor_next(&cursor)) {
    struct cas_slice rest, value;
    struct index_blob blob;
    struct blob_id id;
    cas_status status = index_cursor_get(&cursor, &rest, &value, error);
    if (status != CAS_OK) return status == CAS_END ? CAS_OK : status;
    if (!index_key_read_blob(rest, &id) || !index_decode_blob(value, &blob))
      return index_db_corrupt(error, index, "a blob's entry");
    STATUS_TRY(each(arg, &id, &blob));
  }
}

struct fact_call {
  index_fact_fn each;
  void *arg;
  struct cas_slice value;
};

static cas_status call_with_fact(void *arg, const char *name) {
  const struct fact_call *call = arg;
  return call->each(call->arg, name, call->value);
}

cas_status index_list_facts(struct index *index, const char *prefix, const char *after, index_fact_fn each, void *arg,
                            struct cas_error *error) {
  CLEANUP_CURSOR struct index_cursor cursor = {0};
  struct index_key all, start;
  struct cas_slice rest, value;
  if (!index_key_fact(&all, prefix)) return CAS_OK;
  if (!index_key_fact(&start, after != NULL ? after : prefix) || (after != NULL && !index_key_append(&start, "", 1)))
    return status_fail(error, CAS_INVALID, "index: the name of a fact to begin after is too long");
  STATUS_TRY(index_cursor_open(index, index_key_slice(&all), &cursor, error));
  for (index_cursor_seek(&cursor, &start);; index_cursor_next(&cursor)) {
    cas_status status = index_cursor_get(&cursor, &rest, &value, error);
    if (status != CAS_OK) return status == CAS_END ? CAS_OK : status;
    struct fact_call call = {.each = each, .arg = arg, .value = value};
    /* The name is the key but for its kind: the prefix lies before the rest. */
    struct cas_slice name = slice_of(rest.data - (all.size - 1), rest.size + all.size - 1);
    STATUS_TRY(index_call_with_text(name, call_with_fact, &call));
  }
}
