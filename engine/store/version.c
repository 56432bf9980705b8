#include "store/version.h"

#include "store/blob_read.h"
#include "store/manifest_read.h"
#include "store/state_apply.h"

struct comparison {
  struct cas_store *store;
  struct index_batch *batch;
  const struct group_manifests *group;
  const struct manifest *manifest;
  struct cas_slice fresh_header;
  struct version_decision *decision;
  uint32_t newest;
  bool decided;
  struct cas_error *error;
};

/* What a header blob says behind the file meta information; nothing where the offset lies outside. */
static struct cas_slice text_behind(struct cas_slice header, uint64_t data_set_offset) {
  if (data_set_offset > header.size) return slice_of(NULL, 0);
  return slice_of(header.data + data_set_offset, header.size - data_set_offset);
}

static cas_status same_header_text(const struct comparison *c, const struct manifest *stored, bool *same) {
  const struct cached_blob *fresh = NULL, *old = NULL;
  struct cas_slice fresh_header = c->fresh_header;
  cas_status status = CAS_OK;
  *same = false;
  if (fresh_header.size == 0) {
    status = blob_read(c->store, c->batch, &c->manifest->blobs[0].id, &fresh, c->error);
    if (status == CAS_OK) fresh_header = slice_of(fresh->bytes, fresh->size);
  }
  if (status == CAS_OK) status = blob_read(c->store, c->batch, &stored->blobs[0].id, &old, c->error);
  if (status == CAS_OK)
    *same = slice_equal(text_behind(fresh_header, c->manifest->data_set_offset),
                        text_behind(slice_of(old->bytes, old->size), stored->data_set_offset));
  read_cache_unref(c->store->read_cache, fresh);
  read_cache_unref(c->store->read_cache, old);
  return status;
}

/* Offsets into the first header blob count from the data set on; all other blobs must be the same ones. */
static bool same_structure(const struct manifest *a, const struct manifest *b) {
  if (a->blob_count != b->blob_count || a->piece_count != b->piece_count || a->piece_count == 0) return false;
  if (a->file_size - a->data_set_offset != b->file_size - b->data_set_offset) return false;
  for (size_t i = 1; i < a->blob_count; i++)
    if (!blob_id_equal(&a->blobs[i].id, &b->blobs[i].id)) return false;
  for (size_t i = 0; i < a->piece_count; i++) {
    const struct manifest_piece *p = &a->pieces[i], *q = &b->pieces[i];
    uint64_t p_shift = p->blob == 0 ? a->data_set_offset : 0, q_shift = q->blob == 0 ? b->data_set_offset : 0;
    if (p->blob != q->blob || (uint64_t)p->offset + q_shift + (i == 0 ? p_shift : 0) !=
                                  (uint64_t)q->offset + p_shift + (i == 0 ? q_shift : 0))
      return false;
    if (i > 0 && p->size != q->size) return false;
  }
  return true;
}

static cas_status same_data_set(const struct comparison *c, const struct manifest *stored, bool *same) {
  *same = false;
  if (!hash_equal(&c->manifest->data_set_hash, &stored->data_set_hash)) return CAS_OK;
  if (!same_structure(c->manifest, stored)) return CAS_OK;
  return same_header_text(c, stored, same);
}

static void decide(struct comparison *c, uint32_t version, bool writes_manifest) {
  *c->decision =
      (struct version_decision){.outcome = CAS_DUPLICATE, .version = version, .writes_manifest = writes_manifest};
  c->decided = true;
}

static cas_status compare(struct comparison *c, const struct index_node *node, const struct manifest *stored) {
  bool same = manifest_same_file(c->manifest, stored);
  if (!same && c->manifest->origin == CAS_ORIGIN_RECEIVED) {
    cas_status status = same_data_set(c, stored, &same);
    if (status == CAS_CORRUPT || status == CAS_IO || status == CAS_AWAY)
      same = false; /* what cannot be read cannot be the same: the good bytes are kept */
    else
      STATUS_TRY(status);
  }
  if (same) decide(c, node->version, false);
  return CAS_OK;
}

