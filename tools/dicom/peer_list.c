/* Owns nothing. */
#include "peer_list.h"

#include <stdlib.h>
#include <string.h>

#include "negotiation.h"

static bool copy_part(const char *text, size_t size, char *part, size_t capacity) {
  if (size == 0 || size >= capacity) return false;
  for (size_t i = 0; i < size; i++)
    if (text[i] < ' ' || text[i] >= 0x7F || text[i] == '\\') return false;
  memcpy(part, text, size);
  part[size] = '\0';
  return true;
}

bool peer_parse(const char *aet, const char *address, struct dicom_peer *peer) {
  const char *colon = strrchr(address, ':');
  if (colon == NULL || !copy_part(aet, strlen(aet), peer->aet, sizeof peer->aet)) return false;
  const bool bracketed = *address == '[' && colon > address + 1 && colon[-1] == ']';
  const char *host = bracketed ? address + 1 : address;
  const size_t size = (size_t)(colon - host) - (bracketed ? 1 : 0);
  if (!bracketed && memchr(host, ':', size) != NULL) return false;
  if (!copy_part(host, size, peer->host, sizeof peer->host)) return false;
  char *end;
  const unsigned long port = strtoul(colon + 1, &end, 10);
  if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port == 0 || port > UINT16_MAX) return false;
  peer->port = (uint16_t)port;
  return true;
}

const struct dicom_peer *peer_find(const struct dicom_peer *peers, size_t count, const char *aet) {
  for (size_t i = 0; i < count; i++)
    if (negotiation_same_title(peers[i].aet, aet)) return &peers[i];
  return NULL;
}
