/*
 * A request for storage commitment: what the peer names, what became of it, as data sets and as a file that survives
 * the process.
 *
 * Threads: one commitment, one thread at a time. Source: PS3.4 J.3.2 (N-ACTION), J.3.3 (N-EVENT-REPORT).
 */
#ifndef COMMITMENT_H
#define COMMITMENT_H

#include <stdbool.h>

#include "dimse.h"

#define COMMITMENT_CLASS_UID "1.2.840.10008.1.20.1"      /* Storage Commitment Push Model */
#define COMMITMENT_INSTANCE_UID "1.2.840.10008.1.20.1.1" /* its well-known SOP Instance */

#define COMMITMENT_BYTES_MAX (16u << 20) /* of a request's data set */
#define COMMITMENT_ITEMS_MAX 65536u
#define COMMITMENT_UID_TEXT_MAX 65u /* PS3.5 9.1: 64 characters */

/* PS3.3 C.14.1.1, Failure Reason. */
enum commitment_failure {
  COMMITMENT_KEPT = 0,
  COMMITMENT_PROCESSING_FAILURE = 0x0110,
  COMMITMENT_NO_SUCH_INSTANCE = 0x0112,
  COMMITMENT_CLASS_CONFLICT = 0x0119,
  COMMITMENT_DUPLICATE_TRANSACTION = 0x0131,
  COMMITMENT_UNDECIDED = 0xFFFF, /* ours: not looked at yet */
};

struct commitment_item {
  char sop_class_uid[COMMITMENT_UID_TEXT_MAX], sop_instance_uid[COMMITMENT_UID_TEXT_MAX];
  uint16_t failure; /* enum commitment_failure */
};

/* Zero-initialise. */
struct commitment {
  char aet[DIMSE_AE_TITLE_TEXT_MAX];    /* who asks */
  char called[DIMSE_AE_TITLE_TEXT_MAX]; /* the view that was asked; "": the archive */
  char transaction_uid[COMMITMENT_UID_TEXT_MAX];
  struct commitment_item *items;
  size_t count, capacity;
};
void commitment_fini(struct commitment *commitment);

/* Reads the data set of an N-ACTION. CAS_REFUSED: it is malformed, names nothing or too much; CAS_NO_MEMORY. */
CAS_MUST_USE cas_status commitment_parse(struct cas_slice data_set, bool explicit_vr, struct commitment *commitment,
                                         struct cas_error *error);

/* How many items are not kept. */
size_t commitment_failures(const struct commitment *commitment);

/* Appends the data set of the N-EVENT-REPORT, with `retrieve_aet` as the place where what is kept can be got. */
CAS_MUST_USE cas_status commitment_report(const struct commitment *commitment, bool explicit_vr,
                                          const char *retrieve_aet, struct cas_buffer *data_set);

/* Writes the commitment to the file `path` and makes it durable with its name in the folder `folder`. CAS_IO. */
CAS_MUST_USE cas_status commitment_save(const struct commitment *commitment, const char *folder, const char *path,
                                        struct cas_error *error);

/* CAS_CORRUPT: the file is none of these; CAS_IO. */
CAS_MUST_USE cas_status commitment_load(const char *path, struct commitment *commitment, struct cas_error *error);

#endif
