/* Looking up one entry, in the index or under a batch. Only for the files of this folder; index.h says what each does.
 */
#ifndef INDEX_INDEX_LOOKUP_H
#define INDEX_INDEX_LOOKUP_H

#include "index/index_db.h"
#include "index/index_values.h"

CAS_MUST_USE cas_status index_lookup_blob(struct index_source source, const struct blob_id *id, struct index_blob *blob,
                                          struct cas_error *error);
CAS_MUST_USE cas_status index_lookup_node(struct index_source source, const char *path, struct index_node *node,
                                          struct cas_error *error);
CAS_MUST_USE cas_status index_lookup_name(struct index_source source, const char *parent, const char *identity,
                                          char *name, size_t capacity, struct cas_error *error);
CAS_MUST_USE cas_status index_lookup_totals(struct index_source source, struct index_totals *totals,
                                            struct cas_error *error);

/* The decoded value borrows from `bytes`, which must be empty and becomes the caller's. */
CAS_MUST_USE cas_status index_lookup_value(struct index_source source, const char *path, struct cas_buffer *bytes,
                                           struct index_node_value *value, struct cas_error *error);

/* Calls back for the nodes of `level` from the cursor's place on, to the end of its prefix: the children of `parent`.
 */
CAS_MUST_USE cas_status index_list_children(struct index_cursor *cursor, enum cas_level level, const char *parent,
                                            index_node_fn each, void *arg, struct cas_error *error);

/* Calls back with a copy of a path, UID or date that was read from a key. */
CAS_MUST_USE cas_status index_call_with_text(struct cas_slice text, index_text_fn each, void *arg);

CAS_MUST_USE cas_status index_lookup_fact(struct index_source source, const char *name, struct cas_buffer *value,
                                          struct cas_error *error);

#endif
