/*
 * The index: where blobs lie, and the Patient/Study/Series/instance tree with its attributes. Held by RocksDB, and made
 * from the segments alone: it can be deleted and rebuilt. The only part that includes rocksdb/c.h.
 *
 * A node of the tree is named by its path, "patient/study/series/instance", each part a folder or file name that is
 * safe in a file system. The store chooses the names; the index keeps, for each child, the identity (a UID, a patient
 * key) that the name stands for, so that a name is found by identity and a node by name, without listing.
 *
 * Caveats
 *  - A batch is applied whole or not at all, also over a crash of the process; after power loss the index may be
 *    older than the log, never inconsistent in itself. The mark in each batch says how far it is.
 *  - The keys and values are no format that must stay; a newer Cassette may rebuild. INDEX_VERSION guards it.
 *  - An identity, UID, date or name of a fact has at most 4096 bytes, a name in a path FOLDER_NAME_BYTES_MAX. More is
 *    CAS_INVALID where it is put, and not found where it is looked up.
 *  - RocksDB has threads: open after the last fork, not before.
 *  - After an apply that failed with a fault the index may refuse all writes until it is opened again.
 *
 * Failures besides those named: CAS_IO, CAS_NO_SPACE, CAS_CORRUPT (RocksDB's checksums, or an entry that cannot be
 * read), CAS_NO_MEMORY. CAS_NOT_FOUND and CAS_END come without a message.
 *
 * Threads: reading functions and index_refresh from any thread, also at the same time; one batch at a time, by one
 * thread, beside which other threads may read. Records handed out are copies; what a callback gets lives until it
 * returns. Callbacks may call any function on the index; one that changes the batch that is being searched must stop
 * the search. Close when nobody reads.
 */
#ifndef INDEX_INDEX_H
#define INDEX_INDEX_H

#include <stdbool.h>

#include "base/ids.h"
#include "cassette/attributes.h"

struct index;

/* Opens or creates for writing; the folder above must exist. CAS_BUSY: another process has it, or this one.
 * CAS_UNSUPPORTED: made by another INDEX_VERSION, or CAS_CORRUPT: damaged; both are mended by a rebuild. */
CAS_MUST_USE cas_status index_open(const char *folder, struct index **index, struct cas_error *error);

/* As index_open(), for an index that is worth nothing before it is whole: what is not flushed is lost if the process
 * ends, and a thread of its own applies each batch while the next is made. The flush waits for it; until then
 * only batches see what was applied. What an apply did not fail with, the next one does, or the flush. */
CAS_MUST_USE cas_status index_open_to_fill(const char *folder, struct index **index, struct cas_error *error);

/* Opens to follow another process's index, which may be open, closed or killed. `scratch` is an empty folder for
 * RocksDB's own notes; the caller removes it after the close. CAS_NOT_FOUND: there is no index. CAS_BUSY: it is being
 * made, or it changes too fast; try again. Holds every table of the index open (one descriptor for 64 MiB), also
 * deleted ones. */
CAS_MUST_USE cas_status index_open_follower(const char *folder, const char *scratch, struct index **index,
                                            struct cas_error *error);

/* Follower: sees every batch that was applied before the call, and none without those before it; a list that is under
 * way stays as it is. Readers may wait meanwhile. Works over restarts and crashes of the writer; where the index is
 * deleted and rebuilt, CAS_NOT_FOUND or CAS_BUSY until it is there again. CAS_BUSY also: the writer is too fast for a
 * whole view, try again soon; until then reading shows the view before, or is CAS_BUSY too. A no-op for a writer. */
CAS_MUST_USE cas_status index_refresh(struct index *index, struct cas_error *error);

/* Writer: opens the index anew, after a fault that it does not recover from. Readers wait. No batch may be open. Where
 * it cannot be opened for writing it is opened for reading, and the failure returned; CAS_BUSY: a list under way still
 * holds it. */
CAS_MUST_USE cas_status index_reopen(struct index *index, struct cas_error *error);

