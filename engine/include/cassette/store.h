/*
 * A store: one archive on disk, a folder with CASSETTE, segments/ and index/.
 *
 * Caveats
 *  - One process at a time holds a store for writing (CAS_BUSY for the second). Any number of others may follow it:
 *    they read what the writer has made durable, live.
 *  - The library never prints, logs to a file or exits. What an operator should know goes to the log function.
 *
 * Threads: after open, every function may be called from any thread at once; close when no other call is running.
 */
#ifndef CASSETTE_STORE_H
#define CASSETTE_STORE_H

#include <stdbool.h>

#include "cassette/attributes.h"
#include "cassette/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cas_store;

enum cas_log_level { CAS_LOG_ERROR = 1, CAS_LOG_WARNING, CAS_LOG_NOTICE, CAS_LOG_DEBUG };

/* Receives one line without a final newline; may be called from any thread. No patient data at NOTICE and below. */
typedef void (*cas_log_fn)(void *arg, enum cas_log_level level, const char *line);

enum cas_open_mode {
  CAS_OPEN_FOLLOW, /* read, also while another process writes; see cas_store_refresh() */
  CAS_OPEN_WRITE,  /* read and write; replays the tail of the log first */
};

/* When the pixels and other long values of an object are encoded. What is put off is stored raw or
 * little smaller, and made small later. */
enum cas_encode {
  CAS_ENCODE_ALWAYS, /* on the way in */
  CAS_ENCODE_LATER,  /* put off */
  CAS_ENCODE_AUTO,   /* put off in a burst, of more than 16 MiB a second */
};

/* Zero means the default everywhere. */
struct cas_store_options {
  enum cas_open_mode mode;
  cas_log_fn log;
  void *log_arg;
  uint32_t workers;          /* threads that hash, compare and encode; default: the processors online */
  uint64_t in_flight_bytes;  /* raw bytes between arrival and commit, default 64 MiB; senders wait beyond (P6) */
  uint64_t read_cache_bytes; /* decoded blobs kept for readers, default 64 MiB */
  uint64_t segment_bytes;    /* a segment is sealed at this length, default 512 MiB */
  bool no_io_uring;          /* plain writes, through the page cache */
  /* Of rejection notes (state.h), bits 1 << enum cas_reason: those that hide nothing. */
  uint32_t ignored_reasons;
  /* States that are shown like CAS_STATE_SHOWN, bits 1 << enum cas_state. */
  uint32_t shown_states;
  enum cas_encode encode;
};

/* Makes a new empty store in `path`, which must not exist or be an empty folder (else CAS_EXISTS). Durable on return.
 */
CAS_API CAS_MUST_USE cas_status cas_store_init(const char *path, struct cas_error *error);

/* Opens a store. CAS_NOT_FOUND: there is none; CAS_BUSY: another process writes; CAS_UNSUPPORTED: a newer format;
 * CAS_CORRUPT: CASSETTE is damaged, or the index: cas_store_rebuild() mends the latter. */
CAS_API CAS_MUST_USE cas_status cas_store_open(const char *path, const struct cas_store_options *options,
                                               struct cas_store **store, struct cas_error *error);

/* Finishes what is under way, writes the index out, and frees the store. NULL is allowed. */
CAS_API void cas_store_close(struct cas_store *store);

/* Follower: sees what the writer has committed by now. Cheap; a no-op for a writer. */
CAS_API CAS_MUST_USE cas_status cas_store_refresh(struct cas_store *store, struct cas_error *error);

/* Facts that do not change while the store is open. Borrowed. */
struct cas_store_info {
  const char *path;
  char uuid[37];
  uint32_t format_version;
  int64_t created_ns; /* UTC, nanoseconds since 1970 */
  const char *disk;   /* how it writes: "io_uring, O_DIRECT", ... */
};
CAS_API void cas_store_info(const struct cas_store *store, struct cas_store_info *info);

