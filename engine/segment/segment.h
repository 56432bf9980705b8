/*
 * Segments: append-only files of self-describing records, which are the archive. The bytes are in segment_format.h and
 * docs/format.md.
 *
 * A group is what becomes durable together: records, then a COMMIT record that reaches to the end of its
 * SEGMENT_BLOCK_BYTES block. A group lies in one segment. The rules that recovery rests on:
 *  1. Durable bytes are never written again.
 *  2. Bytes of group N+1 are submitted only after group N is durable, and records of a segment only after its header
 * is. So a valid COMMIT N+1 proves that group N was durable, and damage in N is rot, not a torn write.
 *  3. Every record header carries a checksum keyed with the store, the segment and the offset, so that bytes of a
 *     payload, of another store or of an older file cannot pass for a record.
 *  4. The header of each segment says where the durable part of the one before it ends. What lies behind that end is
 *     void: a write that failed, and that nobody was told of.
 *
 * The last group of a log may have a valid COMMIT and yet lack some of its records: its blocks are written in any
 * order, and the power failed before the sync was done. Nobody was told that such a group is durable. From the bytes
 * alone it cannot be told from a durable group in which bytes rotted since. So recovery reports its good records and
 * what is damaged of it, and the mark says so in `doubtful_from`; the store keeps those instances whose blobs are all
 * there and warns of the others. Where the index has the group already it was durable, and nothing is doubtful.
 *
 * Threads: a writer belongs to one thread. Reading and scanning from any thread, also while the writer appends.
 */
#ifndef SEGMENT_SEGMENT_H
#define SEGMENT_SEGMENT_H

#include "base/ids.h"
#include "base/limits.h"
#include "volume/volume.h"

enum record_kind {
  RECORD_BLOB = 1,
  RECORD_MANIFEST = 2,
  RECORD_STATE = 3,
  RECORD_COMMIT = 4, /* the segment layer's own: ends a group */
  RECORD_SNAPSHOT = 5,
};

/* What a record says of itself. `codec` and the payload are the store's affair. */
struct record {
  enum record_kind kind;
  uint8_t codec;
  struct blob_id id;    /* of the raw payload; for all but blobs its own hash */
  uint64_t raw_size;    /* bytes of the raw payload, at most RECORD_PAYLOAD_BYTES_MAX */
  uint64_t stored_size; /* bytes of the payload as it is in the segment; writing takes it from the payload */
};

/* Longest payload of a record: a manifest. */
#define RECORD_PAYLOAD_BYTES_MAX ((uint64_t)MANIFEST_BYTES_MAX)

/*
 * A point in the log: all groups before it are durable. Ordered by `group`, which counts from 1, never repeats, and
 * skips the numbers of groups that failed. To start from nothing: {0}.
 */
struct segment_mark {
  uint64_t group;         /* the last durable group, 0 for none */
  uint32_t segment;       /* where the next group begins, unless a new segment is due; 0 and 1 both mean the first */
  uint64_t offset;        /* 0: the segment is still to be made */
  uint64_t doubtful_from; /* where the last group begins if segment_recover found it doubtful, else 0 */
};

struct segment_store_key { /* the store's UUID, which keys all checksums */
  uint8_t uuid[16];
};

/* --- writing --- */

struct segment_writer;

struct segment_writer_options {
  uint64_t segment_bytes_target; /* 0: SEGMENT_BYTES_TARGET */
};

/*
 * Opens for writing behind `mark`, which segment_recover() gave. Bytes behind the mark, which belong to no durable
 * group, are cut off; CAS_CORRUPT, and nothing is touched, where there are durable groups among them or the segment is
 * shorter than the mark says. Behind a doubtful group a new segment is begun. `volume` is borrowed until close;
 * `options` may be NULL.
 */
CAS_MUST_USE cas_status segment_writer_open(struct volume *volume, const struct segment_store_key *key,
                                            const struct segment_writer_options *options, struct segment_mark mark,
                                            struct segment_writer **writer, struct cas_error *error);

