/*
 * Owns writing: a batch of changes that reads itself, and the totals that follow it.
 *
 *  1. Everything of a batch is in one RocksDB write, so it is seen whole or not at all, by readers and after a crash.
 *  2. The totals in the batch are those of the index with the batch applied.
 *  3. A node has exactly the name, UID, date and term entries that its value says: replacing it deletes those that it
 *     had.
 */
#include <assert.h>

#include "base/status.h"
#include "index/index_lookup.h"

cas_status index_batch_begin(struct index *index, struct index_batch **out, struct cas_error *error) {
  assert(index->batch == NULL && index->scratch == NULL);
  struct index_batch *batch = calloc(1, sizeof *batch);
  if (batch == NULL) return status_fail(error, CAS_NO_MEMORY, "index: out of memory");
  batch->index = index;
  batch->changes = index->spare;
  index->spare = (struct index_changes){0};
  index->batch = batch;
  cas_status status = index_lookup_totals(index_source_of_batch(batch), &batch->totals, error);
  if (status != CAS_OK) {
    index_batch_abort(batch);
    return status;
  }
  *out = batch;
  return CAS_OK;
}

void index_batch_abort(struct index_batch *batch) {
  if (batch == NULL) return;
  batch->index->batch = NULL;
  index_changes_fini(&batch->changes);
  cas_buffer_fini(&batch->scratch);
  free(batch);
}

/* Out of memory, a change is lost: the changes remember, and whoever reads or applies them hears of it. */
static void put(struct index_batch *batch, const struct index_key *key, struct cas_slice value) {
  (void)!index_changes_put(&batch->changes, key, value);
}

static void delete_key(struct index_batch *batch, const struct index_key *key) {
  (void)!index_changes_delete(&batch->changes, key);
}

cas_status index_batch_check(const struct index_batch *batch, struct cas_error *error) {
  if (!batch->changes.incomplete) return CAS_OK;
  return status_fail(error, CAS_NO_MEMORY, "index %s: out of memory", batch->index->folder);
}

/* What is about to be written; a deletion of what never was need not be. */
static void note_written(struct index_written *written, struct index_changes *changes) {
  if (written == NULL) return;
  for (size_t i = 0; i < changes->count; i++) {
    struct index_change *change = &changes->changes[i];
    if (!change->deletes)
      index_written_add(written, change->hash);
    else if (!index_written_may_have(written, change->hash))
      change->absent = true;
  }
}

cas_status index_batch_apply(struct index_batch *batch, struct cas_error *error) {
  struct index *index = batch->index;
  uint8_t totals[INDEX_TOTALS_VALUE_BYTES_MAX];
  struct index_key key;
  index_key_totals(&key);
  put(batch, &key, slice_of(totals, index_encode_totals(&batch->totals, totals)));
  cas_status status = index_batch_check(batch, error);
  if (status != CAS_OK) {
    index_batch_abort(batch);
    return status;
  }
  if (index->db == NULL) {
    index_batch_abort(batch);
    return status_fail(error, CAS_IO, "index %s: could not be opened anew", index->folder);
  }
  note_written(index->written, &batch->changes);
  if (index->applier == NULL) {
    status = index_batch_write(index, &batch->changes, error);
  } else {
    status = index_applier_hand_over(index->applier, &batch->changes, error);
    index->spare = batch->changes;
    index_changes_clear(&index->spare);
    batch->changes = (struct index_changes){0};
  }
  index_batch_abort(batch);
  return status;
}

/* --- reading --- */

cas_status index_batch_get_blob(struct index_batch *batch, const struct blob_id *id, struct index_blob *blob,
                                struct cas_error *error) {
  return index_lookup_blob(index_source_of_batch(batch), id, blob, error);
}

cas_status index_batch_get_node(struct index_batch *batch, const char *path, struct index_node *node,
                                struct cas_error *error) {
  return index_lookup_node(index_source_of_batch(batch), path, node, error);
}

cas_status index_batch_get_name(struct index_batch *batch, const char *parent, const char *identity, char *name,
                                size_t capacity, struct cas_error *error) {
  return index_lookup_name(index_source_of_batch(batch), parent, identity, name, capacity, error);
}

