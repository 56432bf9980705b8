/*
 * Owns the terms of nodes: what else than UIDs and dates they are found by.
 *
 *  1. The terms of a node follow from its attributes alone, so its value need not keep them.
 *  2. A node whose attributes stay costs nothing here: that is every instance but the first of its series.
 */
#include "base/status.h"
#include "index/index_lookup.h"

void index_set_terms(struct index *index, index_terms_fn terms) { index->terms = terms; }

/* A prefix of a text is as good as the text: what is found is compared anyway. */
static struct cas_slice cut(struct cas_slice text) {
  if (text.size > INDEX_TERM_BYTES_MAX) text.size = INDEX_TERM_BYTES_MAX;
  return text;
}

struct moving {
  struct index_batch *batch;
  const char *path;
  bool deletes;
};

static cas_status move_term(void *arg, char field, struct cas_slice text) {
  const struct moving *moving = arg;
  struct index_key key;
  text = cut(text);
  if (text.size == 0 || !index_key_term(&key, field, text, moving->path)) return CAS_OK;
  if (moving->deletes) return index_changes_delete(&moving->batch->changes, &key);
  return index_changes_put(&moving->batch->changes, &key, slice_of("", 0));
}

cas_status index_batch_move_terms(struct index_batch *batch, enum cas_level level, const char *path,
                                  struct cas_slice old, struct cas_slice attributes) {
  struct moving moving = {.batch = batch, .path = path, .deletes = true};
  index_terms_fn terms = batch->index->terms;
  if (terms == NULL || slice_equal(old, attributes)) return CAS_OK;
  if (old.size > 0) STATUS_TRY(terms(level, old, move_term, &moving));
  moving.deletes = false;
  return terms(level, attributes, move_term, &moving);
}

cas_status index_find_terms(struct index *index, char field, struct cas_slice text, bool whole, index_text_fn each,
                            void *arg, struct cas_error *error) {
  CLEANUP_CURSOR struct index_cursor cursor = {0};
  struct index_key prefix;
  if (!index_key_terms(&prefix, field, cut(text), whole && text.size <= INDEX_TERM_BYTES_MAX)) return CAS_OK;
  STATUS_TRY(index_cursor_open(index, index_key_slice(&prefix), &cursor, error));
  for (index_cursor_seek(&cursor, &prefix);; index_cursor_next(&cursor)) {
    struct cas_slice rest, value, path;
    cas_status status = index_cursor_get(&cursor, &rest, &value, error);
    if (status != CAS_OK) return status == CAS_END ? CAS_OK : status;
    const uint8_t *end = whole || rest.size == 0 ? NULL : memchr(rest.data, 0, rest.size);
    path = end != NULL ? slice_of(end + 1, rest.size - (size_t)(end + 1 - rest.data)) : rest;
    /* A cut text that was asked for whole has its NUL behind the prefix. */
    if (path.size > 0 && path.data[0] == 0) path = slice_of(path.data + 1, path.size - 1);
    if (path.size == 0 || path.size > INDEX_PATH_BYTES_MAX) return index_db_corrupt(error, index, "a term");
    STATUS_TRY(index_call_with_text(path, each, arg));
  }
}
