/*
 * Checks an A-ASSOCIATE-RQ before DCMTK parses it.
 *
 * DCMTK 3.6.7 loses memory on requests whose items contradict each other, and gives up on some only after it took them
 * halfway. What passes here is well formed to the last length, so that DCMTK's parser meets nothing that it fails on.
 * Items and sub-items of a type that is not known are passed over, as PS3.8 9.3.1 wants it.
 *
 * Threads: pure functions. Source: PS3.8 9.3.2 and D, PS3.7 D.3.3 (user information).
 */
#ifndef ASSOCIATE_REQUEST_H
#define ASSOCIATE_REQUEST_H

#include "cassette/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSOCIATE_HEAD_BYTES 6u

/* Longest request that is taken, with its head. 128 contexts with every transfer syntax of PS3.6 have half of it. */
#define ASSOCIATE_REQUEST_BYTES_MAX (256u << 10)

/* Sub-items of role selection, and of extended negotiation, in one request: there are at most 128 contexts. */
#define ASSOCIATE_SUB_ITEMS_MAX 256u

enum associate_verdict {
  ASSOCIATE_GOOD,
  ASSOCIATE_UNEXPECTED, /* another PDU */
  ASSOCIATE_MALFORMED,
  ASSOCIATE_VERSION, /* none of the protocol versions that we have */
};

/* Looks at a PDU's first ASSOCIATE_HEAD_BYTES. Sets `size` to that of the whole PDU if it is good, else `why`, a
 * constant. */
enum associate_verdict associate_request_head(const uint8_t *head, size_t *size, const char **why);

/* Checks a whole request, head and all. Sets `why` unless it is good. */
enum associate_verdict associate_request_check(struct cas_slice pdu, const char **why);

/* What the peer is told of a request that is not good: A-ABORT, or A-ASSOCIATE-RJ for its version. */
#define ASSOCIATE_ANSWER_BYTES 10u
void associate_request_answer(enum associate_verdict verdict, uint8_t pdu[ASSOCIATE_ANSWER_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
