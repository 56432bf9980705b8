/* Owns the keys of peers. A peer has one entry, whichever of the sections name it. */
#include "config_peers.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"

#define LIMIT_MAX 1000000u
#define LIST_BYTES_MAX 2304u /* eight host names */

enum peer_key {
  PEER_ADDRESS,
  PEER_ALLOW,
  PEER_CALLED,
  PEER_DESTINATION,
  PEER_TLS,
  PEER_CERTIFICATE,
  PEER_MOVE_ASSOCIATIONS,
  PEER_ASSOCIATIONS,
  PEER_OBJECT_RATE,
  PEER_BYTE_RATE
};

static const char *const key_names[] = {
    [PEER_ADDRESS] = "address",
    [PEER_ALLOW] = "allow",
    [PEER_CALLED] = "called",
    [PEER_DESTINATION] = "destination",
    [PEER_TLS] = "tls",
    [PEER_CERTIFICATE] = "certificate",
    [PEER_MOVE_ASSOCIATIONS] = "move_associations",
    [PEER_ASSOCIATIONS] = "associations_max",
    [PEER_OBJECT_RATE] = "objects_per_second_max",
    [PEER_BYTE_RATE] = "mib_per_second_max",
};
#define KEY_COUNT (sizeof key_names / sizeof key_names[0])

bool config_peers_own(const char *section) {
  return strcmp(section, "peers") == 0 || strncmp(section, "peer ", strlen("peer ")) == 0;
}

/* The entry of a title, made where there is none. NULL: no memory. */
static struct dicom_peer *entry_of(struct config *config, const char *aet, struct config_mark **mark) {
  size_t index = 0;
  while (index < config->peer_count && strcmp(config->peers[index].aet, aet) != 0) index++;
  if (index == config->peer_count) {
    void *peers = config->peers;
    const bool added =
        config_add_title(config, &peers, sizeof *config->peers, &config->peer_marks, &config->peer_count, aet);
    config->peers = peers;
    if (!added) return NULL;
  }
  *mark = &config->peer_marks[index];
  return &config->peers[index];
}

/* --- values --- */

static cas_status set_addresses(struct dicom_peer *peer, char *list, struct cas_error *error) {
  struct peer_address addresses[PEER_ADDRESSES_MAX];
  size_t count = 0;
  for (char *word = config_next_word(&list); word != NULL; word = config_next_word(&list)) {
    if (count == PEER_ADDRESSES_MAX)
      return config_fail(error, CAS_INVALID, "address: more than %u", PEER_ADDRESSES_MAX);
    if (!peer_parse_address(word, &addresses[count++]))
      return config_fail(error, CAS_INVALID, "address: \"%.200s\" is no address, network, host name, nor any", word);
  }
  if (count == 0) return config_fail(error, CAS_INVALID, "address: no value");
  memcpy(peer->addresses, addresses, count * sizeof addresses[0]);
  peer->address_count = count;
  return CAS_OK;
}

static cas_status set_rights(struct dicom_peer *peer, char *list, struct cas_error *error) {
  static const struct {
    const char *name;
    unsigned rights;
  } names[] = {{"none", 0},         {"store", PEER_STORE},   {"find", PEER_FIND},     {"get", PEER_GET},
               {"move", PEER_MOVE}, {"commit", PEER_COMMIT}, {"reject", PEER_REJECT}, {"all", PEER_EVERYTHING}};
  const size_t count = sizeof names / sizeof names[0];
  unsigned rights = 0;
  for (char *word = config_next_word(&list); word != NULL; word = config_next_word(&list)) {
    size_t i = 0;
    while (i < count && strcmp(names[i].name, word) != 0) i++;
    if (i == count)
      return config_fail(error, CAS_INVALID,
                         "allow: \"%.64s\" is none of store, find, get, move, commit, reject, all, none", word);
    rights |= names[i].rights;
  }
  peer->rights = rights;
  return CAS_OK;
}

/* Whether they are titles of ours, only the whole configuration can tell. */
static cas_status set_called(struct dicom_peer *peer, char *list, struct cas_error *error) {
  char called[PEER_CALLED_MAX][DIMSE_AE_TITLE_TEXT_MAX];
  size_t count = 0;
  for (char *word = config_next_word(&list); word != NULL; word = config_next_word(&list)) {
    if (count == PEER_CALLED_MAX) return config_fail(error, CAS_INVALID, "called: more than %u", PEER_CALLED_MAX);
    if (!peer_title_valid(word)) return config_fail(error, CAS_INVALID, "called: \"%.64s\" is no AE title", word);
    snprintf(called[count++], sizeof called[0], "%s", word);
  }
  if (count == 0) return config_fail(error, CAS_INVALID, "called: no value");
  memcpy(peer->called, called, count * sizeof called[0]);
  peer->called_count = count;
  return CAS_OK;
}

static cas_status set_limit(enum peer_key key, const char *value, unsigned max, unsigned *limit,
                            struct cas_error *error) {
  if (config_parse_number(value, 10, 1, max, limit)) return CAS_OK;
  return config_fail(error, CAS_INVALID, "%s: \"%.64s\" is not a number from 1 to %u", key_names[key], value, max);
}