/* --- blobs and facts --- */

cas_status index_batch_put_blob(struct index_batch *batch, const struct blob_id *id, const struct index_blob *blob,
                                struct cas_error *error) {
  if (blob->codec >= INDEX_CODECS_MAX)
    return status_fail(error, CAS_INVALID, "index: codec %u is not below %d", blob->codec, INDEX_CODECS_MAX);
  struct index_totals *totals = &batch->totals;
  struct index_blob old;
  cas_status status = index_lookup_blob(index_source_of_batch(batch), id, &old, error);
  if (status == CAS_OK) {
    totals->raw_bytes[old.codec] -= old.raw_size;
    totals->stored_bytes[old.codec] -= old.stored_size;
    if (memcmp(&old.cookie, &blob->cookie, sizeof old.cookie) != 0) totals->superseded_bytes += old.stored_size;
  } else if (status == CAS_NOT_FOUND) {
    totals->blobs++;
  } else {
    return status;
  }
  totals->raw_bytes[blob->codec] += blob->raw_size;
  totals->stored_bytes[blob->codec] += blob->stored_size;
  uint8_t value[INDEX_BLOB_VALUE_BYTES_MAX];
  struct index_key key;
  index_key_blob(&key, id);
  put(batch, &key, slice_of(value, index_encode_blob(blob, value)));
  return CAS_OK;
}

