/*
 * The client of a running daemon's control socket, STORE/control.sock: how the command line writes into a store that
 * cassetted holds.
 *
 * Caveats
 *  - Only writing needs the daemon. Whatever reads opens the store with CAS_OPEN_FOLLOW by itself.
 *  - Imports are pipelined: control_import() returns before the object is durable, so that one sync of the daemon makes
 *    many objects durable. An object counts as imported when its `done` was called with CAS_OK (P1).
 *
 * Threads: one client belongs to one thread at a time. Several clients may be connected at once: the daemon reads each
 * connection's files one after the other, so parallel import opens a few (it takes CONTROL_CONNECTIONS_MAX in all).
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include "cassette/compact.h"
#include "cassette/ingest.h"
#include "cassette/state.h"
#include "control_access.h"
#include "control_correct.h"
#include "control_tier.h"

/* Connections that a daemon serves at once; the next one gets CAS_BUSY. */
#define CONTROL_CONNECTIONS_MAX 16

/* Imports that one client has under way at most; control_import() waits for an answer beyond. */
#define CONTROL_CLIENT_WINDOW 128

struct control_client;

/* Connects to the daemon that holds the store at `store_path`. CAS_NOT_FOUND: no daemon answers there (it may still be
 * held by another kind of process). CAS_BUSY: the daemon has no connection to spare. */
CAS_MUST_USE cas_status control_connect(const char *store_path, struct control_client **client,
                                        struct cas_error *error);

/* Closes the connection; what was under way may or may not be stored, its `done` is not called. NULL is allowed. */
void control_close(struct control_client *client);

/*
 * Called once for every import, from within control_import() or control_finish() of the same client, in any order.
 * CAS_OK: durable, `result` says how (result and its strings are borrowed); else `error` says why it was not stored.
 * May not call back into the client.
 */
typedef void (*control_import_fn)(void *arg, cas_status status, const struct cas_ingest_result *result,
                                  const struct cas_error *error);

/*
 * Sends the open regular file `fd` for import, from its first byte to its end; the daemon reads it, whatever the
 * daemon's own rights to the path are. `name` is what the archive records as the source, a path. The caller keeps `fd`
 * and may close it on return. The file position that `fd` shares is not used. On failure `done` is not called for this
 * file, and the connection is of no further use: control_finish() then reports every import still under way as CAS_IO.
 */
CAS_MUST_USE cas_status control_import(struct control_client *client, int fd, const char *name, control_import_fn done,
                                       void *arg, struct cas_error *error);

/* Waits for all imports under way. CAS_IO: the daemon went away; every outstanding `done` was called with CAS_IO. */
CAS_MUST_USE cas_status control_finish(struct control_client *client, struct cas_error *error);

/* Makes a snapshot, or takes one away, as cas_snapshot_create() and cas_snapshot_remove() do. Waits for all imports
 * under way first. Durable on CAS_OK. */
CAS_MUST_USE cas_status control_snapshot_create(struct control_client *client, const char *name,
                                                struct cas_error *error);
CAS_MUST_USE cas_status control_snapshot_remove(struct control_client *client, const char *name,
                                                struct cas_error *error);

/* Changes states of instances, as cas_store_change() does, by the user of this process: `who` is not looked at. Waits
 * for all imports under way first. Durable on CAS_OK. */
CAS_MUST_USE cas_status control_change(struct control_client *client, const struct cas_change *change,
                                       uint64_t *changed, struct cas_error *error);

/* Lets the daemon's scrubber "start", "pause" or "resume"; NULL: only asks. How it stands, as one line of JSON
 * (control_scrub.h) that the caller frees. CAS_UNSUPPORTED: the daemon does not scrub. */
CAS_MUST_USE cas_status control_scrub(struct control_client *client, const char *action, char **json,
                                      struct cas_error *error);

/* Tells of an access, `who` being asked of the kernel. */
CAS_MUST_USE cas_status control_tell_access(struct control_client *client, const struct control_access *access,
                                            struct cas_error *error);

/* Corrects the instances at the paths, by the user of this process. CAS_OK: `corrected` says what came of each. Waits
 * for all imports under way first. */
CAS_MUST_USE cas_status control_correct(struct control_client *client, const struct cas_correction *correction,
                                        const char *const *paths, size_t count, struct control_corrected *corrected,
                                        struct cas_error *error);

/* Compacts one segment, the one with most to gain, or none; as cas_store_compact() with `min_percent`. `deleted`
 * as deleted_days.h parses it; NULL: as the daemon is told. Waits for all imports under way first. */
CAS_MUST_USE cas_status control_compact(struct control_client *client, uint32_t min_percent, const char *deleted,
                                        struct cas_compact_result *result, struct cas_error *error);

/* Moves one segment behind options->after to the cold place, or recalls it; as cas_store_tier_move() and
 * cas_store_tier_recall(). Waits for all imports under way first. */
CAS_MUST_USE cas_status control_tier(struct control_client *client, bool recall, const struct cas_tier_options *options,
                                     struct cas_tier_result *result, struct cas_error *error);

/*
 * What the daemon is doing, as one line of JSON without a newline; the caller frees it. Keys: "version", "pid",
 * "uptime_seconds", "store", "aet", "bind", "port", "mounts", "mount_requests" (what the kernel asked each mount, by
 * folder and kind), "views" (absent without), "associations" (open now), and the counters since the start:
 * "associations_total", "associations_rejected", "stored", "duplicates", "new_versions", "refused", "failed",
 * "received_bytes", "imports". "read_only": whether the archive refuses objects for the moment; then also
 * "read_only_reason", "read_only_seconds" and "read_only_tries" to write again. "scrub": how scrubbing stands
 * (control_scrub.h), absent where it is off.
 */
CAS_MUST_USE cas_status control_status(struct control_client *client, char **json, struct cas_error *error);

#endif
