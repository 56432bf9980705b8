/* How RocksDB is set up for the index; the reasons are with each setting. */
#ifndef INDEX_INDEX_OPTIONS_H
#define INDEX_INDEX_OPTIONS_H

#include <rocksdb/c.h>
#include <stdbool.h>

/* Owned by the caller; must outlive the database. */
rocksdb_options_t *index_options_create(bool follower);

#endif