/* Writer, before the first batch of an index that was made by this opening, else nothing happens: about so many entries
 * are to come. Keys that were not written are remembered as such, in at most INDEX_WRITTEN_BYTES_MAX of memory, so that
 * batches need not look for them. */
void index_expect(struct index *index, uint64_t entries);

/* Writer: flushes to disk, durably, so that the next start has nothing to replay. */
CAS_MUST_USE cas_status index_flush(struct index *index, struct cas_error *error);

/* Aborts an open batch; NULL is allowed. What was applied is kept; the next open replays what was not flushed. */
void index_close(struct index *index);

/* --- blobs --- */

struct index_blob {
  struct record_cookie cookie;
  uint8_t codec; /* below INDEX_CODECS_MAX */
  uint32_t raw_size;
  uint32_t stored_size;
  uint32_t users; /* the store's count of who needs the blob */
};

/* CAS_NOT_FOUND. */
CAS_MUST_USE cas_status index_get_blob(struct index *index, const struct blob_id *id, struct index_blob *blob,
                                       struct cas_error *error);

typedef cas_status (*index_blob_fn)(void *arg, const struct blob_id *id, const struct index_blob *blob);

/* Calls `each` for every blob, in the order of names, in a view that does not move. Stops with its status. */
CAS_MUST_USE cas_status index_list_blobs(struct index *index, index_blob_fn each, void *arg, struct cas_error *error);

/* --- the tree --- */

/* What a node can be found by besides its UID and date: texts without NUL, of at most INDEX_TERM_BYTES_MAX, each of a
 * field that the caller names by a letter. Calls `each` for all that follow from these attributes, the same ones
 * whenever it is asked, in any order; a term may come twice. */
typedef cas_status (*index_term_fn)(void *arg, char field, struct cas_slice text);
typedef cas_status (*index_terms_fn)(enum cas_level level, struct cas_slice attributes, index_term_fn each, void *arg);

/* Longer terms are cut to this. */
#define INDEX_TERM_BYTES_MAX 128u

/* Writer, before the first batch, always the same for one INDEX_VERSION: without it nodes have no terms. */
void index_set_terms(struct index *index, index_terms_fn terms);

struct index_node {
  enum cas_level level;
  char *path;     /* "" is the root and has no node */
  char *identity; /* patient key; Study, Series Instance UID; for an instance SOP Instance UID, '#', version */
  int64_t first_arrival_ns; /* UTC, nanoseconds since 1970, of the oldest instance below */
  int64_t last_arrival_ns;
  uint64_t instances;           /* below, or 1, that ordinary views show */
  uint64_t bytes;               /* of their files */
  uint64_t gone;                /* versions below, or 1, that no ordinary view shows */
  struct cas_buffer attributes; /* encoded by the store */
  struct cas_buffer states;     /* encoded by the store; empty: shown since it came */
  /* Numbers of groups of the log, 0: before the index kept them. When the first instance below arrived, when the last
   * did, and, read only, when a study got the date that it has. */
  uint64_t first_group, last_group, date_group;
  /* Instances only. */
  uint32_t version;             /* 1 is the first content that came with this SOP Instance UID */
  struct cas_hash content_hash; /* of the whole file */
  struct record_cookie manifest;
};
/* Frees what index_get_node or index_batch_get_node filled in. Not for nodes that a callback gets. */
void index_node_fini(struct index_node *node);

/* CAS_NOT_FOUND, also for what is no path. */
CAS_MUST_USE cas_status index_get_node(struct index *index, const char *path, struct index_node *node,
                                       struct cas_error *error);

/* The name of the child of `parent` that stands for `identity`; at most `capacity` bytes with NUL, else CAS_INVALID;
 * FOLDER_NAME_BYTES_MAX + 1 is enough. CAS_NOT_FOUND. */
CAS_MUST_USE cas_status index_get_name(struct index *index, const char *parent, const char *identity, char *name,
                                       size_t capacity, struct cas_error *error);

