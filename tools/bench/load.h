/*
 * A load on a storage provider: scanners that send objects at the same time, each over an association of its own.
 *
 * Caveats
 *  - Each object is a copy with new UIDs and other pixels (object_copy.h), unless told otherwise; making it costs one
 *    copy of its bytes from memory into the send buffer.
 *  - A scanner waits for each response before it sends the next object, as scanners do. It holds TCP_NODELAY, and sends
 *    whole PDUs.
 *
 * Threads: load_run() blocks and starts one thread for each scanner; its callback is called from the caller's thread.
 * Source: PS3.7 9.1.1, PS3.4 B.
 */
#ifndef LOAD_H
#define LOAD_H

#include "latency.h"
#include "object_set.h"
#include "requestor.h"

#define LOAD_SCANNERS_MAX 1024u
#define LOAD_STATUSES_MAX 16u

/* Called some times a second with what was answered so far; false ends the load after what is under way. */
typedef bool (*load_progress_fn)(void *arg, uint64_t objects, uint64_t bytes);

struct load_options {
  struct requestor_options peer; /* contexts and count are filled in here */
  const struct object_set *set;  /* not empty */
  unsigned scanners;             /* associations at once, 1 to LOAD_SCANNERS_MAX */
  uint64_t repetitions;          /* of the whole set, which the scanners share out among themselves in equal parts */
  double rate;                   /* objects a second of all scanners together; 0: as fast as it goes */
  uint64_t seed;                 /* of the new UIDs */
  bool same;                     /* sends the objects as they are */
  load_progress_fn progress;
  void *arg;
};

struct load_result {
  uint64_t objects, bytes;  /* answered with success or a warning; bytes of data sets */
  uint64_t failed;          /* answered with a failure, not taken by the association, or lost with it */
  uint64_t refused;         /* of these: their presentation context was not accepted */
  uint64_t lost;            /* of these: without an answer, the association broke */
  uint64_t unsent;          /* since the load was ended, or a scanner found no association any more */
  double seconds;           /* from the first object to the last answer; associations are open before */
  double processor_seconds; /* of this process meanwhile */
  struct latency latency;   /* of a C-STORE: from its first byte to its answer */
  struct load_status {
    uint16_t status;
    uint64_t count;
  } statuses[LOAD_STATUSES_MAX]; /* of answers; more kinds than that count in the last */
  size_t status_count;
  struct cas_error error; /* of the first association that failed or broke; CAS_OK: none */
};

/* Fails with the first failure to open an association, CAS_INVALID: more than PROPOSAL_CONTEXTS_MAX kinds of objects,
 * CAS_REFUSED: an object cannot be copied. Else the result says how it went. */
CAS_MUST_USE cas_status load_run(const struct load_options *options, struct load_result *result,
                                 struct cas_error *error);

#endif
