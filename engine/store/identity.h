/*
 * Who an object is: its SOP Instance UID, without which it cannot be kept.
 */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include <xxhash.h>

#include "base/status.h"
#include "dicom/scanner.h"
#include "store/manifest.h"

/* The object's SOP Instance UID, "" if it has none. A DICOMDIR has none in its data set; its file meta information
 * names it. */
const char *identity_of(const struct dicom_summary *summary);

/* CAS_REFUSED with the reason for what is not DICOM, has no acceptable SOP Instance UID, or has another one than
 * `requested` (of a C-STORE request; NULL for none). */
CAS_MUST_USE cas_status identity_check(const struct dicom_summary *summary, const char *requested,
                                       struct cas_error *error);

/* Names the data set and its transfer syntax in `manifest`: equal ones have equal names whatever stands in the meta
 * group. `state` is used; without memory the name stays zero, which says that it was not looked at. */
void identity_of_data_set(XXH3_state_t *state, const char *transfer_syntax_uid, const struct cas_hash *header_text_hash,
                          struct manifest *manifest);

#endif
