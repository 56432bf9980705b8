/*
 * Snapshots: moments of a store that have a name. A snapshot shows what was acknowledged when it was made, unchanged
 * while more arrives; it copies nothing and costs one small record. Snapshots are part of the archive: they survive a
 * rebuild of the index.
 *
 * Caveats
 *  - The name "latest" cannot be given: it means a moment of now where people name a snapshot.
 *  - Taking a snapshot away leaves those alone who have it open.
 *
 * Threads: any.
 */
#ifndef CASSETTE_SNAPSHOT_H
#define CASSETTE_SNAPSHOT_H

#include "cassette/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest name. A name is made of ASCII letters, digits, '.', '_' and '-', and does not begin with '.' or '-'. */
#define CAS_SNAPSHOT_NAME_MAX 64

struct cas_snapshot {
  const char *name;
  int64_t created_ns;      /* UTC, nanoseconds since 1970 */
  uint64_t instances;      /* that it shows, versions counted */
  uint64_t bytes;          /* of their files */
  int64_t last_arrival_ns; /* of the newest of them; 0 where it shows none */
};

/* Makes a snapshot of everything acknowledged before the call; what is acknowledged during the call may be in it.
 * Durable on return. CAS_EXISTS; CAS_INVALID: no such name can be given, or the store is not open for writing. */
CAS_API CAS_MUST_USE cas_status cas_snapshot_create(struct cas_store *store, const char *name, struct cas_error *error);

/* Takes a snapshot away; its name can be given again. Durable on return. CAS_NOT_FOUND; CAS_INVALID: the store is not
 * open for writing. */
CAS_API CAS_MUST_USE cas_status cas_snapshot_remove(struct cas_store *store, const char *name, struct cas_error *error);

/* The snapshot is borrowed during the call. CAS_END stops a list and is returned; any other status but CAS_OK, too. */
typedef cas_status (*cas_snapshot_fn)(void *arg, const struct cas_snapshot *snapshot);

/* Calls `each` once with the snapshot of this name. CAS_NOT_FOUND. */
CAS_API CAS_MUST_USE cas_status cas_snapshot_get(struct cas_store *store, const char *name, cas_snapshot_fn each,
                                                 void *arg, struct cas_error *error);

/* The snapshots whose names come behind `after` (NULL: all), in byte order of names, in constant memory. */
CAS_API CAS_MUST_USE cas_status cas_snapshot_list(struct cas_store *store, const char *after, cas_snapshot_fn each,
                                                  void *arg, struct cas_error *error);

/*
 * Opens a snapshot: `view` is a store handle that shows that moment through all functions that read nodes and
 * instances (node.h, reader.h); cas_store_stats() tells of the whole store all the same. It uses `store`, which must
 * stay open longer than the view; what is opened through the view may outlive it. Cheap. CAS_NOT_FOUND.
 */
CAS_API CAS_MUST_USE cas_status cas_snapshot_open(struct cas_store *store, const char *name, struct cas_store **view,
                                                  struct cas_error *error);
/* NULL is allowed. */
CAS_API void cas_snapshot_close(struct cas_store *view);

#ifdef __cplusplus
}
#endif
#endif
