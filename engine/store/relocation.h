/*
 * Bringing the index to a segment's new generation: where its records lie now, and which are gone. Done in several
 * batches, which may be repeated: a crash between them is mended by relocation_adopt() at the next start.
 *
 * Threads: one at a time for a store; the batches are the caller's.
 */
#ifndef STORE_RELOCATION_H
#define STORE_RELOCATION_H

#include "store/ledger.h"
#include "store/store.h"

/* One record. A blob is known by its id, a manifest by its UID and version. */
struct moved_record {
  bool is_manifest, is_dropped;
  uint32_t version;
  struct blob_id id;
  char *uid;                                       /* owned; of a manifest */
  struct index_blob place;                         /* of a blob; with the new cookie, or the old one where dropped */
  uint8_t dictionary[CODEC_DICTIONARY_NAME_BYTES]; /* of a dropped blob that had one */
};

struct relocation {
  uint64_t segment; /* the new generation */
  uint64_t saved;   /* bytes, by which it is shorter */
  struct moved_record *records;
  size_t count, capacity;
};

void relocation_fini(struct relocation *relocation);

CAS_MUST_USE cas_status relocation_add_blob(struct relocation *relocation, const struct blob_id *id,
                                            const struct index_blob *place);
CAS_MUST_USE cas_status relocation_add_manifest(struct relocation *relocation, const char *uid, uint32_t version,
                                                struct record_cookie cookie);
/* `payload` is the blob's. */
CAS_MUST_USE cas_status relocation_drop_blob(struct relocation *relocation, const struct blob_id *id,
                                             const struct index_blob *place, struct cas_slice payload);

/* Puts up to RELOCATION_BATCH_MAX records behind `from` into a batch and says where to go on: *next is `count` at the
 * end, with which the segment is settled. CAS_BUSY, and the batch is as it was: a blob that was to be dropped is in
 * use; the first batch looks at all of them. */
CAS_MUST_USE cas_status relocation_apply(const struct relocation *relocation, size_t from, struct index_batch *batch,
                                         size_t *next, struct cas_error *error);

/* Brings the index to all generations that it does not know of, or not wholly. Applies batches itself: before anybody
 * else writes. Where the cold place is away, those there wait for another start. */
CAS_MUST_USE cas_status relocation_adopt(struct cas_store *store, struct cas_error *error);

#endif
