/*
 * Changes elements of a data set in its byte stream: all that is not changed stays byte for byte, and what was there
 * before is told in the Original Attributes Sequence (0400,0561).
 *
 * Threads: pure functions.
 * Source: PS3.3 C.12.1.1.9 (Original Attributes Sequence), PS3.5 7.
 */
#ifndef DICOM_DATA_SET_EDIT_H
#define DICOM_DATA_SET_EDIT_H

#include "dicom/data_set_walk.h"

/* An element that is to have this value, instead of what it has or has not. */
struct element_edit {
  uint32_t tag;           /* not 0400,0561, no group length */
  char vr[3];             /* of text */
  struct cas_slice value; /* encoded, not padded */
};

struct data_set_edits {
  const struct element_edit *edits; /* in ascending order of tags, each once */
  size_t count;
  const char *time;   /* of the change: VR DT */
  const char *system; /* that changes: VR LO */
  const char *reason; /* VR CS */
};

/*
 * Appends to `out` what the first *used bytes of the data set become; all bytes behind them follow as they are.
 * CAS_END: the bytes at hand end too soon, which is CAS_REFUSED where they are `all`. CAS_REFUSED also: the elements do
 * not ascend as they must. The error says why.
 */
CAS_MUST_USE cas_status data_set_edit(const struct data_set *set, bool all, const struct data_set_edits *edits,
                                      struct cas_buffer *out, size_t *used, struct cas_error *error);

#endif
