/*
 * Rejection notes: Key Object Selection Documents whose title says that the instances that they refer to are not to be
 * used. Source: IHE RAD TF-3 4.66.4.1.2, PS3.3 C.17.6 and A.35.4, PS3.16 CID 7011.
 *
 * Threads: pure functions.
 */
#ifndef DICOM_REJECTION_NOTE_H
#define DICOM_REJECTION_NOTE_H

#include "dicom/data_set_walk.h"

#define KEY_OBJECT_SELECTION_UID "1.2.840.10008.5.1.4.1.1.88.59"

enum rejection {
  REJECTION_NONE,
  REJECTION_QUALITY,   /* 113001 */
  REJECTION_SAFETY,    /* 113037 */
  REJECTION_WORKLIST,  /* 113038 */
  REJECTION_RETENTION, /* 113039 */
};

/* Why a Key Object Selection Document rejects; REJECTION_NONE where it is another document. */
enum rejection rejection_note_reason(const struct data_set *note);

/* Calls `each` for every SOP Instance UID that the note's evidence names, and stops with its status. *is_whole
 * becomes false, after as many as there were, where the evidence is broken. */
typedef cas_status (*rejection_fn)(void *arg, const char *uid);
CAS_MUST_USE cas_status rejection_note_list(const struct data_set *note, rejection_fn each, void *arg, bool *is_whole);

#endif
