/*
 * Reading an instance by ranges: piece by piece, each from its verified blob.
 */
#include "cassette/reader.h"

#include <stdio.h>

#include "base/limits.h"
#include "codec/codec.h"
#include "store/blob_read.h"
#include "store/ledger.h"
#include "store/manifest_read.h"
#include "store/moment.h"

struct cas_reader {
  struct cas_store *store;
  struct manifest manifest;
  uint64_t *ends; /* of the pieces, in the file */
};

static cas_status index_pieces(struct cas_reader *reader) {
  uint64_t end = 0;
  reader->ends = calloc(reader->manifest.piece_count + 1, sizeof *reader->ends);
  if (reader->ends == NULL) return CAS_NO_MEMORY;
  for (size_t i = 0; i < reader->manifest.piece_count; i++) reader->ends[i] = end += reader->manifest.pieces[i].size;
  return CAS_OK;
}

/* Where the instance's manifest lies. */
static cas_status find_manifest(struct cas_store *store, const char *path, struct record_cookie *cookie,
                                struct cas_error *error) {
  struct index_node node = {0};
  STATUS_TRY(index_get_node(store->index, path, &node, error));
  bool is_instance = node.level == CAS_LEVEL_INSTANCE;
  cas_status found = is_instance ? moment_apply(store, &node, error) : CAS_OK;
  *cookie = node.manifest;
  index_node_fini(&node);
  STATUS_TRY(found);
  return is_instance ? CAS_OK : status_fail(error, CAS_INVALID, "%s is no instance", path);
}

/* A segment that is not there may have been written anew since the place was looked up: then there is another place. */
static cas_status read_manifest(struct cas_store *store, const char *path, struct manifest *manifest,
                                struct cas_error *error) {
  struct record_cookie cookie, before;
  STATUS_TRY(find_manifest(store, path, &cookie, error));
  for (unsigned attempt = 0;; attempt++) {
    cas_status status = manifest_read_at(store_whole(store), cookie, manifest, error);
    if (status != CAS_NOT_FOUND) return status;
    before = cookie;
    bool viewed = index_refresh(store->index, NULL) == CAS_OK;
    if (viewed) STATUS_TRY(find_manifest(store, path, &cookie, error));
    if (attempt == PLACE_ATTEMPTS_MAX || (viewed && memcmp(before.bytes, cookie.bytes, sizeof before.bytes) == 0))
      return status_fail(error, CAS_CORRUPT, "the segment of the manifest of %s is missing", path);
  }
}

cas_status cas_reader_open(struct cas_store *store, const char *path, struct cas_reader **reader,
                           struct cas_error *error) {
  struct cas_reader *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return CAS_NO_MEMORY;
  opened->store = store_whole(store);
  cas_status status = read_manifest(store, path, &opened->manifest, error);
  if (status == CAS_OK) status = index_pieces(opened);
  if (status != CAS_OK) {
    cas_reader_close(opened);
    return status;
  }
  *reader = opened;
  return CAS_OK;
}

void cas_reader_close(struct cas_reader *reader) {
  if (reader == NULL) return;
  manifest_fini(&reader->manifest);
  free(reader->ends);
  free(reader);
}

uint64_t cas_reader_size(const struct cas_reader *reader) { return reader->manifest.file_size; }

uint64_t cas_reader_data_set_offset(const struct cas_reader *reader) { return reader->manifest.data_set_offset; }

const char *cas_reader_source(const struct cas_reader *reader) { return reader->manifest.source; }

/* Writes the names of the codecs in `used`, a set of bits. */
static void name_codecs(uint32_t used, char *names, size_t size) {
  size_t length = 0;
  names[0] = '\0';
  for (uint8_t id = 0; id < CODEC_COUNT; id++) {
    if ((used >> id & 1) == 0) continue;
    snprintf(names + length, size - length, "%s%s", length > 0 ? "," : "", codec_name(id));
    length += strlen(names + length);
  }
}

enum { IN_HOT = 1, IN_COLD = 2, IS_AWAY = 4 };