/* What is in the store and what it takes on disk. */
struct cas_stats {
  uint64_t patients, studies, series, instances; /* instances count every version that is shown */
  uint64_t instance_bytes;                       /* sum of the sizes of their files, as they came */
  uint64_t gone_instances;                       /* versions that are deleted, hidden or replaced */
  uint64_t blobs;
  uint64_t blob_bytes;        /* of distinct blobs before encoding: instance_bytes less what deduplication saved */
  uint64_t blob_stored_bytes; /* of the same after encoding: less what compression saved */
  uint64_t manifest_bytes;    /* on disk */
  uint64_t segments;
  uint64_t segment_bytes; /* length of all segment files: what the archive takes on disk, without the index */
  uint64_t cold_segments; /* of them, in the cold place (tier.h) */
  uint64_t cold_bytes;
  uint64_t away_segments; /* in a cold place that is away: counted nowhere else */
  uint64_t index_bytes;
  uint64_t reclaimable_bytes; /* in segments, of what nobody needs any more: compacting gives it back */
  uint64_t deferred_bytes;    /* in segments, of what was stored raw first and waits to be encoded */
  uint64_t reclaimed_bytes;   /* that compacting has given back since the index was made */
  uint64_t deleted_versions;  /* that keep their bytes, for a time or for a snapshot; and the size of their files */
  uint64_t deleted_bytes;
  uint64_t free_bytes; /* on the file system */
  struct cas_codec_stats {
    const char *name; /* "raw", "zstd", "zstd+dictionary", "pixel", "deferred", "quick"; NULL ends the list */
    uint64_t raw_bytes, stored_bytes;
  } codecs[17];
};
CAS_API CAS_MUST_USE cas_status cas_store_stats(struct cas_store *store, struct cas_stats *stats,
                                                struct cas_error *error);

/* The file system that the store lies on. Looks at no file. */
struct cas_space {
  uint64_t free_bytes, total_bytes;
};
CAS_API CAS_MUST_USE cas_status cas_store_space(const struct cas_store *store, struct cas_space *space,
                                                struct cas_error *error);

/* Whether an open writer takes objects. A follower does not know, and says that it does. */
struct cas_store_condition {
  bool read_only;    /* what comes is refused with `status`; reading goes on. The rest is zero where false */
  cas_status status; /* CAS_NO_SPACE, CAS_IO or CAS_CORRUPT: why */
  int64_t since_ns;  /* UTC, nanoseconds since 1970 */
  uint64_t tries;    /* since then, to write again */
  char reason[512];  /* one line, of the last try */
};
CAS_API void cas_store_condition(const struct cas_store *store, struct cas_store_condition *condition);

/* --- checking and mending --- */

struct cas_progress {
  uint64_t done, total; /* bytes of segments */
  uint64_t instances;   /* seen so far */
};
/* Called now and then from the calling thread; another status than CAS_OK stops the operation with it. */
typedef cas_status (*cas_progress_fn)(void *arg, const struct cas_progress *progress);

enum cas_finding_kind {
  CAS_FINDING_DAMAGED_RECORD,   /* a range of a segment that does not match its checksum */
  CAS_FINDING_DAMAGED_INSTANCE, /* an instance that cannot be read back bit-exact */
  CAS_FINDING_INDEX,            /* the index does not agree with the segments */
  CAS_FINDING_AWAY,             /* a segment was not read: the cold place is away */
};
struct cas_finding {
  enum cas_finding_kind kind;
  const char *path;    /* tree path of the instance, or name of the segment */
  uint64_t offset;     /* in the segment */
  uint64_t size;       /* bytes from there; 0: the whole segment, or no part of one */
  const char *message; /* one line */
  /* Of a damaged instance that is in no list, and whose `path` is therefore "": what its header says; else NULL. */
  const struct cas_attributes *attributes;
};
typedef void (*cas_finding_fn)(void *arg, const struct cas_finding *finding);

struct cas_verify_options {
  cas_progress_fn progress;
  cas_finding_fn finding;
  void *arg;
};
struct cas_verify_result {
  uint64_t segments, records, instances, bytes;
  uint64_t damaged_records, damaged_instances, index_findings;
  uint64_t healed_records; /* damaged ones, or ranges of them, that nothing needs any more; none of damaged_records */
  uint64_t away_segments, away_instances; /* that could not be read, as the cold place is away (tier.h) */
};
/*
 * Reads every record of every segment and checks it, then reads every instance through the ordinary read path and
 * compares size and hash. CAS_OK means that it ran to its end; `result` tells what was found.
 */
CAS_API CAS_MUST_USE cas_status cas_store_verify(struct cas_store *store, const struct cas_verify_options *options,
                                                 struct cas_verify_result *result, struct cas_error *error);

/* Makes the index anew from the segments alone (P3); the store must not be open. The old index is replaced only when
 * the new one is whole. CAS_AWAY: the cold place is, and nothing was changed. */
CAS_API CAS_MUST_USE cas_status cas_store_rebuild(const char *path, const struct cas_store_options *options,
                                                  cas_progress_fn progress, void *arg, struct cas_error *error);

/* One line of the text twin of a segment (cassette segment dump): no final newline. */
typedef cas_status (*cas_dump_fn)(void *arg, const char *line);
/* Writes segment `number` (0: all) as text, one record a line; docs/format.md has the columns. Works on a live store.
 */
CAS_API CAS_MUST_USE cas_status cas_segment_dump(struct cas_store *store, uint32_t number, cas_dump_fn line, void *arg,
                                                 struct cas_error *error);

CAS_API const char *cas_version(void);

#ifdef __cplusplus
}
#endif
#endif
