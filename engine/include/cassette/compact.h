/*
 * Compacting: segments are written anew without what nobody needs, and with what was stored raw first encoded. The
 * archive stays what it is: names, versions, snapshots and bytes.
 *
 * Caveats
 *  - What was deleted keeps its bytes until it is discarded here, at the earliest when no snapshot shows it. From then
 * on nothing brings them back.
 *  - A segment is replaced when the new file is durable; until then both take space.
 *  - A segment in which something needed is damaged stays as it is, until that is healed.
 *  - Files that a reader in another process has open take their space until it looks at the store again.
 *
 * Threads: any; one at a time compacts a store (CAS_BUSY for the second). Everything else goes on meanwhile.
 */
#ifndef CASSETTE_COMPACT_H
#define CASSETTE_COMPACT_H

#include "cassette/store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cas_compact_progress {
  uint64_t segments_done, segments; /* of those that are worth it */
  uint64_t bytes_done, bytes;       /* read of them so far, and their lengths */
};

/* Called now and then from the calling thread; another status than CAS_OK stops with it: what is replaced stays
 * replaced, the segment under way stays as it was. */
typedef cas_status (*cas_compact_progress_fn)(void *arg, const struct cas_compact_progress *progress);

/* Zero means the default everywhere. */
struct cas_compact_options {
  uint32_t min_percent;      /* a segment is written anew if that saves at least so much of it; default 5 */
  uint32_t segments_max;     /* write so many anew; default: all that are worth it */
  uint32_t threads;          /* that encode; default: the store's workers */
  bool in_background;        /* the threads give way to all others */
  uint64_t seal_bytes;       /* end the open segment too, if at least so much of it would go; default: do not */
  uint64_t bytes_per_second; /* read at most so fast; default: as fast as possible */
  /* Discard what was deleted before this time, UTC; INT64_MAX: whatever was; default: nothing. A time of a deletion
   * that does not fit the others in the log does not count: the next later one that does counts for it. */
  int64_t deleted_before_ns;
  cas_compact_progress_fn progress;
  void *arg;
};

/* Days for which deleted versions keep their bytes where nothing else is asked for. */
#define CAS_COMPACT_DELETED_DAYS 30

struct cas_compact_result {
  uint64_t segments;                  /* written anew */
  uint64_t bytes_before, bytes_after; /* their lengths */
  uint64_t packed_blobs;              /* encoded, that were raw before */
  uint64_t dropped_records;
  uint64_t discarded_versions; /* that were deleted, and whose bytes were let go */
  uint64_t damaged_segments;   /* left as they are */
  uint64_t bytes_left;         /* length of those that are worth it and were not reached */
};

/* Writes anew what is worth it, the segment with most to gain first. `result` is filled in also on failure. The store
 * must be open for writing (CAS_INVALID). CAS_NO_SPACE: the disk has no room for a second copy of a segment. */
CAS_API CAS_MUST_USE cas_status cas_store_compact(struct cas_store *store, const struct cas_compact_options *options,
                                                  struct cas_compact_result *result, struct cas_error *error);

/* Bytes of blobs that have arrived since the store was opened for writing: where it stands still, it is quiet. */
CAS_API uint64_t cas_store_arrived(const struct cas_store *store);

#ifdef __cplusplus
}
#endif
#endif
