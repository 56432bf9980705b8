/*
 * Names of persons (VR PN) as they are compared: without case, accents and width of letters, and without what adds
 * nothing, such as carets behind the last component.
 *
 * Threads: pure functions. Source: PS3.5 6.2.1 (components and component groups), PS3.4 C.2.2.2.1 (a match of names may
 * pass over case, position, accents).
 */
#ifndef DICOM_NAME_FOLD_H
#define DICOM_NAME_FOLD_H

#include "base/bytes.h"

/* Alphabetic, ideographic, phonetic. */
#define NAME_GROUPS 3u

/* Appends UTF-8 text folded: small letters, no accents, no half or full width; 'ß' is "ss", 'æ' is "ae". Bytes that are
 * no UTF-8 stay. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status name_fold(struct cas_slice text, struct cas_buffer *folded);

/* Cuts the next component group off `rest`, folds it and appends it; spaces around components and empty components at
 * the end are left out. The same for a pattern, whose wildcards stay. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status name_fold_group(struct cas_slice *rest, struct cas_buffer *folded);

#endif
