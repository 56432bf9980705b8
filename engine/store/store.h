/*
 * A store from the inside: the parts that meet here, and what each may touch.
 *
 * Way of one image: ingest.c (bytes -> blobs, through dicom/scanner) -> intake.c (a worker hashes, compares, encodes)
 * -> committer.c (one group after the other: sync, index) -> placement.c (where in the tree). Back: reader.c ->
 * blob_read.c.
 *
 * Locks, in the order in which they may be taken together: pending (pending.h), committer (committer.h). All others are
 * leaves. No lock is held across I/O.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <pthread.h>

#include "base/status.h"
#include "cassette/node.h"
#include "cassette/store.h"
#include "codec/codec.h"
#include "index/index.h"
#include "segment/segment.h"
#include "store/pressure.h"
#include "store/superblock.h"

typedef void (*store_hash_fn)(struct cas_slice bytes, struct cas_hash *hash);

#define STORE_MOMENT_NOW UINT64_MAX
#define STORE_STATES_ORDINARY (1u << CAS_STATE_SHOWN)

struct cas_store {
  char *path;
  enum cas_open_mode mode;
  bool fills_index; /* it is made anew from the log, and the store is open for nothing else */
  struct superblock superblock;
  cas_log_fn log;
  void *log_arg;
  int lock_fd; /* CASSETTE, locked while open for writing; else -1 */
  struct io_disk *disk;
  bool disk_is_borrowed; /* by a test */
  struct volume *volume;
  struct index *index;
  /* A snapshot's handle: the last group that is seen, and the store whose parts it borrows. A store's own:
   * STORE_MOMENT_NOW and NULL. */
  uint64_t moment;
  uint32_t states;                 /* that are shown: bits 1 << enum cas_state */
  uint32_t ignored_reasons;        /* of rejection notes: bits 1 << enum cas_reason */
  const struct cas_filter *filter; /* of a view that has one, borrowed; else NULL */
  struct index_near *near;         /* of a view of cas_near_open(), its own; else NULL */
  bool no_versions;                /* of such a view: there were none when it was opened */
  struct cas_store *whole;
  struct index_totals moment_totals; /* a snapshot's handle: instances, their bytes and the last arrival */
  uint64_t reclaimed_seen;           /* follower: of the index, at the last refresh */
  uint64_t moved_seen;               /* the same */
  char *scratch;                     /* follower: RocksDB's own notes; removed at close */
  struct codec *codec;
  struct read_cache *read_cache;
  struct moment_memo *moment_memo;
  store_hash_fn hash;
  /* Writers only. */
  uint64_t in_flight_bytes_max;
  enum cas_encode encode;
  struct pressure *pressure; /* apart, as a view copies the handle; and the next */
  struct activity *activity;
  struct budget *budget;
  struct worker_pool *workers;
  struct pending *pending;
  struct pins *pins;
  bool cold_is_known;                  /* the cold place was there at the start: the index knows what is in it */
  pthread_mutex_t compacting;          /* held by who writes segments anew */
  struct unsettled_segment *unsettled; /* compacting; apart, as a view copies the handle */
  struct dictionaries *dictionaries;
  struct condition *condition;
  struct placement_memo *placement_memo; /* of who applies to the index */
  struct committer *committer;
};

/* What tests put in place of the real thing. NULL fields mean the real thing. */
struct store_seams {
  struct io_disk *disk; /* borrowed */
  store_hash_fn hash;   /* weak on purpose, to make blobs collide */
};

CAS_MUST_USE cas_status store_open(const char *path, const struct cas_store_options *options,
                                   const struct store_seams *seams, struct cas_store **store, struct cas_error *error);

/* Beside the index: one that is being made anew, and the former one until that is in its place. Who opens the store for
 * writing removes what is left of them, and says so in the log. */
#define REBUILD_FOLDER_NEW "index.new"
#define REBUILD_FOLDER_OLD "index.old"

/* Locks the store and opens it for replaying into a new, empty index in `index_folder`; nothing can be stored in it. */
CAS_MUST_USE cas_status store_open_for_rebuild(const char *path, const struct cas_store_options *options,
                                               const char *index_folder, struct cas_store **store,
                                               struct cas_error *error);

/* The store itself, also of a snapshot's handle: for what outlives the handle. */
static inline struct cas_store *store_whole(struct cas_store *store) {
  return store->whole != NULL ? store->whole : store;
}

/* Of a store that is open for a rebuild: an empty index in place of the one there, for another replay. */
CAS_MUST_USE cas_status store_restart_index(struct cas_store *store, const char *index_folder, struct cas_error *error);

/* Closes the index before the rest. */
void store_close_index(struct cas_store *store);

/* Puts one line into the log of the store's owner. */
void store_log(const struct cas_store *store, enum cas_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* XXH3-128 in canonical form, the store_hash_fn of every real store. */
void store_hash_xxh3(struct cas_slice bytes, struct cas_hash *hash);

/* Zero for a start. */
struct healed;
struct replay_damage;
struct replay_options {
  const struct segment_ahead *ahead; /* NULL, or what replay_prepare.h gives */
  struct healed *healed;             /* of a replay of the whole log; NULL: what it misses it does without (healed.h) */
  struct replay_damage *damage;      /* takes what is found; NULL: it is told at the end (replay_damage.h) */
  cas_progress_fn progress;
  void *progress_arg;
};

/* The tail of the log that the index has not seen yet (replay.c). `options` may be NULL. */
CAS_MUST_USE cas_status store_replay(struct cas_store *store, unsigned scan_flags, const struct replay_options *options,
                                     struct segment_mark *end, struct cas_error *error);

/* The mark of the log up to which the index is applied, as a fact in the index. */
CAS_MUST_USE cas_status mark_get(struct index *index, struct segment_mark *mark, struct cas_error *error);
CAS_MUST_USE cas_status mark_put(struct index_batch *batch, const struct segment_mark *mark, struct cas_error *error);

#endif
