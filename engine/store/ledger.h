/*
 * What is needed: how many manifests and other blobs use a blob, and how many bytes of each segment nobody needs.
 *
 * A blob has a user for each time that a manifest in the tree names it, and for each blob that has it as its
 * dictionary. What is stored and has no user is dead: it takes space until its segment is written anew (compact.h). A
 * blob that is used and not there, because it is damaged or lost, has an entry without a place, so that whoever brings
 * it again finds that it is needed.
 *
 * All changes of blobs and manifest places in the index go through here. Counts may be too high, where a replay met a
 * dictionary twice or a damaged manifest was replaced; never too low.
 *
 * Threads: those of the batch.
 */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "index/index.h"
#include "segment/segment.h"
#include "store/manifest.h"

/* One segment. Zero where nothing is known of it. */
struct ledger_segment {
  uint32_t generation;     /* that the numbers are about */
  uint32_t settled;        /* all places in the index lead into this generation, or past it */
  uint64_t dead_bytes;     /* on disk, of records that nobody needs */
  uint64_t deferred_bytes; /* on disk, of those that are needed and whose encoding was put off */
};

/* CAS_NOT_FOUND also for a blob that is used and not there. `batch` or `index` is NULL. */
CAS_MUST_USE cas_status ledger_find_blob(struct index *index, struct index_batch *batch, const struct blob_id *id,
                                         struct index_blob *blob, struct cas_error *error);

/* A record of the log holds the blob: the one that counts from now on. Its users stay what they are. `payload` is that
 * of the record, or empty where it is damaged or was not read: what its dictionary is used for is counted by it. */
CAS_MUST_USE cas_status ledger_put_blob(struct index_batch *batch, const struct blob_id *id,
                                        const struct index_blob *place, struct cas_slice payload,
                                        struct cas_error *error);

/* The blob's record was written anew in a higher generation of its segment. Nothing happens where the index has the
 * blob elsewhere. */
CAS_MUST_USE cas_status ledger_move_blob(struct index_batch *batch, const struct blob_id *id,
                                         const struct index_blob *to, struct cas_error *error);

/* Whether a record lies in an earlier generation of the segment that `to` leads into. */
bool ledger_is_older(struct record_cookie cookie, struct record_cookie to);

/* The blob's record at `from` is going. CAS_BUSY, and nothing happens, where somebody uses it. `payload` as above. */
CAS_MUST_USE cas_status ledger_drop_blob(struct index_batch *batch, const struct blob_id *id, struct record_cookie from,
                                         struct cas_slice payload, struct cas_error *error);

/* The blob's record at `from` is gone: it is used and not there, or not known any more. */
CAS_MUST_USE cas_status ledger_lose_blob(struct index_batch *batch, const struct blob_id *id, struct record_cookie from,
                                         struct cas_error *error);

/* A manifest comes into the tree, or goes out of it for good. */
CAS_MUST_USE cas_status ledger_use(struct index_batch *batch, const struct manifest *manifest, struct cas_error *error);
CAS_MUST_USE cas_status ledger_disuse(struct index_batch *batch, const struct manifest *manifest,
                                      struct cas_error *error);

/* A record that is no blob, which nobody needs any more. */
CAS_MUST_USE cas_status ledger_kill(struct index_batch *batch, struct record_cookie cookie, struct cas_error *error);

/* The same of a damaged one that another record replaces (superseded.h). It need not be known whose it was. */
CAS_MUST_USE cas_status ledger_supersede(struct index_batch *batch, struct record_cookie cookie,
                                         struct cas_error *error);

CAS_MUST_USE cas_status ledger_get_segment(struct index *index, struct index_batch *batch, uint32_t number,
                                           struct ledger_segment *segment, struct cas_error *error);
CAS_MUST_USE cas_status ledger_put_segment(struct index_batch *batch, uint32_t number,
                                           const struct ledger_segment *segment, struct cas_error *error);

/* In a replay: numbers of this generation begin with it, where the ledger knows none as high. */
CAS_MUST_USE cas_status ledger_note_generation(struct index_batch *batch, uint64_t segment, struct cas_error *error);

/* Bytes that writing segments anew gave back, since the index was made. */
CAS_MUST_USE cas_status ledger_get_reclaimed(struct index *index, struct index_batch *batch, uint64_t *bytes,
                                             struct cas_error *error);
CAS_MUST_USE cas_status ledger_put_reclaimed(struct index_batch *batch, uint64_t bytes, struct cas_error *error);

/* Segments that moved from one tier to the other, since the index was made. */
CAS_MUST_USE cas_status ledger_get_moved(struct index *index, struct index_batch *batch, uint64_t *segments,
                                         struct cas_error *error);
CAS_MUST_USE cas_status ledger_put_moved(struct index_batch *batch, uint64_t segments, struct cas_error *error);

/* All that are known, by ascending numbers. */
typedef cas_status (*ledger_fn)(void *arg, uint32_t number, const struct ledger_segment *segment);
CAS_MUST_USE cas_status ledger_list(struct index *index, ledger_fn each, void *arg, struct cas_error *error);

#endif
