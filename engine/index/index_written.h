/*
 * Which keys an index may have that was empty when it was opened: a filter in memory over all that was written since.
 * It spares RocksDB nearly every look-up of a key that is not there, which most look-ups of a rebuild are.
 *
 * Not safe for threads. Memory is what it was created with; the fuller it gets, the more keys it takes for written.
 */
#ifndef INDEX_INDEX_WRITTEN_H
#define INDEX_INDEX_WRITTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cassette/status.h"

struct index_written;

/* `bytes` of memory, rounded up to a cache line: with ten bits a key one in a hundred is taken for written wrongly. */
CAS_MUST_USE cas_status index_written_create(size_t bytes, struct index_written **written);
void index_written_destroy(struct index_written *written); /* NULL is allowed */

/* Keys are known by a hash of 64 bits (index_changes_hash). */
void index_written_add(struct index_written *written, uint64_t hash);

/* False: the key was never added. */
bool index_written_may_have(const struct index_written *written, uint64_t hash);

#endif
