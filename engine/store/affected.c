#include "store/affected.h"

#include "cassette/snapshot.h"
#include "cassette/state.h"
#include "store/blob_read.h"
#include "store/ledger.h"
#include "store/manifest_read.h"

struct search {
  struct cas_store *store;
  const struct scrub_damage *damages;
  size_t count;
  cas_status (*look)(void *arg);
  cas_node_fn each;
  void *arg;
  struct cas_error *error;
};

/* A damage reported for bytes that are no records may begin before the record, and end behind it. */
static bool is_damaged(const struct search *search, struct record_cookie cookie) {
  uint32_t segment;
  uint64_t offset, bytes;
  record_cookie_explain(cookie, &segment, &offset, &bytes);
  for (size_t i = 0; i < search->count; i++) {
    const struct scrub_damage *damage = &search->damages[i];
    if (damage->segment != segment) continue;
    if (damage->offset < offset + bytes && offset < damage->offset + damage->bytes) return true;
  }
  return false;
}

static cas_status blob_is_hit(const struct search *search, const struct manifest_blob *blob, bool *hit) {
  const struct cached_blob *bytes = NULL;
  struct index_blob place;
  cas_status status = ledger_find_blob(search->store->index, NULL, &blob->id, &place, search->error);
  *hit = status == CAS_NOT_FOUND || (status == CAS_OK && is_damaged(search, place.cookie));
  if (status != CAS_OK) return status == CAS_NOT_FOUND ? CAS_OK : status;
  if (*hit || place.codec != CODEC_ZSTD_DICTIONARY) return CAS_OK;
  status = blob_read(search->store, NULL, &blob->id, &bytes, NULL);
  read_cache_unref(search->store->read_cache, bytes);
  *hit = status == CAS_CORRUPT || status == CAS_IO;
  return status_is_scarcity(status) ? status : CAS_OK;
}

static cas_status instance_is_hit(const struct search *search, const struct cas_node *node, bool *hit) {
  struct index_node entry;
  struct manifest manifest;
  cas_status status = index_get_node(search->store->index, node->path, &entry, search->error);
  *hit = false;
  if (status == CAS_NOT_FOUND) return CAS_OK;
  STATUS_TRY(status);
  *hit = is_damaged(search, entry.manifest);
  status = *hit ? CAS_CORRUPT : manifest_read(search->store, entry.manifest, &manifest, NULL);
  index_node_fini(&entry);
  if (status == CAS_CORRUPT || status == CAS_IO) *hit = true;
  if (status != CAS_OK) return status_is_scarcity(status) ? status : CAS_OK;
  for (size_t i = 0; i < manifest.blob_count && status == CAS_OK && !*hit; i++)
    status = blob_is_hit(search, &manifest.blobs[i], hit);
  manifest_fini(&manifest);
  return status;
}

static cas_status look_at(void *arg, const struct cas_node *node) {
  struct search *search = arg;
  bool hit;
  STATUS_TRY(search->look(search->arg));
  STATUS_TRY(instance_is_hit(search, node, &hit));
  return hit ? search->each(search->arg, node) : CAS_OK;
}

cas_status affected_instances(struct cas_store *store, const struct scrub_damage *damages, size_t count,
                              cas_status (*look)(void *arg), cas_node_fn each, void *arg, struct cas_error *error) {
  struct search search = {
      .store = store, .damages = damages, .count = count, .look = look, .each = each, .arg = arg, .error = error};
  struct cas_store *view;
  STATUS_TRY(cas_view_open(store, CAS_STATES_HIDDEN | store->states, &view));
  cas_status status = cas_instances_below(view, "", look_at, &search, error);
  cas_snapshot_close(view);
  return status;
}
