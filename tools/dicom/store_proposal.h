/*
 * Which presentation contexts to propose for objects that are to be sent, and in which of those that the peer accepted
 * an object goes. Pure.
 *
 * An association proposes for each kind of object (SOP class and transfer syntax) a context of its own with that one
 * transfer syntax, so that the peer takes or refuses each for itself. With fallbacks it proposes for each SOP class
 * whose objects can be transcoded two more: one with the uncompressed transfer syntaxes, one with those compressed
 * without loss, of which the peer chooses. These are for a peer that has refused something: most take what there is,
 * and fewer contexts are understood by more of them. There may be more contexts than PROPOSAL_CONTEXTS_MAX, so an
 * association serves a range of kinds.
 *
 * Threads: pure functions. Source: PS3.8 9.3.2.2, PS3.4 B.
 */
#ifndef STORE_PROPOSAL_H
#define STORE_PROPOSAL_H

#include "association_proposal.h"

/* What must be negotiated to send an object. */
struct store_kind {
  char sop_class_uid[CAS_UID_TEXT_MAX];
  char transfer_syntax_uid[CAS_UID_TEXT_MAX]; /* "": unknown; nothing is proposed for it */
};

/* Strings of the contexts are borrowed from the kinds. */
struct store_proposal {
  size_t first, end; /* the kinds that it is for */
  bool fallbacks;
  struct proposal_context contexts[PROPOSAL_CONTEXTS_MAX];
  size_t context_count;
};

/* Proposes for as many kinds from `first` on as there is room for, at least one. No contexts: none of them can be sent.
 */
void store_proposal_make(const struct store_kind *kinds, size_t kind_count, size_t first, bool fallbacks,
                         struct store_proposal *proposal);

/* Whether an object of this kind, which found no route, may find one if it is proposed with fallbacks. */
bool store_proposal_may_fall_back(const struct store_proposal *proposal, const struct store_kind *kind);

/* The proposed transfer syntax that the peer accepted in a context, an index, or -1: refused. */
typedef int (*store_accepted_fn)(const void *arg, size_t context);

/* Where an object of this kind goes. False: the peer takes it in no form that it can be given. */
struct store_route {
  size_t context;              /* an index in `contexts` */
  const char *transfer_syntax; /* of its own, or to transcode to; borrowed as the contexts are */
};
bool store_proposal_route(const struct store_proposal *proposal, const struct store_kind *kind,
                          store_accepted_fn accepted, const void *arg, struct store_route *route);

#endif
