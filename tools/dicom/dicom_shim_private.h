/*
 * What the parts of the shim share. C++, private to it.
 *
 * Threads: as dicom_shim.h.
 */
#ifndef DICOM_SHIM_PRIVATE_H
#define DICOM_SHIM_PRIVATE_H

#include "dicom_transport.h"

#include "dcmtk/dcmnet/assoc.h"

struct dicom_association {
  T_ASC_Association *association; // NULL in one that we requested
  BufferedConnection *requested;  // of one that we requested; ours
  bool timed_out;                 // set by the transport connection
};

/* Fill `error` in (NULL is allowed) and return `status`; the text of `condition` on one line. */
cas_status shim_fail(struct cas_error *error, cas_status status, const char *what, const OFCondition &condition);
cas_status shim_fail(struct cas_error *error, cas_status status, const char *message);

#endif
