/*
 * Instances that are in no list because their manifest was damaged before the index was made: their header blobs are
 * still there, in front of the damage, and say whose they were.
 *
 * While a segment is walked the last header-like blobs are noted; at damage each of them is read, and reported where no
 * instance of the index has its SOP Instance UID. So what is named may also be an instance that was deleted on purpose.
 *
 * Threads: one thread at a time.
 */
#ifndef STORE_UNLISTED_H
#define STORE_UNLISTED_H

#include "cassette/attributes.h"
#include "store/store.h"

/* More instances than that are seldom written between a header and its manifest: they come from as many senders. */
#define UNLISTED_HEADERS_MAX 64u

struct unlisted {
  struct cas_store *store;
  struct {
    struct blob_id id;
    bool told;
  } headers[UNLISTED_HEADERS_MAX]; /* a ring */
  size_t noted;
};

typedef void (*unlisted_fn)(void *arg, const struct cas_attributes *attributes);

void unlisted_init(struct unlisted *unlisted, struct cas_store *store);

/* A good record that was walked over; only blobs that may be headers are noted. */
void unlisted_note(struct unlisted *unlisted, const struct record *record);

/* There is damage among or behind what was noted. Nothing is told twice. */
void unlisted_tell(struct unlisted *unlisted, unlisted_fn each, void *arg);

#endif
