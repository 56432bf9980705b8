/*
 * The scrubber's place: which cycle it is in, which segment is next, and what the cycle has found so far. A small file
 * of text, "scrub" in the store, of lines "key value" and "damage SEGMENT OFFSET BYTES". No part of the archive:
 * without it, or where it cannot be read, a new cycle begins.
 *
 * Threads: a place belongs to one thread at a time.
 */
#ifndef STORE_SCRUB_PLACE_H
#define STORE_SCRUB_PLACE_H

#include "cassette/scrub.h"
#include "store/store.h"

/* Damages that are kept to look up the instances that they hit. More are counted and logged. */
#define SCRUB_DAMAGES_MAX 256u

struct scrub_damage {
  uint32_t segment;
  uint64_t offset, bytes;
};

struct scrub_place {
  bool reading; /* a cycle is under way */
  bool hurried;
  bool paused;
  uint64_t cycles;
  uint32_t segment; /* the first that is still to be read */
  struct cas_scrub_counts now, whole;
  struct scrub_damage damages[SCRUB_DAMAGES_MAX];
  size_t damage_count;
};

/* What is kept, or a fresh place. */
void scrub_place_load(struct cas_store *store, struct scrub_place *place);

/* Durable on return. */
CAS_MUST_USE cas_status scrub_place_save(struct cas_store *store, const struct scrub_place *place,
                                         struct cas_error *error);

/* A cycle begins, with the first segment. */
void scrub_place_begin(struct scrub_place *place);

#endif