/* The manifest in the open group, or NULL. */
static const struct manifest *find_in_group(const struct group_manifests *group, const struct record_cookie *cookie) {
  for (size_t i = 0; i < group->count; i++)
    if (memcmp(group->cookies[i].bytes, cookie->bytes, sizeof cookie->bytes) == 0) return group->manifests[i];
  return NULL;
}

/* What was put away on purpose and is sent again comes back, as a new version; what was rejected for good does not. */
static bool may_come_back(const struct index_node *node) {
  enum cas_state state = states_at(slice_of_buffer(&node->states), STORE_MOMENT_NOW);
  return state == CAS_STATE_DELETED || state == CAS_STATE_DISCARDED || state == CAS_STATE_HIDDEN_OTHER ||
         state == CAS_STATE_HIDDEN_RETENTION;
}

static cas_status compare_node(struct comparison *c, const struct index_node *node) {
  if (node->version > c->newest) c->newest = node->version;
  if (may_come_back(node)) return CAS_OK;
  const struct manifest *open = find_in_group(c->group, &node->manifest);
  if (open != NULL) return compare(c, node, open);
  bool same_name = hash_equal(&node->content_hash, &c->manifest->content_hash);
  if (!same_name && c->manifest->origin != CAS_ORIGIN_RECEIVED) return CAS_OK;
  struct manifest stored;
  cas_status status = manifest_read(c->store, node->manifest, &stored, c->error);
  /* It comes back with the cold place: it stays, and what cannot be compared with it is another version. */
  if (status == CAS_AWAY) return CAS_OK;
  if (status == CAS_CORRUPT || status == CAS_IO) {
    if (!same_name) return CAS_OK;
    decide(c, node->version, true);
    /* What the index knows from before there were snapshots is older than all of them. */
    c->decision->since = node->first_group != 0 ? node->first_group : 1;
    c->decision->arrival_ns = node->first_arrival_ns;
    c->decision->replaced = node->manifest;
    return CAS_OK;
  }
  STATUS_TRY(status);
  status = compare(c, node, &stored);
  manifest_fini(&stored);
  return status;
}

static cas_status compare_path(void *arg, const char *path) {
  struct comparison *c = arg;
  struct index_node node = {0};
  STATUS_TRY(index_batch_get_node(c->batch, path, &node, c->error));
  cas_status status = c->decided ? CAS_OK : compare_node(c, &node);
  index_node_fini(&node);
  return status;
}

cas_status version_decide(struct cas_store *store, struct index_batch *batch, const struct group_manifests *group,
                          const struct fresh_manifest *fresh, struct version_decision *decision,
                          struct cas_error *error) {
  struct comparison c = {.store = store,
                         .batch = batch,
                         .group = group,
                         .manifest = fresh->manifest,
                         .fresh_header = fresh->header,
                         .decision = decision,
                         .error = error};
  CLEANUP_BUFFER struct cas_buffer history = {0};
  const char *uid = fresh->manifest->sop_instance_uid;
  STATUS_TRY(state_get_history(batch, uid, &history, error));
  c.newest = state_history_newest(slice_of_buffer(&history));
  cas_status status = index_batch_find_uid(batch, CAS_LEVEL_INSTANCE, uid, compare_path, &c, error);
  if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
  if (!c.decided)
    *decision = (struct version_decision){
        .outcome = c.newest == 0 ? CAS_STORED : CAS_NEW_VERSION, .version = c.newest + 1, .writes_manifest = true};
  return CAS_OK;
}

void version_settle(const struct version_decision *decision, struct manifest *manifest) {
  manifest->version = decision->version;
  if (!decision->writes_manifest) manifest->states = 0;
  if (decision->since == 0) return;
  manifest->since = decision->since;
  manifest->arrival_ns = decision->arrival_ns;
  manifest->replaced = decision->replaced;
}
