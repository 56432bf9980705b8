/*
 * The application entities that the configuration names: who may call and do what, and where C-MOVE and storage
 * commitment find them.
 *
 * Threads: pure functions; peer_address_matches() may wait for the resolver.
 * Source: PS3.4 C.4.2.1.4 (Move Destination), PS3.5 6.2 (AE).
 */
#ifndef PEER_LIST_H
#define PEER_LIST_H

#include <stdbool.h>

#include "dimse.h"

/* What a caller may do; C-ECHO needs no right. */
enum peer_right {
  PEER_STORE = 1,
  PEER_FIND = 2,
  PEER_GET = 4,
  PEER_MOVE = 8,
  PEER_COMMIT = 16,
  PEER_REJECT = 32, /* its rejection notes hide what they name */
  PEER_EVERYTHING = 63,
};

#define PEER_ADDRESSES_MAX 8u
#define PEER_CALLED_MAX 16u
#define PEER_MOVE_ASSOCIATIONS_MAX 16u
#define PEER_HOST_TEXT_MAX 256u
#define PEER_CERTIFICATE_TEXT_MAX 512u

/* Where a caller may be: a network of IPv6, or of IPv4 as IPv6 maps it; or, where `name` is not "", a host name. */
struct peer_address {
  uint8_t network[16];
  unsigned prefix_bits; /* 0: anywhere */
  char name[PEER_HOST_TEXT_MAX];
};

struct dicom_peer {
  char aet[DIMSE_AE_TITLE_TEXT_MAX]; /* "*": any title that no other peer has */
  char host[PEER_HOST_TEXT_MAX];     /* numeric address or name */
  uint16_t port;                     /* 0: it is no destination */
  bool tls;                          /* it is called with TLS */
  unsigned
      move_associations; /* with it for one C-MOVE, to PEER_MOVE_ASSOCIATIONS_MAX; 0: as the server's options say */
  char certificate[PEER_CERTIFICATE_TEXT_MAX]; /* the only one that is taken of it, see tls_session_matches(); "": any
                                                  that is trusted, or none */

  bool caller; /* what follows says what it may do when it calls; else it is only a destination */
  struct peer_address addresses[PEER_ADDRESSES_MAX];
  size_t address_count;
  char called[PEER_CALLED_MAX][DIMSE_AE_TITLE_TEXT_MAX]; /* of our titles, those that it may call; none: all */
  size_t called_count;
  unsigned rights;                                                       /* enum peer_right */
  unsigned associations_max, objects_per_second_max, mib_per_second_max; /* 0: no limit */
};

/* Whether it is one of an AE title's 1 to 16 characters. */
bool peer_title_valid(const char *aet);

/* Fills the destination of `peer` from "HOST:PORT", an IPv6 address in brackets; false if it is none. */
bool peer_parse_destination(const char *address, struct dicom_peer *peer);

/* Fills `peer`, a destination only, from its AE title and "HOST:PORT"; false if either is none. */
bool peer_parse(const char *aet, const char *address, struct dicom_peer *peer);

/* Fills `address` from "any", a numeric address, a network ADDRESS/BITS or a host name; false if it is none. */
bool peer_parse_address(const char *text, struct peer_address *address);

/* Whether the numeric address `caller` is one of them. */
bool peer_address_matches(const struct peer_address *address, const char *caller);

/* Whether the peer may call our title `called`. */
bool peer_may_call(const struct dicom_peer *peer, const char *called);

/* The destination of that title, or NULL. Titles are compared without spaces around, with regard to case. */
const struct dicom_peer *peer_find(const struct dicom_peer *peers, size_t count, const char *aet);

#endif
