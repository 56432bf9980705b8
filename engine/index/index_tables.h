/*
 * Looks at the tables of a RocksDB before RocksDB does. RocksDB 7.8.3 reads the block of a table's properties before it
 * compares its checksum, and Debian's library, which has assertions enabled, ends the process over bytes that cannot
 * be. All other blocks it compares first, and says what is wrong.
 *
 * Threads: any.
 */
#ifndef INDEX_INDEX_TABLES_H
#define INDEX_INDEX_TABLES_H

#include "base/status.h"

/* CAS_CORRUPT where the properties of a table that is in force are damaged. CAS_OK for whatever else may be wrong with
 * a table, or where there is no folder: opening says so. */
CAS_MUST_USE cas_status index_tables_check(const char *folder, struct cas_error *error);

#endif
