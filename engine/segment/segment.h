/*
 * Segments: append-only files of self-describing records, which are the archive. The bytes are in segment_format.h and
 * docs/format.md.
 *
 * A group is what becomes durable together: records, then a COMMIT record, padded to SEGMENT_BLOCK_BYTES. The rules that
 * recovery rests on:
 *  1. Durable bytes are never written again.
 *  2. The COMMIT record of group N+1 is submitted only after group N is durable. So a valid COMMIT N+1 proves that group
 *     N was durable, and damage in N is rot, not a torn write.
 *  3. Every record header carries a checksum keyed with the store and the segment, so that bytes of a payload, of another
 *     store or of an older file cannot pass for a record.
 *  4. A segment is left behind (sealed) only with a durable group as its last; the next one starts with an empty group table.
 *
 * Threads: a writer belongs to one thread. Reading and scanning from any thread, also while the writer appends.
 */
#ifndef SEGMENT_SEGMENT_H
#define SEGMENT_SEGMENT_H

#include "base/ids.h"
#include "volume/volume.h"

enum record_kind {
  RECORD_BLOB = 1,
  RECORD_MANIFEST = 2,
  RECORD_DELETION = 3,
  RECORD_COMMIT = 4,  /* the segment layer's own: ends a group */
  RECORD_PADDING = 5, /* the segment layer's own: fills a block */
};

/* What a record says of itself. `codec` and the payload are the store's affair. */
struct record {
  enum record_kind kind;
  uint8_t codec;
  struct blob_id id;      /* of the raw payload; for a manifest or deletion its own hash */
  uint64_t raw_size;      /* bytes of the raw payload */
  uint64_t stored_size;   /* bytes of the payload as it is in the segment */
};

/* A point in the log: all groups before it are durable. Ordered by `group`, which counts from 1 and never repeats. */
struct segment_mark {
  uint64_t group;    /* the last durable group, 0 for none */
  uint32_t segment;  /* where the next group begins */
  uint64_t offset;
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
 * Opens for writing behind `mark`, which segment_recover() gave. Creates the first or next segment when needed. Bytes
 * behind the mark, which belong to no durable group, are cut off. `volume` is borrowed until close.
 */
CAS_MUST_USE cas_status segment_writer_open(struct volume *volume, const struct segment_store_key *key,
                                            const struct segment_writer_options *options, struct segment_mark mark,
                                            struct segment_writer **writer, struct cas_error *error);

/* Adds a record to the open group and says where it will be. The payload is copied. It can be read after commit. */
CAS_MUST_USE cas_status segment_writer_append(struct segment_writer *writer, const struct record *record,
                                              struct cas_slice payload, struct record_cookie *cookie,
                                              struct cas_error *error);

/*
 * Makes the open group durable: writes it, syncs once, and moves on to a new segment where the old one is long enough.
 * Nothing happens for an empty group. On any failure of append or commit the whole group is void: the writer cuts back
 * or leaves the segment behind so that none of it can be taken for durable, and is ready for the next group; only where
 * that fails too (or a sync failed) does every later call fail. On success *mark is the new end.
 */
CAS_MUST_USE cas_status segment_writer_commit(struct segment_writer *writer, struct segment_mark *mark, struct cas_error *error);

/* Drops the open group. Closes; does not sync. */
void segment_writer_close(struct segment_writer *writer);

/* --- reading --- */

/* Reads one record. `payload` is replaced by the stored payload, checked against its checksum. CAS_CORRUPT names segment
 * and offset. CAS_NOT_FOUND where the segment is missing. */
CAS_MUST_USE cas_status segment_read(struct volume *volume, const struct segment_store_key *key, struct record_cookie cookie,
                                     struct record *record, struct cas_buffer *payload, struct cas_error *error);

/* For messages and dumps: segment number, byte offset, and bytes on disk with header and alignment. */
void record_cookie_explain(struct record_cookie cookie, uint32_t *segment, uint64_t *offset, uint64_t *bytes_on_disk);

/* --- scanning: replay, rebuild, verify, dump --- */

enum segment_event_kind {
  SEGMENT_EVENT_RECORD, /* a record with a good header; `payload_good` tells of its payload */
  SEGMENT_EVENT_COMMIT, /* the group's COMMIT record: the records since the last event of this kind are durable */
  SEGMENT_EVENT_DAMAGE, /* bytes [offset, offset + size) that should be records of a durable group and are not */
  SEGMENT_EVENT_TORN,   /* bytes behind the last durable group: the remains of a write that was never acknowledged */
};

struct segment_event {
  enum segment_event_kind kind;
  uint32_t segment;
  uint64_t offset;
  uint64_t size;                /* bytes on disk */
  uint64_t group;               /* RECORD: the group it says it belongs to; COMMIT: the group it ends */
  struct record record;         /* RECORD */
  struct record_cookie cookie;  /* RECORD */
  bool payload_good;            /* RECORD: checked only with SEGMENT_SCAN_PAYLOADS, else true */
  struct cas_slice payload;     /* RECORD with SEGMENT_SCAN_PAYLOADS or of kind MANIFEST/DELETION; valid during the call */
};

typedef cas_status (*segment_event_fn)(void *arg, const struct segment_event *event);

#define SEGMENT_SCAN_PAYLOADS 1u /* read and check every payload, not only manifests and deletions */

/*
 * Walks one segment from `offset` (0: from its start) to its present end, with big sequential reads. Records of a group
 * are reported before its COMMIT. Damage does not end the walk: it goes on at the next valid record header. What follows
 * the last COMMIT is TORN only if `is_last`; in an older segment it is DAMAGE. Stops with the callback's status.
 */
CAS_MUST_USE cas_status segment_scan(struct volume *volume, const struct segment_store_key *key, uint32_t segment,
                                     uint64_t offset, bool is_last, unsigned flags, segment_event_fn each, void *arg,
                                     struct cas_error *error);

/*
 * Replays all durable groups behind `from` over all segments in order, and tells where the log ends. A store without
 * segments gives a zero mark with segment 1, offset 0.
 */
CAS_MUST_USE cas_status segment_recover(struct volume *volume, const struct segment_store_key *key, struct segment_mark from,
                                        unsigned flags, segment_event_fn each, void *arg, struct segment_mark *end,
                                        struct cas_error *error);

#endif
