/*
 * Paths and folders of the operating system, as far as a store needs them beside its disk: RocksDB has its own files.
 */
#ifndef STORE_PATHS_H
#define STORE_PATHS_H

#include "base/status.h"

/* "folder/name", malloc'ed; NULL when out of memory. */
char *path_join(const char *folder, const char *name);

/* CAS_EXISTS if there is anything in it; CAS_INVALID if it is no folder. */
CAS_MUST_USE cas_status path_check_empty(const char *path, struct cas_error *error);

/* Makes the entry of `path` in the folder above it durable. */
CAS_MUST_USE cas_status path_sync_parent(const char *path, struct cas_error *error);

/* A new empty folder for temporary files, in TMPDIR or /tmp; its path is malloc'ed. */
CAS_MUST_USE cas_status path_make_scratch(char **path, struct cas_error *error);

/* Removes a folder with the files in it (it has no folders). As far as possible. */
void path_remove_folder(const char *path);

/* Lets go of what the page cache has of a file below `folder`, so that reading it asks the disk. As far as possible. */
void path_forget_cached(const char *folder, const char *name);

/* Sum of the sizes of the files in a folder; 0 where there is none. */
unsigned long long path_folder_bytes(const char *path);

#endif
