/*
 * A C-FIND at a peer.
 *
 * Threads: as requestor.h. Source: PS3.7 9.1.2, PS3.4 C.4.1.
 */
#ifndef REMOTE_FIND_H
#define REMOTE_FIND_H

#include "remote.h"
#include "remote_keys.h"

/* One match; the identifier is borrowed. False: no more are wanted, and C-CANCEL is sent. */
typedef bool (*remote_match_fn)(void *arg, const struct identifier *match);

/* Queries over an open association. *status receives that of the final response. Fails as the requestor does, and with
 * CAS_REFUSED for an identifier that is none. */
CAS_MUST_USE cas_status remote_find(struct requestor *requestor, uint8_t context_id, const struct remote_keys *keys,
                                    remote_match_fn each, void *arg, uint16_t *status, struct cas_error *error);

/* Sends a request with an identifier of the keys: C-FIND, C-GET or C-MOVE; the message ID is set here. */
CAS_MUST_USE cas_status remote_ask(struct requestor *requestor, uint8_t context_id, struct dimse_command *request,
                                   const struct remote_keys *keys, struct cas_error *error);

/* Sends a C-CANCEL of the request. */
CAS_MUST_USE cas_status remote_cancel(struct requestor *requestor, uint8_t context_id, uint16_t message_id,
                                      struct cas_error *error);

/* `cassette find` with a peer as its first operand; `calling` and `seconds` of *remote are set. */
struct remote_find_options {
  struct remote remote;
  enum cas_level level;
  unsigned long long limit;
  bool json;
};
int remote_find_run(struct cli_arguments *arguments, struct remote_find_options *options);

#endif