static cas_status set_destination(struct dicom_peer *peer, const char *value, struct cas_error *error) {
  struct dicom_peer parsed = *peer;
  if (strcmp(peer->aet, "*") == 0) return config_fail(error, CAS_INVALID, "destination: * is no AE title to call");
  if (!peer_parse_destination(value, &parsed))
    return config_fail(error, CAS_INVALID, "%s: \"%.300s\" is not HOST:PORT", peer->aet, value);
  *peer = parsed;
  return CAS_OK;
}

static cas_status set_tls(struct dicom_peer *peer, const char *value, struct cas_error *error) {
  if (config_parse_switch(value, &peer->tls)) return CAS_OK;
  return config_fail(error, CAS_INVALID, "tls: \"%.64s\" is neither yes nor no", value);
}

/* A fingerprint, or a subject as "CN=name". */
static cas_status set_certificate(struct dicom_peer *peer, const char *value, struct cas_error *error) {
  const bool fingerprint = strncmp(value, "sha256:", 7) == 0;
  const bool whole = strlen(value) == 7 + 64 && strspn(value + 7, "0123456789abcdefABCDEF") == 64;
  if ((fingerprint && !whole) || (!fingerprint && strchr(value, '=') == NULL) ||
      strlen(value) >= sizeof peer->certificate)
    return config_fail(error, CAS_INVALID,
                       "certificate: neither sha256: with 64 hexadecimal digits nor a subject as CN=name");
  snprintf(peer->certificate, sizeof peer->certificate, "%s", value);
  return CAS_OK;
}

static cas_status set_value(struct dicom_peer *peer, enum peer_key key, const char *value, struct cas_error *error) {
  char list[LIST_BYTES_MAX];
  if ((size_t)snprintf(list, sizeof list, "%s", value) >= sizeof list)
    return config_fail(error, CAS_INVALID, "%s: the value is too long", key_names[key]);
  switch (key) {
  case PEER_ADDRESS: return set_addresses(peer, list, error);
  case PEER_ALLOW: return set_rights(peer, list, error);
  case PEER_CALLED: return set_called(peer, list, error);
  case PEER_DESTINATION: return set_destination(peer, value, error);
  case PEER_TLS: return set_tls(peer, value, error);
  case PEER_CERTIFICATE: return set_certificate(peer, value, error);
  case PEER_MOVE_ASSOCIATIONS:
    return set_limit(key, value, PEER_MOVE_ASSOCIATIONS_MAX, &peer->move_associations, error);
  case PEER_ASSOCIATIONS: return set_limit(key, value, LIMIT_MAX, &peer->associations_max, error);
  case PEER_OBJECT_RATE: return set_limit(key, value, LIMIT_MAX, &peer->objects_per_second_max, error);
  case PEER_BYTE_RATE: return set_limit(key, value, LIMIT_MAX, &peer->mib_per_second_max, error);
  }
  return config_fail(error, CAS_INVALID, "%s", key_names[key]);
}

/* --- keys --- */

cas_status config_peers_set(struct config *config, const char *section, const char *key, const char *value, bool once,
                            struct cas_error *error) {
  const bool destination = strcmp(section, "peers") == 0;
  const char *aet = destination ? key : section + strlen("peer ");
  aet += strspn(aet, " ");
  if (!peer_title_valid(aet)) return config_fail(error, CAS_INVALID, "\"%.64s\" is no AE title", aet);
  size_t found = destination ? PEER_DESTINATION : 0;
  while (!destination && found < KEY_COUNT && strcmp(key_names[found], key) != 0) found++;
  if (found == KEY_COUNT) return config_fail(error, CAS_INVALID, "there is no key %.64s in [%s]", key, section);
  struct config_mark *mark;
  struct dicom_peer *peer = entry_of(config, aet, &mark);
  if (peer == NULL) return config_fail(error, CAS_NO_MEMORY, "configuration");
  if (once && (mark->seen & 1u << found) != 0) return config_fail(error, CAS_INVALID, "the key was given before");
  mark->seen |= 1u << found;
  if (!destination && !peer->caller) {
    peer->caller = true;
    mark->line = config->line;
  }
  return set_value(peer, (enum peer_key)found, value, error);
}

cas_status config_peers_complete(struct config *config, struct cas_error *error) {
  for (size_t i = 0; i < config->peer_count; i++) {
    struct dicom_peer *peer = &config->peers[i];
    char place[CONFIG_PLACE_BYTES];
    config_place(config, config->peer_marks[i].line, place);
    if (peer->tls && config->tls_ca == NULL)
      return config_fail(error, CAS_INVALID, "%s[peer %s] has tls = yes, which needs ca in [tls]", place, peer->aet);
    if (!peer->caller || peer->address_count > 0) continue;
    if (peer->port == 0 || !peer_parse_address(peer->host, &peer->addresses[0]))
      return config_fail(error, CAS_INVALID, "%s[peer %s] has no address; \"any\" lets it be anywhere", place,
                         peer->aet);
    peer->address_count = 1;
  }
  return CAS_OK;
}