cas_status index_batch_delete_blob(struct index_batch *batch, const struct blob_id *id, struct cas_error *error) {
  struct index_totals *totals = &batch->totals;
  struct index_blob old;
  struct index_key key;
  cas_status status = index_lookup_blob(index_source_of_batch(batch), id, &old, error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  STATUS_TRY(status);
  totals->blobs--;
  totals->raw_bytes[old.codec] -= old.raw_size;
  totals->stored_bytes[old.codec] -= old.stored_size;
  index_key_blob(&key, id);
  delete_key(batch, &key);
  return CAS_OK;
}

cas_status index_batch_put_fact(struct index_batch *batch, const char *name, struct cas_slice value,
                                struct cas_error *error) {
  struct index_key key;
  if (!index_key_fact(&key, name)) return status_fail(error, CAS_INVALID, "index: the name of a fact is too long");
  put(batch, &key, value);
  return CAS_OK;
}

cas_status index_batch_get_fact(struct index_batch *batch, const char *name, struct cas_buffer *value,
                                struct cas_error *error) {
  return index_lookup_fact(index_source_of_batch(batch), name, value, error);
}

void index_batch_delete_fact(struct index_batch *batch, const char *name) {
  struct index_key key;
  if (index_key_fact(&key, name)) delete_key(batch, &key);
}

void index_batch_count_manifest(struct index_batch *batch, uint64_t bytes_on_disk) {
  batch->totals.manifest_bytes += bytes_on_disk;
}

/* --- nodes --- */

/* The keys that lead to a node besides its own. */
struct node_keys {
  struct index_key name, uid, date;
  bool has_uid, has_date;
};

static bool make_keys(struct node_keys *keys, enum cas_level level, const char *path,
                      const struct index_node_value *value) {
  struct cas_slice parent, name;
  index_path_split(path, &parent, &name);
  keys->has_uid = value->uid.size > 0;
  keys->has_date = value->date.size > 0;
  if (!index_key_name(&keys->name, parent, value->identity)) return false;
  if (keys->has_uid && !index_key_uid(&keys->uid, level, value->uid, value->version, path)) return false;
  return !keys->has_date || index_key_date(&keys->date, value->date, path);
}

static bool key_equal(const struct index_key *a, const struct index_key *b) {
  return slice_equal(index_key_slice(a), index_key_slice(b));
}

/* Moves an entry that leads to a node from its old key to the new one; either may be NULL. */
static void move_key(struct index_batch *batch, const struct index_key *old, const struct index_key *key,
                     struct cas_slice value) {
  if (old != NULL && key != NULL && key_equal(old, key)) return;
  if (old != NULL) delete_key(batch, old);
  if (key != NULL) put(batch, key, value);
}

/* CAS_EXISTS if another child of the same parent has this identity. */
static cas_status check_identity(struct index_batch *batch, const struct index_key *key, struct cas_slice name,
                                 const char *path, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer owner = {0};
  cas_status status = index_db_get(index_source_of_batch(batch), key, &owner, error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  if (status != CAS_OK || slice_equal(slice_of_buffer(&owner), name)) return status;
  return status_fail(error, CAS_EXISTS, "index: %s has the identity of its brother %.*s", path, (int)owner.size,
                     (const char *)owner.data);
}

static void put_keys(struct index_batch *batch, struct cas_slice name, const struct node_keys *keys,
                     const struct node_keys *old) {
  const struct cas_slice nothing = slice_of("", 0);
  move_key(batch, old == NULL ? NULL : &old->name, &keys->name, name);
  move_key(batch, old != NULL && old->has_uid ? &old->uid : NULL, keys->has_uid ? &keys->uid : NULL, nothing);
  move_key(batch, old != NULL && old->has_date ? &old->date : NULL, keys->has_date ? &keys->date : NULL, nothing);
}

static uint64_t *counter(struct index_totals *totals, enum cas_level level) {
  switch (level) {
  case CAS_LEVEL_PATIENT: return &totals->patients;
  case CAS_LEVEL_STUDY: return &totals->studies;
  case CAS_LEVEL_SERIES: return &totals->series;
  default: return &totals->instances;
  }
}

static bool is_shown(const struct index_node_value *value) { return value->gone == 0 || value->instances > 0; }

/* Counts a node in the totals instead of its old value, which is NULL for a new one. */
static void count_node(struct index_totals *totals, enum cas_level level, const struct index_node_value *value,
                       const struct index_node_value *old) {
  bool instance = level == CAS_LEVEL_INSTANCE;
  if (value->last_arrival_ns > totals->last_arrival_ns) totals->last_arrival_ns = value->last_arrival_ns;
  if (old != NULL && is_shown(old)) {
    --*counter(totals, level);
    if (instance) totals->instance_bytes -= old->bytes;
  } else if (old != NULL && instance) {
    totals->gone_instances--;
  }
  if (is_shown(value)) {
    ++*counter(totals, level);
    if (instance) totals->instance_bytes += value->bytes;
  } else if (instance) {
    totals->gone_instances++;
  }
}

static struct cas_slice slice_of_text(const char *text) {
  return text == NULL ? slice_of("", 0) : slice_of(text, strlen(text));
}

static struct index_node_value value_of(const struct index_node *node, const char *uid, const char *date) {
  bool instance = node->level == CAS_LEVEL_INSTANCE;
  struct index_node_value value = {
      .identity = slice_of_text(node->identity),
      .uid = slice_of_text(uid),
      .date = slice_of_text(node->level == CAS_LEVEL_STUDY ? date : NULL),
      .attributes = slice_of_buffer(&node->attributes),
      .states = slice_of_buffer(&node->states),
      .first_arrival_ns = node->first_arrival_ns,
      .last_arrival_ns = node->last_arrival_ns,
      .instances = node->instances,
      .bytes = node->bytes,
      .gone = node->gone,
      .first_group = node->first_group,
      .last_group = node->last_group,
      .date_group = node->last_group,
      .version = instance ? node->version : 0,
  };
  if (instance) {
    value.content_hash = node->content_hash;
    value.manifest = node->manifest;
  }
  return value;
}

cas_status index_batch_put_node(struct index_batch *batch, const struct index_node *node, const char *uid,
                                const char *date, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer old_bytes = {0};
  struct index_node_value value = value_of(node, uid, date), old_value;
  struct node_keys keys, old_keys;
  struct index_key key;
  struct cas_slice parent, name;
  if (!index_key_node(&key, node->path) || index_path_level(node->path) != (unsigned)node->level)
    return status_fail(error, CAS_INVALID, "index: '%s' is no path of level %d", node->path, (int)node->level);
  if (!make_keys(&keys, node->level, node->path, &value) || value.states.size > INDEX_STATES_BYTES_MAX)
    return status_fail(error, CAS_INVALID, "index: a text of '%s' is longer than %u", node->path, INDEX_TEXT_BYTES_MAX);
  index_path_split(node->path, &parent, &name);
  cas_status status = index_lookup_value(index_source_of_batch(batch), node->path, &old_bytes, &old_value, error);
  if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
  bool replaces = status == CAS_OK;
  if (replaces && !make_keys(&old_keys, node->level, node->path, &old_value))
    return index_db_corrupt(error, batch->index, "a node");
  if (replaces && slice_equal(value.date, old_value.date)) value.date_group = old_value.date_group;
  if (!replaces || !key_equal(&keys.name, &old_keys.name))
    STATUS_TRY(check_identity(batch, &keys.name, name, node->path, error));
  batch->scratch.size = 0;
  status = index_encode_node(&value, node->level, &batch->scratch);
  if (status != CAS_OK) return status_fail(error, status, "index: out of memory");
  struct cas_slice old_attributes = replaces ? old_value.attributes : slice_of("", 0);
  status = index_batch_move_terms(batch, node->level, node->path, old_attributes, value.attributes);
  if (status == CAS_NO_MEMORY) batch->changes.incomplete = true; /* some terms may have moved */
  STATUS_TRY(index_batch_check(batch, error));
  if (status != CAS_OK) return status_fail(error, status, "index: the attributes of '%s' cannot be read", node->path);
  put(batch, &key, slice_of_buffer(&batch->scratch));
  put_keys(batch, name, &keys, replaces ? &old_keys : NULL);
  count_node(&batch->totals, node->level, &value, replaces ? &old_value : NULL);
  return CAS_OK;
}

static void give_sums(const struct index_node_value *value, struct index_node *node) {
  node->first_arrival_ns = value->first_arrival_ns;
  node->last_arrival_ns = value->last_arrival_ns;
  node->instances = value->instances;
  node->bytes = value->bytes;
  node->gone = value->gone;
  node->first_group = value->first_group;
  node->last_group = value->last_group;
}

static void take_sums(const struct index_node *node, struct index_node_value *value) {
  value->first_arrival_ns = node->first_arrival_ns;
  value->last_arrival_ns = node->last_arrival_ns;
  value->instances = node->instances;
  value->bytes = node->bytes;
  value->gone = node->gone;
  value->first_group = node->first_group;
  value->last_group = node->last_group;
}

cas_status index_batch_change_sums(struct index_batch *batch, const char *path, index_sums_fn change, const void *arg,
                                   struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer room = {0};
  enum cas_level level = (enum cas_level)index_path_level(path);
  struct index_node_value old, value;
  struct index_node node = {.level = level};
  struct index_key key;
  struct cas_slice bytes;
  if (!index_key_node(&key, path)) return CAS_NOT_FOUND;
  STATUS_TRY(index_db_borrow(index_source_of_batch(batch), &key, &room, &bytes, error));
  if (!index_decode_node(bytes, level, &old)) return index_db_corrupt(error, batch->index, "a node");
  value = old;
  give_sums(&old, &node);
  change(arg, &node);
  take_sums(&node, &value);
  batch->scratch.size = 0;
  cas_status status = index_encode_node(&value, level, &batch->scratch);
  if (status != CAS_OK) return status_fail(error, status, "index: out of memory");
  count_node(&batch->totals, level, &value, &old);
  put(batch, &key, slice_of_buffer(&batch->scratch));
  return CAS_OK;
}

static void copy_text(struct cas_slice text, char copy[INDEX_TEXT_BYTES_MAX + 1]) {
  if (text.size > 0) memcpy(copy, text.data, text.size);
  copy[text.size] = '\0';
}

cas_status index_batch_change_node(struct index_batch *batch, const struct index_node *node, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer old_bytes = {0};
  struct index_node_value old;
  char uid[INDEX_TEXT_BYTES_MAX + 1], date[INDEX_TEXT_BYTES_MAX + 1];
  STATUS_TRY(index_lookup_value(index_source_of_batch(batch), node->path, &old_bytes, &old, error));
  copy_text(old.uid, uid);
  copy_text(old.date, date);
  return index_batch_put_node(batch, node, uid, date, error);
}
