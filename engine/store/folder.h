/*
 * Folders of the operating system, as far as a store needs them beside its disk: RocksDB keeps its own files.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include "base/status.h"

/* "folder/name", malloc'ed; NULL when out of memory. */
char *folder_join(const char *folder, const char *name);

/* CAS_EXISTS if there is anything in it; CAS_INVALID if it is no folder. */
CAS_MUST_USE cas_status folder_check_empty(const char *path, struct cas_error *error);

/* Makes the entry of `path` in the folder above it durable. */
CAS_MUST_USE cas_status folder_sync_parent(const char *path, struct cas_error *error);

/* A new empty folder for temporary files, in TMPDIR or /tmp; its path is malloc'ed. */
CAS_MUST_USE cas_status folder_make_scratch(char **path, struct cas_error *error);

/* Removes a folder with the files in it (it has no folders). As far as possible. */
void folder_remove(const char *path);

/* Sum of the sizes of the files in a folder; 0 where there is none. */
unsigned long long folder_bytes(const char *path);

#endif
