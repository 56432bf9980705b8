/*
 * What is asked of a peer: keys of a query, the level they mean, and the identifier that is sent.
 *
 * Threads: pure functions. Source: PS3.4 C.4 (identifiers), C.6 (levels and unique keys).
 */
#ifndef REMOTE_KEYS_H
#define REMOTE_KEYS_H

#include "cassette/attributes.h"
#include "cli.h"
#include "identifier.h"

#define REMOTE_KEYS_MAX 64u

enum remote_service { REMOTE_FIND, REMOTE_MOVE, REMOTE_GET };

struct remote_key {
  uint32_t tag;
  char vr[3];
  char keyword[64]; /* or "gggg,eeee" */
  const char *value;
};

/* Zero-initialise. */
struct remote_keys {
  struct remote_key keys[REMOTE_KEYS_MAX];
  size_t count;
  enum cas_level level; /* 0: as the keys need */
};

/* Reads "gggg,eeee"; false for anything else. */
bool remote_key_tag(const char *text, uint32_t *tag);

/* Takes the operands from `first` on, "Keyword=value" or "gggg,eeee=value", which are cut in place; one without '=' is
 * a Study Instance UID. Says what is wrong and returns the exit code. */
int remote_keys_read(struct cli_arguments *arguments, int first, struct remote_keys *keys);

/* Adds a key that is to come back, unless it is there. */
void remote_keys_want(struct remote_keys *keys, uint32_t tag, const char *vr, const char *keyword);

/* Sets the level where none is, by the lowest unique key that has a value, and else by the lowest attribute. */
void remote_keys_settle(struct remote_keys *keys);

/* The SOP class of the information model that fits: Patient Root at PATIENT level, else Study Root. */
const char *remote_keys_model(const struct remote_keys *keys, enum remote_service service);

/* Appends the identifier in Implicit VR Little Endian. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status remote_keys_encode(const struct remote_keys *keys, struct cas_buffer *bytes);

#endif
