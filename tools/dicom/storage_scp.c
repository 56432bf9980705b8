/*
 * Owns one ingest at a time. Invariants:
 *  1. A success is sent only after the commit of the whole data set returned CAS_OK.
 *  2. After the first failure no byte goes to the store any more, but the data set is still read to its end.
 *  3. Fragments go from the PDU buffer into the ingest; nothing gathers the object.
 */
#include "storage_scp.h"

#include <inttypes.h>
#include <stdio.h>

#include "cassette/ingest.h"

/* One object under way. `status` is that of its first failure. */
struct reception {
  struct cas_ingest *ingest; /* NULL once it failed or was committed */
  cas_status status;
  struct cas_error error;
  uint64_t bytes;
};

static void reception_fail(struct reception *reception, cas_status status) {
  reception->status = status;
  cas_ingest_abort(reception->ingest);
  reception->ingest = NULL;
}

static void reception_begin(struct reception *reception, struct session *session, uint8_t context_id,
                            const struct dimse_command *request) {
  char abstract_syntax[DICOM_UID_TEXT_MAX], transfer_syntax[DICOM_UID_TEXT_MAX];
  *reception = (struct reception){.status = CAS_OK};
  if (!dicom_association_accepted(session->association, context_id, abstract_syntax, transfer_syntax)) {
    snprintf(reception->error.message, sizeof reception->error.message, "the presentation context is not accepted");
    reception->status = CAS_REFUSED;
    return;
  }
  if (request->sop_class_uid[0] == '\0' || request->sop_instance_uid[0] == '\0') {
    snprintf(reception->error.message, sizeof reception->error.message,
             "the request names no SOP Class or Instance UID");
    reception->status = CAS_REFUSED;
    return;
  }
  const struct cas_ingest_source source = {
      .origin = CAS_ORIGIN_RECEIVED,
      .description = session->source,
      .sop_class_uid = request->sop_class_uid,
      .sop_instance_uid = request->sop_instance_uid,
      .transfer_syntax_uid = transfer_syntax,
      .may_not_reject = (session->grant.rights & PEER_REJECT) == 0,
  };
  const cas_status status = cas_ingest_begin(session->node->store, &source, &reception->ingest, &reception->error);
  if (status != CAS_OK) reception->status = status;
}

static void reception_write(struct reception *reception, struct cas_slice bytes) {
  reception->bytes += bytes.size;
  if (reception->status != CAS_OK || bytes.size == 0) return;
  const cas_status status = cas_ingest_write(reception->ingest, bytes, &reception->error);
  if (status != CAS_OK) reception_fail(reception, status);
}

static void reception_commit(struct reception *reception, struct cas_ingest_result *result) {
  if (reception->status != CAS_OK) return;
  reception->status = cas_ingest_commit(reception->ingest, result, &reception->error);
  reception->ingest = NULL;
}

static void count(struct session *session, enum node_counter counter, uint64_t *tally) {
  node_count(&session->node->counters, counter, 1);
  (*tally)++;
}

static void account_success(struct session *session, const struct cas_ingest_result *result) {
  switch (result->outcome) {
  case CAS_STORED: count(session, NODE_OBJECTS_STORED, &session->tally.stored); break;
  case CAS_DUPLICATE: count(session, NODE_OBJECTS_DUPLICATE, &session->tally.duplicates); break;
  case CAS_NEW_VERSION:
    count(session, NODE_OBJECTS_NEW_VERSION, &session->tally.new_versions);
    session_log(session, CAS_LOG_NOTICE, "%s: %s came with other bytes: kept as version %" PRIu32, session->source,
                result->sop_instance_uid, result->version);
    break;
  }
  if (result->defect != NULL) {
    session_log(session, CAS_LOG_NOTICE, "%s: %s was kept with a defect at byte %" PRIu64 ": %s", session->source,
                result->sop_instance_uid, result->defect_offset, result->defect);
  }
  if (result->changed > 0) {
    session_log(session, CAS_LOG_NOTICE, "%s: rejection note %s hides %" PRIu64 " instances", session->source,
                result->sop_instance_uid, result->changed);
    association_audit_rejected(session, result->sop_instance_uid, result->changed);
  }
  if (result->healed_blobs > 0) {
    session_log(session, CAS_LOG_WARNING, "%s: %s healed %" PRIu64 " damaged stored blobs", session->source,
                result->sop_instance_uid, result->healed_blobs);
  }
}

static void account_failure(struct session *session, const struct dimse_command *request,
                            const struct reception *reception) {
  if (reception->status == CAS_REFUSED || reception->status == CAS_INVALID) {
    count(session, NODE_OBJECTS_REFUSED, &session->tally.refused);
    session_log(session, CAS_LOG_WARNING, "%s: refused %s: %s", session->source, request->sop_instance_uid,
                reception->error.message);
  } else {
    count(session, NODE_OBJECTS_FAILED, &session->tally.failed);
    session_log(session, CAS_LOG_ERROR, "%s: could not store %s: %s: %s", session->source, request->sop_instance_uid,
                cas_status_text(reception->status), reception->error.message);
  }
}

/* Reads the data set to its end into the store, as far as the store takes it. */
static enum pdu_event receive_data_set(struct session *session, uint8_t context_id, struct reception *reception,
                                       struct cas_error *error) {
  for (;;) {
    struct pdu_fragment fragment;
    const enum pdu_event event = session_read_data(session, context_id, &fragment, error);
    if (event != PDU_FRAGMENT) return event;
    reception_write(reception, fragment.bytes);
    session_keep_pace(session, 0, fragment.bytes.size);
    if (fragment.last) return PDU_FRAGMENT;
  }
}

enum pdu_event storage_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                                 struct cas_error *error) {
  struct reception reception;
  reception_begin(&reception, session, context_id, request);
  if (request->has_data_set) {
    const enum pdu_event event = receive_data_set(session, context_id, &reception, error);
    session->tally.received_bytes += reception.bytes;
    node_count(&session->node->counters, NODE_RECEIVED_BYTES, reception.bytes);
    if (event != PDU_FRAGMENT) {
      cas_ingest_abort(reception.ingest);
      count(session, NODE_OBJECTS_FAILED, &session->tally.failed);
      return event;
    }
  } else if (reception.status == CAS_OK) {
    snprintf(reception.error.message, sizeof reception.error.message, "the request came without a data set");
    reception_fail(&reception, CAS_REFUSED);
  }
  struct cas_ingest_result result;
  reception_commit(&reception, &result);
  if (reception.status == CAS_OK) {
    account_success(session, &result);
    association_audit_received(session, request->sop_class_uid, result.sop_instance_uid);
  } else {
    account_failure(session, request, &reception);
  }
  session_keep_pace(session, 1, 0);
  const enum dimse_status answer =
      reception.status == CAS_INVALID ? DIMSE_CANNOT_UNDERSTAND : dimse_status_of(reception.status);
  const cas_status sent = session_respond(session, context_id, request, answer, reception.error.message, error);
  return sent == CAS_OK ? PDU_FRAGMENT : PDU_CLOSED;
}