/*
 * Adds a record to the open group, or opens one, and says where it will be. The payload is copied; it can be read after
 * commit. CAS_INVALID, and the group goes on, for a payload that is too long. On any other failure the open group, with
 * all that was appended to it, is void as after a failed commit: the next append opens another.
 */
CAS_MUST_USE cas_status segment_writer_append(struct segment_writer *writer, const struct record *record,
                                              struct cas_slice payload, struct record_cookie *cookie,
                                              struct cas_error *error);

/* Whether a group is open. */
bool segment_writer_is_open(const struct segment_writer *writer);

/* The number of the open group, or of the next one where none is open. What is appended and committed next has it. */
uint64_t segment_writer_group(const struct segment_writer *writer);

/*
 * Makes the open group durable: writes it and syncs once. For an empty group nothing happens and *mark is the present
 * end. On failure the whole group is void: the writer cuts it off, or, where a sync failed, leaves the segment behind
 * in such a way that none of the group can be taken for durable once the next group is; then it is ready for the next
 * group, which may fail in the same way. A segment that is long enough is left for a new one when the next group
 * begins.
 */
CAS_MUST_USE cas_status segment_writer_commit(struct segment_writer *writer, struct segment_mark *mark,
                                              struct cas_error *error);

/* Commits a group without records, to see whether the log can be written. As segment_writer_commit(). */
CAS_MUST_USE cas_status segment_writer_commit_empty(struct segment_writer *writer, struct segment_mark *mark,
                                                    struct cas_error *error);

/* Between groups: leaves the segment for a new one, whose header is durable on return, unless there is no group in it.
 */
CAS_MUST_USE cas_status segment_writer_seal(struct segment_writer *writer, struct cas_error *error);

/* Drops the open group, as after a failed commit: its records are void. Nothing happens where none is open. */
void segment_writer_abort(struct segment_writer *writer);

/* Drops the open group and closes; what of it is on disk is cut off at the next start. NULL is allowed. */
void segment_writer_close(struct segment_writer *writer);

/* --- reading --- */

/* Reads one record. `payload` is replaced by the stored payload, checked against its checksum. CAS_CORRUPT names
 * segment and offset. CAS_NOT_FOUND where the segment is missing. */
CAS_MUST_USE cas_status segment_read(struct volume *volume, const struct segment_store_key *key,
                                     struct record_cookie cookie, struct record *record, struct cas_buffer *payload,
                                     struct cas_error *error);

/* For messages and dumps: segment number, byte offset, and bytes on disk with header and alignment. */
void record_cookie_explain(struct record_cookie cookie, uint32_t *segment, uint64_t *offset, uint64_t *bytes_on_disk);

/* The segment, with its generation (volume.h), that a cookie leads into. */
uint64_t record_cookie_segment(struct record_cookie cookie);

/* A cookie of its parts, which come from a record. False where no record can lie there. */
bool record_cookie_make(uint64_t segment, uint64_t offset, uint64_t bytes_on_disk, struct record_cookie *cookie);

/* --- scanning: replay, rebuild, verify, dump --- */

enum segment_event_kind {
  SEGMENT_EVENT_RECORD, /* a record of a durable group, with a good header; `payload_good` tells of its payload */
  SEGMENT_EVENT_COMMIT, /* the records since the last event of this kind are durable */
  SEGMENT_EVENT_DAMAGE, /* bytes [offset, offset + size) that should be of a durable group and are not; with size 0 a
                         * whole segment that is missing */
  SEGMENT_EVENT_TORN,   /* bytes [offset, offset + size) of a write that was never acknowledged */
};

