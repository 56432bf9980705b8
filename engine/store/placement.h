/*
 * Where an instance stands in the tree: its folders, made when they are missing, with their attributes and sums.
 *
 * Names are given once and stay: patient folder "ID name", study "date description accession", series "number modality
 * description", instance "number UID.dcm". Where a sibling bears the name already, a piece of the identity's hash is
 * added.
 *
 * Threads: those of the batch.
 */
#ifndef STORE_PLACEMENT_H
#define STORE_PLACEMENT_H

#include "cassette/attributes.h"
#include "index/index.h"
#include "store/manifest.h"
#include "store/placement_memo.h"

/* Where in the log the manifest lies. */
struct placement_origin {
  struct record_cookie cookie;
  uint64_t group;
};

/*
 * Puts the instance and its ancestors into the batch, with what it uses (ledger.h). One that stands there already (by
 * SOP Instance UID and version) gets the new manifest place and nothing else. The memo is of this index; it is to be
 * forgotten after a failure, and where a batch is not applied.
 */
CAS_MUST_USE cas_status placement_put(struct index_batch *batch, struct placement_memo *memo,
                                      const struct manifest *manifest, const struct cas_attributes *attributes,
                                      const struct placement_origin *origin, struct cas_error *error);

/* The manifest of a version was written anew in a higher generation of its segment. Nothing happens where it lies
 * elsewhere. */
CAS_MUST_USE cas_status placement_move(struct index_batch *batch, const char *sop_instance_uid, uint32_t version,
                                       struct record_cookie cookie, struct cas_error *error);

/* Where the manifest of a version lies. CAS_NOT_FOUND. */
CAS_MUST_USE cas_status placement_find(struct index *index, const char *sop_instance_uid, uint32_t version,
                                       struct record_cookie *cookie, struct cas_error *error);

#endif
