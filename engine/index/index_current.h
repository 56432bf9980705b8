/*
 * Mends what a power cut can do to RocksDB's file CURRENT, which names the list of tables in force. RocksDB writes a
 * new list on each start, renames CURRENT to name it, and only then syncs the folder: a disk may keep the new CURRENT
 * and lose the name of the list. The list before is still there, since it is deleted behind that sync; but for the
 * first list of a new index, which then is as if it had never been made.
 *
 * Threads: one; nobody may have the index open for writing.
 */
#ifndef INDEX_INDEX_CURRENT_H
#define INDEX_INDEX_CURRENT_H

#include <stdbool.h>

#include "base/status.h"

/* Where CURRENT names a list that is not there, lets it name the newest that is, durably; where there is
 * none, and no table either, removes all files, so that a new index begins and the log is replayed from its start.
 * CAS_OK also where there is nothing to mend, or nothing to mend it with: opening says then what is wrong. CAS_IO,
 * CAS_NO_SPACE. */
CAS_MUST_USE cas_status index_current_mend(const char *folder, struct cas_error *error);

#endif
