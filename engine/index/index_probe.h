/*
 * Tries whether a folder can be written, with a file of its own. RocksDB 7.8.3 ends the process by an assertion, which
 * Debian's library has enabled, where it goes on writing to a file that has failed it, as it does while it opens: so it
 * is asked to open only where writing works.
 *
 * Threads: one at a time for a folder.
 */
#ifndef INDEX_INDEX_PROBE_H
#define INDEX_INDEX_PROBE_H

#include "base/status.h"

/* Writes, syncs and removes a small file. CAS_NO_SPACE, CAS_IO: why it cannot be. */
CAS_MUST_USE cas_status index_probe(const char *folder, struct cas_error *error);

#endif
