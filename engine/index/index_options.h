/* How RocksDB is set up for the index; the reasons are with each setting. */
#ifndef INDEX_INDEX_OPTIONS_H
#define INDEX_INDEX_OPTIONS_H

#include <rocksdb/c.h>

/* Who opens the index: its writer, one that follows a writer, or one that makes it anew and is asked for nothing before
 * it is whole. */
enum index_use { INDEX_WRITER, INDEX_FOLLOWER, INDEX_FILLER };

/* Owned by the caller; must outlive the database. */
rocksdb_options_t *index_options_create(enum index_use use);

#endif