typedef cas_status (*index_node_fn)(void *arg, const struct index_node *node);

/* Calls `each` for the children of `parent` whose names are behind `after` (NULL: all), in byte order of names, in a
 * view that does not move. Stops with the callback's status, also CAS_END. Any number of children in constant memory.
 * No children, or no such parent: CAS_OK without a call. */
CAS_MUST_USE cas_status index_list(struct index *index, const char *parent, const char *after, index_node_fn each,
                                   void *arg, struct cas_error *error);

typedef cas_status (*index_text_fn)(void *arg, const char *text);

/* The paths of all studies, series or instances (all versions, ascending) with this UID, or patients with this Patient
 * ID. Ordered by version, then path. Nothing found: CAS_OK without a call. */
CAS_MUST_USE cas_status index_find_uid(struct index *index, enum cas_level level, const char *uid, index_text_fn each,
                                       void *arg, struct cas_error *error);

/* All UIDs of a level behind `after` (NULL: all), each once, ascending. */
CAS_MUST_USE cas_status index_list_uids(struct index *index, enum cas_level level, const char *after,
                                        index_text_fn each, void *arg, struct cas_error *error);

/* The paths of studies whose Study Date lies in [first, last] (YYYYMMDD, inclusive; NULL: open), by date, then path.
 * Dates are compared as bytes. */
CAS_MUST_USE cas_status index_find_dates(struct index *index, const char *first, const char *last, index_text_fn each,
                                         void *arg, struct cas_error *error);

/* All Study Dates behind `after` (NULL: all), each once, ascending. */
CAS_MUST_USE cas_status index_list_dates(struct index *index, const char *after, index_text_fn each, void *arg,
                                         struct cas_error *error);

/* The paths of nodes with a term of this field that begins with `text`, or is `text` where it is `whole`; by term, then
 * path. Constant memory. A `text` longer than INDEX_TERM_BYTES_MAX is cut, and stands for all that begin with it. */
CAS_MUST_USE cas_status index_find_terms(struct index *index, char field, struct cas_slice text, bool whole,
                                         index_text_fn each, void *arg, struct cas_error *error);

/* --- small facts --- */

#define INDEX_CODECS_MAX 16

struct index_totals {
  uint64_t patients, studies, series, instances; /* that ordinary views show */
  uint64_t instance_bytes;                       /* sum of file sizes */
  uint64_t gone_instances;                       /* versions that no ordinary view shows */
  uint64_t blobs;
  uint64_t manifest_bytes;                 /* on disk */
  uint64_t raw_bytes[INDEX_CODECS_MAX];    /* of distinct blobs, by the codec they are stored with */
  uint64_t stored_bytes[INDEX_CODECS_MAX]; /* the same as stored */
  uint64_t superseded_bytes; /* stored sizes of blobs whose entry points to another record by now (healed, packed) */
  int64_t last_arrival_ns;   /* the latest of all nodes; 0 without any */
};

CAS_MUST_USE cas_status index_get_totals(struct index *index, struct index_totals *totals, struct cas_error *error);

/* Small values under a short name, for the store: its mark, header dictionaries. Replaces what `value` holds.
 * CAS_NOT_FOUND. */
CAS_MUST_USE cas_status index_get_fact(struct index *index, const char *name, struct cas_buffer *value,
                                       struct cas_error *error);

/* Calls `each` for the facts whose names begin with `prefix` and lie behind `after` (NULL: all; with the prefix), in
 * byte order of names. Constant memory. */
typedef cas_status (*index_fact_fn)(void *arg, const char *name, struct cas_slice value);
CAS_MUST_USE cas_status index_list_facts(struct index *index, const char *prefix, const char *after, index_fact_fn each,
                                         void *arg, struct cas_error *error);

/* --- writing --- */

struct index_batch;

/* Begins a batch; the one before must be applied or aborted. The index_batch_get and _find functions see the batch's
 * own changes before it is applied. Where there was no memory for a change, all of them fail with CAS_NO_MEMORY, and so
 * does applying: what would be read is not what was written. */