struct segment_event {
  enum segment_event_kind kind;
  uint32_t segment;
  uint32_t generation; /* of the segment */
  uint64_t offset;
  uint64_t size;               /* bytes on disk */
  uint64_t group;              /* RECORD: the group it says it belongs to; COMMIT: the group it ends */
  struct record record;        /* RECORD */
  struct record_cookie cookie; /* RECORD */
  bool payload_read;           /* RECORD */
  bool payload_good;           /* RECORD: always true where `payload` was not read */
  struct cas_slice payload;    /* RECORD: empty where it was not read or is damaged; valid during the call */
  void *prepared;              /* RECORD of a segment_recover_ahead(): what its `prepare` left, else NULL */
};

typedef cas_status (*segment_event_fn)(void *arg, const struct segment_event *event);

/* Whether the payload of such a blob is needed. A pure function. */
typedef bool (*segment_needs_fn)(const struct record *record);

/* Read and check every payload. Without it only those of manifests, states, and the last group in a recovery. */
#define SEGMENT_SCAN_PAYLOADS 1u
/* Bytes that the disk does not give (CAS_IO) are damage, instead of ending the scan. Not where the log's end must be
 * found: in a recovery the last segment must be readable. */
#define SEGMENT_SCAN_UNREADABLE 2u

/*
 * Walks one segment, in one generation, from `offset` (0: from its start; else the offset of a mark) with big
 * sequential reads. Damage does not end the walk: it goes on at the next valid record header. `end` is the mark of the
 * log's end, or NULL; where it lies in another segment, the end of this one is looked up in the next segment, or is the
 * last COMMIT. What follows the end, and damage in a doubtful group, is TORN. Where the writer is at work, give its
 * mark, else the open group is reported as TORN. Stops with the callback's status. CAS_UNSUPPORTED for a newer format.
 */
CAS_MUST_USE cas_status segment_scan(struct volume *volume, const struct segment_store_key *key, uint64_t segment,
                                     uint64_t offset, const struct segment_mark *end, unsigned flags,
                                     segment_event_fn each, void *arg, struct cas_error *error);

/*
 * Replays all durable groups behind `from` over all segments in order, and tells where the log ends. Changes nothing. A
 * store without segments gives the mark {.segment = 1}. CAS_CORRUPT where the log ends before `from`: the disk lost
 * durable bytes, or the index belongs to a later state of the store; replaying from {0} then shows what is left.
 */
CAS_MUST_USE cas_status segment_recover(struct volume *volume, const struct segment_store_key *key,
                                        struct segment_mark from, unsigned flags, segment_event_fn each, void *arg,
                                        struct segment_mark *end, struct cas_error *error);

/*
 * As segment_recover(), with the same events in the same order, but several segments are read at once by threads of
 * their own. `prepare` is called there, in the order of a segment, for every RECORD with its payload, and puts into
 * event->prepared what `each` is to have: `each`, on the calling thread, gets the event without a payload and owns
 * `prepared`. What was prepared for events that `each` does not get any more goes to `drop`. A reader takes ascending
 * segments, and has no more than `bytes_max` prepared bytes, as `prepare` counts them, waiting for the caller; so
 * memory is bounded by the readers, not by the log.
 */
#define SEGMENT_READERS_MAX 8u
struct segment_ahead {
  unsigned readers; /* 1 to SEGMENT_READERS_MAX */
  size_t bytes_max;
  segment_needs_fn needs; /* payloads that are read besides those that the flags ask for; may be NULL */
  void *arg;
  /* *bytes is 0 before, and becomes what event->prepared takes. `reader` is below `readers`. */
  cas_status (*prepare)(void *arg, unsigned reader, struct segment_event *event, size_t *bytes);
  void (*drop)(void *arg, void *prepared); /* not NULL */
};
CAS_MUST_USE cas_status segment_recover_ahead(struct volume *volume, const struct segment_store_key *key,
                                              struct segment_mark from, unsigned flags,
                                              const struct segment_ahead *ahead, segment_event_fn each, void *arg,
                                              struct segment_mark *end, struct cas_error *error);

#endif