/* Adds where a blob's segment lies. What cannot be opened is where the index has it, as far as anybody knows. */
static unsigned tier_of(struct cas_store *store, struct record_cookie cookie) {
  enum volume_tier tier = VOLUME_HOT;
  cas_status status = volume_tier_of(store->volume, record_cookie_segment(cookie), &tier, NULL);
  return status == CAS_AWAY ? IS_AWAY : tier == VOLUME_COLD ? IN_COLD : IN_HOT;
}

static void name_tiers(unsigned tiers, char *names, size_t size) {
  snprintf(names, size, "%s%s%s%s%s", tiers & IN_HOT ? "hot" : "",
           (tiers & IN_HOT) && (tiers & (IN_COLD | IS_AWAY)) ? "," : "", tiers & IN_COLD ? "cold" : "",
           (tiers & IN_COLD) && (tiers & IS_AWAY) ? "," : "", tiers & IS_AWAY ? "away" : "");
}

cas_status cas_reader_storage(struct cas_reader *reader, struct cas_storage *storage, struct cas_error *error) {
  struct cas_storage found = {0};
  uint32_t codecs_used = 0;
  uint64_t segment = 0;
  unsigned tiers = 0;
  for (size_t i = 0; i < reader->manifest.blob_count; i++) {
    struct index_blob blob;
    cas_status status = ledger_find_blob(reader->store->index, NULL, &reader->manifest.blobs[i].id, &blob, error);
    if (status == CAS_NOT_FOUND) return status_fail(error, CAS_CORRUPT, "a blob is missing in the index");
    if (status != CAS_OK) return status;
    found.stored_bytes += blob.stored_size;
    codecs_used |= 1u << blob.codec;
    if (record_cookie_segment(blob.cookie) != segment) tiers |= tier_of(reader->store, blob.cookie);
    segment = record_cookie_segment(blob.cookie);
  }
  name_codecs(codecs_used, found.codecs, sizeof found.codecs);
  name_tiers(tiers, found.tier, sizeof found.tier);
  *storage = found;
  return CAS_OK;
}

/* The first piece that ends behind `offset`. */
static size_t find_piece(const struct cas_reader *reader, uint64_t offset) {
  size_t low = 0, high = reader->manifest.piece_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (reader->ends[middle] <= offset)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Copies from one piece, beginning `skip` bytes into it. */
static cas_status copy_from(struct cas_reader *reader, const struct manifest_piece *piece, uint32_t skip,
                            uint8_t *bytes, size_t size, struct cas_error *error) {
  const struct cached_blob *blob;
  STATUS_TRY(blob_read(reader->store, NULL, &reader->manifest.blobs[piece->blob].id, &blob, error));
  bool fits = (uint64_t)piece->offset + skip + size <= blob->size;
  if (fits) memcpy(bytes, blob->bytes + piece->offset + skip, size);
  if (fits && piece->offset + skip + size == blob->size)
    read_cache_retire(reader->store->read_cache, blob);
  else
    read_cache_unref(reader->store->read_cache, blob);
  return fits ? CAS_OK : status_fail(error, CAS_CORRUPT, "a blob is shorter than its manifest says");
}

cas_status cas_reader_read(struct cas_reader *reader, uint64_t offset, uint8_t *bytes, size_t size, size_t *got,
                           struct cas_error *error) {
  size_t done = 0;
  for (size_t i = find_piece(reader, offset); i < reader->manifest.piece_count && done < size; i++) {
    const struct manifest_piece *piece = &reader->manifest.pieces[i];
    uint32_t skip = (uint32_t)(offset + done - (reader->ends[i] - piece->size));
    size_t part = piece->size - skip < size - done ? piece->size - skip : size - done;
    STATUS_TRY(copy_from(reader, piece, skip, bytes + done, part, error));
    done += part;
  }
  *got = done;
  return CAS_OK;
}

void cas_reader_prefetch(struct cas_reader *reader, uint64_t offset, uint64_t size) {
  const struct manifest *manifest = &reader->manifest;
  for (size_t i = find_piece(reader, offset); i < manifest->piece_count; i++) {
    const struct cached_blob *blob;
    if (reader->ends[i] - manifest->pieces[i].size >= offset + size) return;
    if (blob_read(reader->store, NULL, &manifest->blobs[manifest->pieces[i].blob].id, &blob, NULL) != CAS_OK) return;
    read_cache_unref(reader->store->read_cache, blob);
  }
}
