/*
 * Ingest: one object goes in, byte by byte or in big pieces, and is acknowledged when it is durable (P1).
 *
 * Caveats
 *  - cas_ingest_write() waits when too much is under way (P6). The object is never held whole: memory per stream is
 *    bounded by one blob (4 MiB) and its header.
 *  - Nothing of an object that was not committed can be seen or found. Its blobs may stay in the segments, unnamed.
 *
 * Threads: one ingest belongs to one thread at a time; any number of ingests may run at once on a store.
 */
#ifndef CASSETTE_INGEST_H
#define CASSETTE_INGEST_H

#include "cassette/attributes.h"
#include "cassette/store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cas_ingest;

/* Corrected objects come from the engine itself (correct.h). */
enum cas_origin { CAS_ORIGIN_IMPORT = 1, CAS_ORIGIN_RECEIVED = 2, CAS_ORIGIN_CORRECTED = 3 };

/* Where an object comes from. The strings are copied. */
struct cas_ingest_source {
  enum cas_origin origin;
  const char *description; /* for the record: a path, or "AETITLE@address"; may be NULL; cut at 255 bytes */
  /*
   * CAS_ORIGIN_RECEIVED only: what the C-STORE request and the presentation context say (PS3.7 9.1.1). The bytes
   * written are then the data set alone; a Part 10 header is put before it.
   */
  const char *sop_class_uid;
  const char *sop_instance_uid;
  const char *transfer_syntax_uid;
  bool may_not_reject; /* a rejection note from here is stored, and hides nothing */
};

enum cas_outcome {
  CAS_STORED = 1,  /* new */
  CAS_DUPLICATE,   /* the same bytes are there (received: the same data set in the same transfer syntax); nothing was
                      stored */
  CAS_NEW_VERSION, /* the SOP Instance UID is there with other bytes: kept beside the older versions (P8) */
};

struct cas_ingest_result {
  enum cas_outcome outcome;
  uint32_t version; /* 1, 2, ... of this SOP Instance UID */
  char sop_instance_uid[CAS_UID_TEXT_MAX];
  uint64_t bytes;     /* of the file, with the Part 10 header */
  const char *defect; /* NULL, or what is wrong with the object, which was kept all the same; static */
  uint64_t defect_offset;
  uint64_t healed_blobs; /* damaged stored blobs that these bytes replaced */
  uint64_t changed;      /* versions that were hidden because of this object: a rejection note (state.h) */
};

/* CAS_INVALID: the store is not open for writing, or the source lacks what it must have. CAS_NO_SPACE, CAS_IO,
 * CAS_CORRUPT: the archive is read-only for that reason, see cas_store_condition(). */
CAS_API CAS_MUST_USE cas_status cas_ingest_begin(struct cas_store *store, const struct cas_ingest_source *source,
                                                 struct cas_ingest **ingest, struct cas_error *error);

/* Takes the next bytes. On failure only abort is left. */
CAS_API CAS_MUST_USE cas_status cas_ingest_write(struct cas_ingest *ingest, struct cas_slice bytes,
                                                 struct cas_error *error);

/*
 * Ends the object and waits until it is durable. The ingest is gone whatever the result. CAS_REFUSED: not DICOM, or
 * without an acceptable SOP Instance UID, or (received) another one than the request says; CAS_NO_SPACE, CAS_IO: not
 * stored.
 */
CAS_API CAS_MUST_USE cas_status cas_ingest_commit(struct cas_ingest *ingest, struct cas_ingest_result *result,
                                                  struct cas_error *error);

/*
 * The same without waiting: `done` is called once, from another thread, when the object is durable or has failed; it
 * must be quick and must not call into the store. If the function itself fails, `done` is not called. So one thread
 * keeps many objects under way and one sync makes them all durable.
 */
typedef void (*cas_ingest_done_fn)(void *arg, cas_status status, const struct cas_ingest_result *result,
                                   const struct cas_error *error);
CAS_API CAS_MUST_USE cas_status cas_ingest_commit_async(struct cas_ingest *ingest, cas_ingest_done_fn done, void *arg,
                                                        struct cas_error *error);

/* Drops the object. NULL is allowed. */
CAS_API void cas_ingest_abort(struct cas_ingest *ingest);

#ifdef __cplusplus
}
#endif
#endif
