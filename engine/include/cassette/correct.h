/*
 * Corrections: other values of attributes for an instance, as a new version with a new header over the same pixels. The
 * version before is replaced by it: out of ordinary views, but kept, and shown by snapshots made before.
 *
 * Source: IHE RAD TF-2 4.12 (Patient Update), PS3.3 C.12.1.1.9: the Original Attributes Sequence tells what was there.
 */
#ifndef CASSETTE_CORRECT_H
#define CASSETTE_CORRECT_H

#include "cassette/ingest.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An indexed attribute of patient, study or series, and its value in UTF-8; "" empties it. */
struct cas_assignment {
  uint32_t tag;
  const char *value;
};

/* More than a correction changes. */
#define CAS_ASSIGNMENTS_MAX 32

struct cas_correction {
  const struct cas_assignment *assignments;
  size_t count;
  const char *who, *why; /* for the record; may be NULL */
};

/* CAS_INVALID with the reason: an attribute that cannot be corrected (not indexed, or of the instance), given twice, or
 * a value that its VR cannot have. */
CAS_API CAS_MUST_USE cas_status cas_correction_check(const struct cas_correction *correction, struct cas_error *error);

/*
 * Corrects the instance at a path. Durable on return, together with the replacement of the version before. CAS_EXISTS:
 * it has these values already. CAS_REFUSED: the object cannot be changed (deflated, broken, or a value that its
 * character set cannot have); the error says why. CAS_NOT_FOUND: it is not there, or was deleted or replaced meanwhile.
 * CAS_INVALID: as cas_correction_check(), or the store is not open for writing. Any thread.
 */
CAS_API CAS_MUST_USE cas_status cas_store_correct(struct cas_store *store, const char *path,
                                                  const struct cas_correction *correction,
                                                  struct cas_ingest_result *result, struct cas_error *error);

#ifdef __cplusplus
}
#endif
#endif