CAS_MUST_USE cas_status index_batch_begin(struct index *index, struct index_batch **batch, struct cas_error *error);

CAS_MUST_USE cas_status index_batch_get_blob(struct index_batch *batch, const struct blob_id *id,
                                             struct index_blob *blob, struct cas_error *error);
CAS_MUST_USE cas_status index_batch_get_node(struct index_batch *batch, const char *path, struct index_node *node,
                                             struct cas_error *error);
CAS_MUST_USE cas_status index_batch_get_name(struct index_batch *batch, const char *parent, const char *identity,
                                             char *name, size_t capacity, struct cas_error *error);
/* As index_find_uid(); the callback may change the batch, and is called for what was there before. */
CAS_MUST_USE cas_status index_batch_find_uid(struct index_batch *batch, enum cas_level level, const char *uid,
                                             index_text_fn each, void *arg, struct cas_error *error);

/* Puts or replaces a blob's place; the totals follow. */
CAS_MUST_USE cas_status index_batch_put_blob(struct index_batch *batch, const struct blob_id *id,
                                             const struct index_blob *blob, struct cas_error *error);

/* Takes a blob out; the totals follow. Not there: CAS_OK. */
CAS_MUST_USE cas_status index_batch_delete_blob(struct index_batch *batch, const struct blob_id *id,
                                                struct cas_error *error);

/* Puts or replaces a node: its entry, its name by identity, its UID entry, for a study its date entry (`uid` and `date`
 * may be NULL or ""; the date of other levels is ignored). What the replaced node had and this one has not is deleted.
 * Copies what it needs. A new node raises the totals, unless it has `gone` and no instances: such a node is in no
 * ordinary view. The store keeps the sums in parents itself, and parents need not be there first. CAS_INVALID: the path
 * is none, or not of node->level. CAS_EXISTS: another child of the same parent has this identity. After a failure the
 * batch is as it was. */
CAS_MUST_USE cas_status index_batch_put_node(struct index_batch *batch, const struct index_node *node, const char *uid,
                                             const char *date, struct cas_error *error);

/* Replaces a node that is there, as index_batch_put_node, but for its UID and date, which stay. CAS_NOT_FOUND. */
CAS_MUST_USE cas_status index_batch_change_node(struct index_batch *batch, const struct index_node *node,
                                                struct cas_error *error);

/* Changes the arrival times, sums and groups of a node that is there, and nothing else: a small part of the price of
 * replacing it. `change` gets a node that has these and its level alone. CAS_NOT_FOUND. */
typedef void (*index_sums_fn)(const void *arg, struct index_node *node);
CAS_MUST_USE cas_status index_batch_change_sums(struct index_batch *batch, const char *path, index_sums_fn change,
                                                const void *arg, struct cas_error *error);

CAS_MUST_USE cas_status index_batch_put_fact(struct index_batch *batch, const char *name, struct cas_slice value,
                                             struct cas_error *error);

/* CAS_NOT_FOUND. Replaces what `value` holds. */
CAS_MUST_USE cas_status index_batch_get_fact(struct index_batch *batch, const char *name, struct cas_buffer *value,
                                             struct cas_error *error);
void index_batch_delete_fact(struct index_batch *batch, const char *name);

/* CAS_NO_MEMORY: there was none for a change. To be asked before anything is done that supposes the batch whole. */
CAS_MUST_USE cas_status index_batch_check(const struct index_batch *batch, struct cas_error *error);

/* Adds bytes of a manifest record to manifest_bytes. */
void index_batch_count_manifest(struct index_batch *batch, uint64_t bytes_on_disk);

/* Applies all, atomically, without waiting for the disk: it survives the process, not a power loss. The batch is gone
 * whatever the result. */
CAS_MUST_USE cas_status index_batch_apply(struct index_batch *batch, struct cas_error *error);
void index_batch_abort(struct index_batch *batch);

#endif
