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

#endif
