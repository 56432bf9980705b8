/*
 * Rejection notes among arriving objects (IHE RAD TF-3 4.66): what they say of other instances.
 *
 * Threads: any.
 */
#ifndef STORE_REJECTION_H
#define STORE_REJECTION_H

#include "dicom/scanner.h"
#include "store/instance_states.h"
#include "store/store.h"

/*
 * Looks whether an object rejects others, and gives what is to be done, else NULL. `data_set` is the whole data set, or
 * empty where it is too long to be kept. CAS_REFUSED: it is a Key Object Selection Document that cannot be understood,
 * so that nobody may rely on it.
 */
CAS_MUST_USE cas_status rejection_read(const struct cas_store *store, const struct dicom_summary *summary,
                                       struct cas_slice data_set, const char *who, struct instance_states **states,
                                       struct cas_error *error);

#endif
