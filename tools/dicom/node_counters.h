/*
 * What a node counts since its start, over all associations.
 *
 * Threads: any. Nobody waits for anybody.
 */
#ifndef NODE_COUNTERS_H
#define NODE_COUNTERS_H

#include <stdatomic.h>

#include "dimse.h"

enum node_counter {
  NODE_ASSOCIATIONS_ACCEPTED,
  NODE_REJECTED_ADDRESS,        /* associations that were rejected: the peer's address is nobody's */
  NODE_REJECTED_CALLING,        /* its title, or its certificate, may not call */
  NODE_REJECTED_CALLED,         /* the title that it calls is none of ours, or not for it */
  NODE_REJECTED_LIMIT,          /* too many are open, in all or of this peer */
  NODE_CONNECTIONS_TURNED_AWAY, /* closed at once: too many were open, or no descriptor or thread was left */
  NODE_CONNECTIONS_FAILED,      /* that never became an association: no request came, or a malformed one */
  NODE_OBJECTS_STORED,          /* acknowledged, as the next two */
  NODE_OBJECTS_DUPLICATE,
  NODE_OBJECTS_NEW_VERSION,
  NODE_OBJECTS_REFUSED, /* the object cannot be taken */
  NODE_OBJECTS_FAILED,  /* the store could not take it, or the peer went away within it */
  NODE_RECEIVED_BYTES,  /* of data sets */
  NODE_FIND_MATCHES,
  NODE_SENT_COMPLETED, /* objects by C-GET and C-MOVE, as the next two */
  NODE_SENT_WARNING,
  NODE_SENT_FAILED,
  NODE_SENT_BYTES, /* of data sets, as they are stored */
  NODE_COUNTERS
};

/* Kinds of requests. */
enum node_operation {
  NODE_ECHO,
  NODE_STORE,
  NODE_FIND,
  NODE_GET,
  NODE_MOVE,
  NODE_COMMITMENT, /* N-ACTION of storage commitment */
  NODE_OTHER,      /* what no node like this one knows */
  NODE_OPERATIONS
};

/* Kinds of final responses. */
enum node_answer { NODE_SUCCESS, NODE_WARNING, NODE_CANCELLED, NODE_FAILURE, NODE_ANSWERS };

struct node_counters {
  atomic_uint associations_open, queries_open;
  atomic_ullong counts[NODE_COUNTERS];
  atomic_ullong requests[NODE_OPERATIONS];
  atomic_ullong request_ns[NODE_OPERATIONS];
  atomic_ullong answers[NODE_OPERATIONS][NODE_ANSWERS];
};

/* The same at one moment. */
struct dicom_counters {
  unsigned associations_open, queries_open;
  unsigned commitments_waiting; /* requests for storage commitment whose answer nobody has taken yet */
  uint64_t counts[NODE_COUNTERS];
  uint64_t requests[NODE_OPERATIONS];              /* that came */
  uint64_t request_ns[NODE_OPERATIONS];            /* from the command to the end of the last response, in all */
  uint64_t answers[NODE_OPERATIONS][NODE_ANSWERS]; /* final responses, also those that did not reach the peer */
};

void node_count(struct node_counters *counters, enum node_counter counter, uint64_t more);

/* Counts a request that was served since `began_ns`, of node_counters_now_ns(). What is no request (a response,
 * C-CANCEL) does not count. */
void node_count_request(struct node_counters *counters, uint16_t field, int64_t began_ns);
int64_t node_counters_now_ns(void);

/* Counts a response to `request`, unless it is a pending one. */
void node_count_answer(struct node_counters *counters, const struct dimse_command *request, enum dimse_status status);

/* All but commitments_waiting. */
void node_counters_read(const struct node_counters *counters, struct dicom_counters *now);

/* Associations that were rejected, for whatever reason. */
uint64_t dicom_counters_rejected(const struct dicom_counters *now);

#endif
