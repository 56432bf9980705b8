/*
 * The application entities that we know by name, for C-MOVE to send to.
 *
 * Threads: pure functions. Source: PS3.4 C.4.2.1.4 (Move Destination), PS3.5 6.2 (AE).
 */
#ifndef PEER_LIST_H
#define PEER_LIST_H

#include <stdbool.h>

#include "dimse.h"

struct dicom_peer {
  char aet[DIMSE_AE_TITLE_TEXT_MAX];
  char host[256]; /* numeric address or name */
  uint16_t port;
};

/* Fills `peer` from its AE title and "HOST:PORT", an IPv6 address in brackets; false if either is none. */
bool peer_parse(const char *aet, const char *address, struct dicom_peer *peer);

/* The peer of that title, or NULL. Titles are compared without spaces around, with regard to case. */
const struct dicom_peer *peer_find(const struct dicom_peer *peers, size_t count, const char *aet);

#endif
