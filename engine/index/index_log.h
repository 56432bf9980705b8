/*
 * Where RocksDB's log of its own doings goes: nowhere. On a disk that is full or broken a write to that log fails, and
 * the next line then ends the process: an assertion of RocksDB 7.8.3, which Debian's library has enabled. The library
 * cannot be told to keep no log, so it gets a folder elsewhere, in memory where there is such a place, which is gone as
 * soon as the index is open. What goes wrong comes back as a status all the same.
 *
 * Threads: any.
 */
#ifndef INDEX_INDEX_LOG_H
#define INDEX_INDEX_LOG_H

#define INDEX_LOG_FOLDER_BYTES 4096

/* Makes the folder, and says where; an empty text where none can be made. */
void index_log_make(char folder[INDEX_LOG_FOLDER_BYTES]);

/* Removes it with the log, which RocksDB still has open. */
void index_log_remove(const char *folder);

#endif
