/*
 * Writing one segment anew: what of it is needed, the new file, and the index brought to it.
 *
 * Threads: one at a time for a store.
 */
#ifndef STORE_COMPACT_SEGMENT_H
#define STORE_COMPACT_SEGMENT_H

#include "cassette/compact.h"
#include "store/pace.h"
#include "store/store.h"

struct compaction {
  struct cas_store *store;
  const struct cas_compact_options *options;
  struct pace pace;
  struct cas_compact_result *result;
  struct cas_error *error;
};

/* `segment` is sealed, and the index knows its generation. CAS_CORRUPT: something needed in it is damaged, and it stays
 * as it is. */
CAS_MUST_USE cas_status compact_segment(struct compaction *compaction, uint64_t segment);

/* A new generation that may be there without the index knowing it. */
struct unsettled_segment {
  uint64_t segment; /* 0: none is */
  enum volume_tier tier;
};

/* Makes an end of a segment whose writing anew failed when its new file was there: the file counts at the next start,
 * which takes what is not in it for dropped. Where the index does not know it, it goes; until then what was to be
 * dropped stays doomed, so that nobody relies on it. Fails while that is so; who holds `compacting` calls it first. */
CAS_MUST_USE cas_status compact_settle(struct cas_store *store, struct cas_error *error);

#endif
