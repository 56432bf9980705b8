/*
 * Whether an instance is new, known, or another version of a known SOP Instance UID (P8).
 *
 * Threads: those of the batch.
 */
#ifndef STORE_VERSION_H
#define STORE_VERSION_H

#include "store/manifest.h"
#include "store/store.h"

/* What the open group holds already and the segments not yet. */
struct group_manifests {
  const struct manifest *const *manifests;
  const struct record_cookie *cookies;
  size_t count;
};

/* A manifest to be compared, and the bytes of its first header blob where they are not in the segments yet (else
 * empty). */
struct fresh_manifest {
  const struct manifest *manifest;
  struct cas_slice header;
};

struct version_decision {
  enum cas_outcome outcome;
  uint32_t version;
  bool writes_manifest; /* false for a duplicate, unless the stored manifest is damaged */
  /* Where a damaged manifest is replaced: the group in which the version was first durable, its arrival, and where the
   * damaged one lies; else 0. */
  uint64_t since;
  int64_t arrival_ns;
  struct record_cookie replaced;
};

/*
 * Compares a new manifest with every version of its SOP Instance UID. The blobs of both were compared byte for byte
 * when they were named, so that the same blobs in the same places are the same bytes (P5). A received object is also a
 * duplicate where only the file meta information differs, which Cassette made itself.
 */
CAS_MUST_USE cas_status version_decide(struct cas_store *store, struct index_batch *batch,
                                       const struct group_manifests *group, const struct fresh_manifest *fresh,
                                       struct version_decision *decision, struct cas_error *error);

/* Puts into the manifest what was decided about it. */
void version_settle(const struct version_decision *decision, struct manifest *manifest);

#endif
