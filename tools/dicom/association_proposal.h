/*
 * What a requestor proposes and what it gets for an answer, as bytes: A-ASSOCIATE-RQ, A-ASSOCIATE-AC, A-ASSOCIATE-RJ.
 *
 * Written by hand, though DCMTK has it: DCMTK 3.6.7 connects by itself, over IPv4 only and with one time limit for the
 * process, and its parser of the answer loses memory on malformed ones.
 *
 * Threads: pure functions. Source: PS3.8 9.3.2 to 9.3.4 and D, PS3.7 D.3.3.
 */
#ifndef ASSOCIATION_PROPOSAL_H
#define ASSOCIATION_PROPOSAL_H

#include <stdbool.h>

#include "dimse.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Presentation contexts have odd numbers from 1 to 255. */
#define PROPOSAL_CONTEXTS_MAX 128u
#define PROPOSAL_SYNTAXES_MAX 16u

/* Longest answer that is taken, with its head. */
#define PROPOSAL_ANSWER_BYTES_MAX (64u << 10)

/* One presentation context; number 2 * index + 1. Strings are borrowed. */
struct proposal_context {
  const char *abstract_syntax;
  const char *transfer_syntaxes[PROPOSAL_SYNTAXES_MAX];
  size_t transfer_syntax_count;
  bool provider; /* the requestor proposes to be SCP of it, and not SCU: for what C-GET brings */
};

struct proposal {
  const char *calling, *called; /* AE titles of 1 to 16 characters */
  uint32_t pdu_bytes_max;       /* longest P-DATA-TF PDU that we take */
  const struct proposal_context *contexts;
  size_t context_count; /* at most PROPOSAL_CONTEXTS_MAX */
  /* Service class application information for all contexts' abstract syntaxes; empty: none (PS3.7 D.3.3.5). */
  struct cas_slice extended;
};

/* Appends the A-ASSOCIATE-RQ. CAS_INVALID: a title, or too many contexts or syntaxes; CAS_NO_MEMORY. */
CAS_MUST_USE cas_status proposal_encode(const struct proposal *proposal, struct cas_buffer *bytes,
                                        struct cas_error *error);

struct proposal_answer {
  uint32_t peer_pdu_bytes_max; /* 0: no limit */
  /* For each proposed context its accepted transfer syntax, an index among those proposed, or -1: not accepted. */
  int accepted[PROPOSAL_CONTEXTS_MAX];
  char extended[32]; /* the first answer to `extended`; cut */
  size_t extended_size;
};

/* The length of the whole PDU by its first 6 bytes; 0: no answer that is taken. */
size_t proposal_answer_size(const uint8_t head[6]);

/* Reads the whole PDU. CAS_REFUSED: the peer rejected or aborted, or the answer is malformed; `error` says which. */
CAS_MUST_USE cas_status proposal_answer_parse(struct cas_slice pdu, const struct proposal *proposal,
                                              struct proposal_answer *answer, struct cas_error *error);

#ifdef __cplusplus
}
#endif
#endif
