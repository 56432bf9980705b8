/*
 * What can be made of a record before its turn in the log has come: a manifest decoded, and its object's attributes
 * read where the header lies before it in the same reader's segments. It needs no index, so that several threads
 * prepare while one applies in order.
 *
 * What is prepared is what the applying thread would find for itself: a header is taken only from good records that
 * come earlier in the log, and is verified against its name.
 *
 * Threads: each reader number belongs to one thread; all else from any.
 */
#ifndef STORE_REPLAY_PREPARE_H
#define STORE_REPLAY_PREPARE_H

#include "store/manifest.h"
#include "store/snapshot_record.h"
#include "store/state_record.h"
#include "store/store.h"

/* Of a MANIFEST, SNAPSHOT or STATE record, or of a blob that needs a dictionary. */
struct prepared_record {
  enum record_kind kind;
  bool good;
  struct cas_attributes *attributes;                 /* of a manifest's object; NULL: not known */
  union {                                            /* by kind, if good; no memory beyond what the kind has */
    uint8_t dictionary[CODEC_DICTIONARY_NAME_BYTES]; /* which the blob needs */
    struct manifest manifest;
    struct snapshot_record snapshot;
    struct state_record state;
  };
};

void prepared_record_destroy(struct prepared_record *prepared);

/* Decodes a manifest, snapshot or state; gives a NULL for other records. The caller destroys. */
CAS_MUST_USE cas_status prepared_record_create(struct cas_store *store, const struct segment_event *event,
                                               struct prepared_record **prepared);

struct replay_preparer;

/* Headers of `readers` readers are kept for a while, each within REPLAY_HEADERS_BYTES_MAX. */
CAS_MUST_USE cas_status replay_preparer_create(struct cas_store *store, unsigned readers,
                                               struct replay_preparer **preparer);
void replay_preparer_destroy(struct replay_preparer *preparer); /* NULL is allowed */

/* What segment_recover_ahead() is to call: it leaves struct prepared_record. The preparer is borrowed. */
struct segment_ahead replay_preparer_ahead(struct replay_preparer *preparer);

#endif
