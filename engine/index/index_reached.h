/*
 * How far an index is known to have come: the sequence number up to which RocksDB had everything in tables at its last
 * flush, in a small file REACHED beside RocksDB's own. RocksDB takes its list of tables, cut off behind a whole entry,
 * for a whole list, and shows the index as it was at that entry; this file tells.
 *
 * The file is text: "reached: NUMBER" and "checksum: XXH3-64 of the line before". Without it, or where it is damaged,
 * nothing is known.
 *
 * Threads: one writes; any read.
 */
#ifndef INDEX_INDEX_REACHED_H
#define INDEX_INDEX_REACHED_H

#include <stdint.h>

#include "base/status.h"

/* Durable on return. CAS_NO_SPACE, CAS_IO: why it cannot be written; what was there before stays. */
CAS_MUST_USE cas_status index_reached_write(const char *folder, uint64_t sequence, struct cas_error *error);

/* The number in the file, 0 where nothing is known. */
uint64_t index_reached_read(const char *folder);

#endif
