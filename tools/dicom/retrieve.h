/*
 * What C-GET and C-MOVE have in common: the identifier, the instances it means, the counting of sub-operations, pending
 * and final responses, and the peer's C-CANCEL.
 *
 * Threads: one at a time, but for retrieve_open(), retrieve_account() and retrieve_done(), which any may call. Source:
 * PS3.7 9.1.3, 9.1.4, PS3.4 C.4.2, C.4.3.
 */
#ifndef RETRIEVE_H
#define RETRIEVE_H

#include <pthread.h>

#include "association.h"
#include "message.h"
#include "retrieve_selection.h"
#include "store_scu.h"

struct retrieve {
  struct session *session;
  const struct dimse_command *request;
  const char *name;                     /* "C-GET" or "C-MOVE", for the log */
  const struct dicom_peer *destination; /* of C-MOVE */
  uint8_t context_id;
  bool explicit_vr;
  struct retrieve_selection selection;
  pthread_mutex_t lock; /* guards the next four, which a C-MOVE's threads share */
  size_t done;          /* items that were tried */
  size_t completed, failed, warning;
  uint64_t sent_bytes;
  struct cas_buffer failed_uids; /* separated by backslashes; as many as fit a value */
  struct pdu_writer writer;      /* to the peer that asked */
  struct cas_buffer bytes;       /* room for command sets and identifiers */
  int64_t began_ms;
  bool cancelled, stopping;
  enum pdu_event ended; /* PDU_FRAGMENT while the association is of use */
  struct cas_error *error;
};

/* Makes a retrieve of `request` and reads its identifier. NULL: the association ends with *event. */
struct retrieve *retrieve_create(struct session *session, uint8_t context_id, const struct dimse_command *request,
                                 const char *name, struct cas_error *error, enum pdu_event *event);
void retrieve_destroy(struct retrieve *retrieve);

/* Finds the instances of the identifier that was read; the audit trail hears what will be sent. False: a final response
 * was sent, or the association ended; `ended` says which. */
bool retrieve_select(struct retrieve *retrieve, const char *patient_root_uid);

/* What became of one sub-operation. */
struct retrieve_result {
  enum store_outcome outcome;
  uint64_t bytes;   /* of the data set, as it is stored */
  char reason[512]; /* of a failure, for the log */
};

/* Opens an instance's data set, transcoded if `transfer_syntax` is not its own. False: it cannot be read or transcoded;
 * the object is closed then, and *result a failure. */
bool retrieve_open(const struct retrieve *retrieve, const struct retrieve_item *item, const char *transfer_syntax,
                   struct store_object *object, struct retrieve_result *result);

/* The C-STORE request for an instance, but for what the association gives it. */
struct dimse_command retrieve_store_request(const struct retrieve *retrieve, const struct retrieve_item *item);

/* Makes *result a failure. */
void retrieve_fail(struct retrieve_result *result, const char *reason);

/* Makes *result what a C-STORE response says. */
void retrieve_answered(struct retrieve_result *result, const char *who, const struct dimse_command *response);

/* Counts an item as done. A failure goes to the log. */
void retrieve_account(struct retrieve *retrieve, const struct retrieve_item *item,
                      const struct retrieve_result *result);

/* The items that were counted. */
size_t retrieve_done(struct retrieve *retrieve);

/* Heeds C-CANCEL and the node's stop. False: no more sub-operations. */
bool retrieve_goes_on(struct retrieve *retrieve);

/* Writes a pending response with the counts, to go out with what is written next unless `at_once`. Each sub-operation
 * has its own, since GDCM's C-MOVE client takes no second object before one. */
void retrieve_pending(struct retrieve *retrieve, bool at_once);

/* Takes a command that came from the peer that asked: C-CANCEL, or else a protocol error, which sets `ended`. */
void retrieve_take_command(struct retrieve *retrieve, const struct dimse_command *command);

/* Sends the final response by what was counted, and logs the retrieve's line. Returns what serving returns. */
enum pdu_event retrieve_finish(struct retrieve *retrieve);

/* Sends a final response of its own: nothing was done. */
enum pdu_event retrieve_refuse(struct retrieve *retrieve, enum dimse_status status, const char *comment);

/* The final status by the counts. */
enum dimse_status retrieve_status(size_t completed, size_t failed, size_t warning, bool cancelled);

#endif
