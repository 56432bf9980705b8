/*
 * Making and taking away snapshots from the command line: through the daemon that holds the store, or, where none does,
 * by opening the store for writing for a moment.
 *
 * Threads: any.
 */
#ifndef SNAPSHOT_WRITER_H
#define SNAPSHOT_WRITER_H

#include "cassette/snapshot.h"

/* As cas_snapshot_create() and cas_snapshot_remove(). CAS_BUSY: another kind of process holds the store, and did
 * for some seconds. */
CAS_MUST_USE cas_status snapshot_writer_create(const char *store_path, const char *name, struct cas_error *error);
CAS_MUST_USE cas_status snapshot_writer_remove(const char *store_path, const char *name, struct cas_error *error);

/* "<prefix>-20261124T001500.123456Z": a name of now. */
void snapshot_writer_name(const char *prefix, char name[CAS_SNAPSHOT_NAME_MAX + 1]);

#endif
