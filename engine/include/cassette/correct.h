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

/*
 * An attribute of the data set's top level, and its value in UTF-8; "" empties it. All attributes whose values are text
 * can be corrected but for what says how to read the object (Specific Character Set, group 0028), UIDs other than those
 * of study and series that the index has, and private ones.
 */
struct cas_assignment {
  uint32_t tag;
  const char *value;
  const char *vr; /* by PS3.6, of what cas_attribute_by_tag() does not have; else it may be NULL */
};

/* More than a correction changes. */
#define CAS_ASSIGNMENTS_MAX 32

struct cas_correction {
  const struct cas_assignment *assignments;
  size_t count;
  const char *who, *why; /* for the record; may be NULL */
};

/* CAS_INVALID with the reason: an attribute that cannot be corrected, given twice, or a value that its VR cannot have.
 */
CAS_API CAS_MUST_USE cas_status cas_correction_check(const struct cas_correction *correction, struct cas_error *error);

/*
 * What came of an instance; all is borrowed, `result` is of CAS_OK alone. CAS_EXISTS: it has these values already.
 * CAS_REFUSED: the object cannot be changed (broken, or a value that its character set cannot have); the error says
 * why. CAS_NOT_FOUND: it is not there, or was deleted or replaced meanwhile. CAS_NO_SPACE, CAS_IO, CAS_CORRUPT: as
 * cas_ingest_commit(), and as cas_reader_read().
 */
typedef void (*cas_corrected_fn)(void *arg, cas_status status, const struct cas_ingest_result *result,
                                 const struct cas_error *error);

/*
 * Corrects the instances at the paths, and calls `each` for all of them, in their order and in the calling thread. When
 * it is called, what was corrected is durable, together with the replacement of the version before. Each is corrected
 * or not by itself; up to 256 become durable with one sync. A failure returned means that no more are corrected:
 * CAS_INVALID, as cas_correction_check(), or the store is not open for writing.
 * Of a deflated object the new version has its data set inflated, in Explicit VR Little Endian. Any thread.
 */
CAS_API CAS_MUST_USE cas_status cas_store_correct(struct cas_store *store, const struct cas_correction *correction,
                                                  const char *const *paths, size_t count, cas_corrected_fn each,
                                                  void *arg, struct cas_error *error);

#ifdef __cplusplus
}
#endif
#endif
