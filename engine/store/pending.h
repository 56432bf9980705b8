/*
 * Blobs between arrival and commit, and the table of those whose bytes are new: a second stream that brings the same
 * bytes meets the first one here instead of storing them twice.
 *
 *   ARRIVED --worker--> KNOWN      the store has these bytes already, compared
 *                   \-> SHARED     another pending blob has them, compared; follows that one's fate
 *                   \-> QUEUED --> COMMITTED
 *                            \---> FAILED      its group could not be made durable
 *                   \-> FAILED                 out of memory, or the store could not be read
 *
 * A blob is settled when it has left ARRIVED and, if SHARED, the other one has too.
 *
 * Threads: any. `lock` of the table guards state, failure, same, waiters and the chains. What a worker writes while
 * ARRIVED (id, codec, payload, dictionary) is read by others only once it is settled.
 */
#ifndef STORE_PENDING_H
#define STORE_PENDING_H

#include <stdatomic.h>

#include "dicom/scanner.h"
#include "store/committer.h"
#include "store/store.h"
#include "store/worker_pool.h"

enum pending_state {
  PENDING_ARRIVED,
  PENDING_KNOWN,
  PENDING_SHARED,
  PENDING_QUEUED,
  PENDING_COMMITTED,
  PENDING_FAILED
};

enum blob_kind { BLOB_HEADER, BLOB_FRAME, BLOB_BULK };

struct pending_blob {
  struct job job;          /* first: the worker's */
  struct commit_item item; /* the committer's */
  struct cas_store *store;
  atomic_uint holders;
  /* Told once when the blob is settled. */
  void (*settled)(void *arg);
  void *settled_arg;
  /* What came. */
  enum blob_kind kind;
  struct cas_pixel_format format;    /* BLOB_FRAME */
  char series_uid[CAS_UID_TEXT_MAX]; /* BLOB_HEADER: whose headers it resembles; "" for none */
  struct cas_buffer raw;             /* freed when no one needs it any more */
  uint32_t raw_size;
  uint64_t budgeted; /* bytes of the budget held for it */
  /* What it became. */
  struct blob_id id;
  enum codec_id codec;
  struct cas_buffer payload;       /* empty for CODEC_RAW; for CODEC_DEFERRED, whose trailer lies behind `raw` */
  struct pending_blob *dictionary; /* held; must not be FAILED when this is appended */
  bool becomes_dictionary;
  bool heals;                         /* a damaged copy lies in the store */
  uint32_t pinned, dictionary_pinned; /* segments, 0: none; of the blob where it lies, and of its dictionary */
  enum pending_state state;
  cas_status failure;
  struct pending_blob *same; /* SHARED: held */
  struct pending_blob *waiters, *next_waiter;
  struct pending_blob *chain;
};

struct pending;
CAS_MUST_USE cas_status pending_create(struct pending **pending);
void pending_destroy(struct pending *pending);

/* A new blob in state ARRIVED, held by the caller; takes over `raw`, for which `budgeted` bytes of the budget are held.
 */
CAS_MUST_USE cas_status pending_blob_create(struct cas_store *store, enum blob_kind kind, struct cas_buffer *raw,
                                            uint64_t budgeted, struct pending_blob **blob);
void pending_blob_ref(struct pending_blob *blob);
void pending_blob_unref(struct pending_blob *blob);

/* Lets the blob pin the segment that it lies in until it is freed. */
CAS_MUST_USE cas_status pending_blob_pin(struct pending_blob *blob, uint32_t segment);

/* The segment that the blob, or the one that it shares bytes with, has pinned; 0: none. */
uint32_t pending_pinned(struct pending *pending, struct pending_blob *blob);

/*
 * Called by the worker with blob->id.hash set: SHARED if a pending blob has the same bytes. Otherwise the blob is
 * entered into the table, as the one that others will meet; where others with the same hash and different bytes are on
 * their way, it first waits until those have their names. Returns whether it was entered.
 */
bool pending_enter(struct pending *pending, struct pending_blob *blob);

/* Whether another pending blob bears this name already. */
bool pending_has_name(struct pending *pending, const struct blob_id *id, const struct pending_blob *but);

/* Ends ARRIVED with KNOWN, QUEUED or FAILED, and tells all that wait. QUEUED goes into the committer's queue before
 * anyone is told, so that no manifest overtakes its blobs. KNOWN and FAILED leave the table and free their bytes. */
void pending_settle(struct pending *pending, struct pending_blob *blob, enum pending_state state, cas_status failure);

/* Ends QUEUED with COMMITTED or FAILED; the blob leaves the table and its bytes are freed. */
void pending_finish(struct pending *pending, struct pending_blob *blob, cas_status status);

/* The state that counts: that of `same` for a SHARED one. `failure` receives why, for FAILED. */
enum pending_state pending_state_of(struct pending *pending, struct pending_blob *blob, cas_status *failure);

/* The raw bytes of a blob that is QUEUED, else empty. For the committer, which alone ends that state. */
struct cas_slice pending_bytes(struct pending *pending, struct pending_blob *blob);

#endif
