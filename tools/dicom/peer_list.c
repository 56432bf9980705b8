/* Owns nothing. */
#include "peer_list.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "negotiation.h"

static bool copy_part(const char *text, size_t size, char *part, size_t capacity) {
  if (size == 0 || size >= capacity) return false;
  for (size_t i = 0; i < size; i++)
    if (text[i] < ' ' || text[i] >= 0x7F || text[i] == '\\') return false;
  memcpy(part, text, size);
  part[size] = '\0';
  return true;
}

bool peer_title_valid(const char *aet) {
  char copy[DIMSE_AE_TITLE_TEXT_MAX];
  return copy_part(aet, strlen(aet), copy, sizeof copy);
}

/* --- destinations --- */

bool peer_parse_destination(const char *address, struct dicom_peer *peer) {
  const char *colon = strrchr(address, ':');
  if (colon == NULL) return false;
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

bool peer_parse(const char *aet, const char *address, struct dicom_peer *peer) {
  *peer = (struct dicom_peer){0};
  return copy_part(aet, strlen(aet), peer->aet, sizeof peer->aet) && peer_parse_destination(address, peer);
}

const struct dicom_peer *peer_find(const struct dicom_peer *peers, size_t count, const char *aet) {
  for (size_t i = 0; i < count; i++)
    if (peers[i].port != 0 && negotiation_same_title(peers[i].aet, aet)) return &peers[i];
  return NULL;
}

bool peer_may_call(const struct dicom_peer *peer, const char *called) {
  for (size_t i = 0; i < peer->called_count; i++)
    if (negotiation_same_title(peer->called[i], called)) return true;
  return peer->called_count == 0;
}

/* --- callers' addresses --- */

#define IPV4_PREFIX_BITS 96u /* ::ffff:0:0/96, RFC 4291 2.5.5.2 */

static void map_ipv4(const void *four, uint8_t bytes[16]) {
  static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  memcpy(bytes, prefix, sizeof prefix);
  memcpy(bytes + sizeof prefix, four, 4);
}

/* A numeric address, whose scope (fe80::1%eth0) does not count. */
static bool parse_numeric(const char *text, size_t size, uint8_t bytes[16], bool *ipv4) {
  char copy[INET6_ADDRSTRLEN];
  struct in_addr four;
  const char *scope = memchr(text, '%', size);
  if (scope != NULL) size = (size_t)(scope - text);
  if (size == 0 || size >= sizeof copy) return false;
  memcpy(copy, text, size);
  copy[size] = '\0';
  *ipv4 = inet_pton(AF_INET, copy, &four) == 1;
  if (*ipv4) map_ipv4(&four, bytes);
  return *ipv4 || inet_pton(AF_INET6, copy, bytes) == 1;
}

static bool parse_prefix(const char *text, bool ipv4, unsigned *bits) {
  char *end;
  const unsigned long number = strtoul(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || number > (ipv4 ? 32 : 128)) return false;
  *bits = (unsigned)number + (ipv4 ? IPV4_PREFIX_BITS : 0);
  return true;
}

static bool is_host_name(const char *text) {
  bool letter = false;
  for (const char *c = text; *c != '\0'; c++) {
    const bool is_letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
    letter = letter || is_letter;
    if (!is_letter && !(*c >= '0' && *c <= '9') && *c != '-' && *c != '.' && *c != '_') return false;
  }
  return letter;
}

bool peer_parse_address(const char *text, struct peer_address *address) {
  *address = (struct peer_address){0};
  if (strcmp(text, "any") == 0) return true;
  const char *slash = strchr(text, '/');
  const size_t size = slash != NULL ? (size_t)(slash - text) : strlen(text);
  bool ipv4;
  if (parse_numeric(text, size, address->network, &ipv4)) {
    address->prefix_bits = 128;
    return slash == NULL || parse_prefix(slash + 1, ipv4, &address->prefix_bits);
  }
  return slash == NULL && is_host_name(text) && copy_part(text, size, address->name, sizeof address->name);
}

static bool same_network(const uint8_t *a, const uint8_t *b, unsigned bits) {
  if (memcmp(a, b, bits / 8) != 0) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

static bool name_means(const char *name, const uint8_t caller[16]) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *addresses = NULL;
  bool found = false;
  if (getaddrinfo(name, NULL, &hints, &addresses) != 0) return false;
  for (const struct addrinfo *at = addresses; at != NULL && !found; at = at->ai_next) {
    char text[INET6_ADDRSTRLEN + 16];
    uint8_t bytes[16];
    bool ipv4;
    if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0) continue;
    found = parse_numeric(text, strlen(text), bytes, &ipv4) && memcmp(bytes, caller, 16) == 0;
  }
  freeaddrinfo(addresses);
  return found;
}

bool peer_address_matches(const struct peer_address *address, const char *caller) {
  uint8_t bytes[16];
  bool ipv4;
  if (address->name[0] == '\0' && address->prefix_bits == 0) return true;
  if (!parse_numeric(caller, strlen(caller), bytes, &ipv4)) return false;
  if (address->name[0] != '\0') return name_means(address->name, bytes);
  return same_network(address->network, bytes, address->prefix_bits);
}
