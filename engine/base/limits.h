/*
 * Every limit of the engine, with its reason. Limits that belong to the format on disk are marked so.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* Format. Longest raw payload of one blob. A larger value is cut into several blobs: a CT slice (0.5 MiB) stays whole,
 * a radiograph becomes several that two cores encode side by side, and one read decodes at most this much. */
#define BLOB_BYTES_MAX (4u << 20)

/* Format. Longest manifest payload: 64 MiB is about two million pieces, a 4 GB object has a thousand. */
#define MANIFEST_BYTES_MAX (64u << 20)

/* Format. Unit of commit: groups begin and end on it. No durable byte is ever rewritten, and 4096 is the largest
 * sector that drives tear. */
#define SEGMENT_BLOCK_BYTES 4096u

/* A segment is sealed when it is at least this long: small enough to copy or move in seconds, large enough that ten
 * million CT slices need fewer than 5,000 files. */
#define SEGMENT_BYTES_TARGET (512u << 20)

/* Raw bytes of blobs between arrival and commit, over all streams. Senders wait when it is used up (P6). */
#define INGEST_BYTES_IN_FLIGHT_MAX (64u << 20)

/* Blobs that arrive faster than this are a burst: their encoding may be put off. What arrives more slowly takes a
 * thirtieth of one processor to encode. */
#define BURST_BYTES_PER_SECOND (16u << 20)

/* A group is committed without being asked for when this many raw bytes wait in it. */
#define GROUP_BYTES_MAX (16u << 20)

/* Registered write buffers of the segment writer: two may be on the way to the disk while one is filled. */
#define WRITE_BUFFER_BYTES (1u << 20)
#define WRITE_BUFFER_COUNT 8u

/* Below this much free space a store takes nothing: the index must still be able to write out its memory and merge its
 * tables, and a full disk would stop it half way. */
#define DISK_RESERVE_BYTES (64u << 20)

/* Raw payloads between reading a segment and writing it anew: some dozens of frames for each of the threads that
 * encode. */
#define PACK_BYTES_AHEAD_MAX (32u << 20)

/* Threads that encode while segments are written anew. */
#define PACK_THREADS_MAX 64u

/* How often compacting asks for the open segment to be left, when groups follow each other at once. */
#define SEAL_ATTEMPTS_MAX 100u

/* Records of a segment that was written anew are told to the index in batches of this many, so that objects which are
 * committed meanwhile do not wait for all of them. */
#define RELOCATION_BATCH_MAX 1024u

/* How often a reader looks again for a record whose segment was written anew meanwhile, which takes seconds. */
#define PLACE_ATTEMPTS_MAX 16u

/* How soon, and then how often, a read-only archive tries whether it can be written again: soon enough for a sender
 * that tries again, seldom enough for a disk in trouble. */
#define CONDITION_TRY_MS_MIN 100u
#define CONDITION_TRY_MS_MAX 5000u

/* Header bytes of one object are gathered in memory up to this and then become a blob of their own. */
#define HEADER_BLOB_BYTES_MAX (1u << 20)

/* An element value at least this long outside pixel data becomes blobs of its own (documents, waveforms, meshes). */
#define BULK_VALUE_BYTES_MIN (64u << 10)

/* Fragments of encapsulated pixel data are gathered until a blob has at least this many bytes: a record costs 64. */
#define FRAGMENT_BLOB_BYTES_MIN 4096u

/* Decoded blobs kept for reading, over all readers. */
#define READ_CACHE_BYTES_DEFAULT (64u << 20)

/* A rebuild reads this many segments at once: enough that a disk with a deep queue is busy while one thread applies. */
#define REPLAY_READERS_MAX 4u

/* What each of them may have prepared and not handed over: some 3,000 instances, a third of a segment of CT slices. */
#define REPLAY_AHEAD_BYTES_MAX (16u << 20)

/* Headers that each of them keeps, for the manifest that follows and as dictionaries of their series. */
#define REPLAY_HEADERS_BYTES_MAX (8u << 20)

/* Series folders that the log's appliers remember: more than scanners send at once. Longer attributes of one, which
 * are some 500 bytes, are read anew each time. */
#define PLACEMENT_MEMO_ENTRIES 64u
#define PLACEMENT_MEMO_KEY_BYTES_MAX 8192u

/* A rebuild remembers which keys it wrote in this many bits for each, within this much memory: one in a hundred of
 * those that it did not write is looked for in vain, one in ten where it has fifty million, of ten million instances.
 */
#define REPLAY_BYTES_OF_ENTRY 80u /* of the log, at least, are told by one entry of the index */
#define INDEX_WRITTEN_BITS_EACH 10u
#define INDEX_WRITTEN_BYTES_MAX (32u << 20)

/* Replayed groups go into one batch of the index until it has this many instances or blobs. */
#define REPLAY_BATCH_RECORDS_MAX 16384u

/* Blobs that a rebuild looks for behind what needs them, as damaged headers that were healed: 25 MiB of notes. */
#define HEALED_BLOBS_MAX (1u << 18)

/* Damages that a replay keeps until its end, to say only those that were not healed: 2 MiB of text. */
#define REPLAY_DAMAGES_MAX (1u << 14)

/* How far the times of the log are known, and how far a clock may be off before it counts as wrong: an hour is little
 * of the days for which deleted bytes wait, and makes 9,000 entries of the index in a year. */
#define TIMELINE_STEP_NS (UINT64_C(3600) * 1000000000)

/* Deleted versions that one record discards: the headers of so many are read while a group waits, some 20 ms. */
#define DISCARD_TARGETS_MAX 100u

/* The scrubber reads everything once a week, as fast as that needs: at least as fast as that restarts of a daemon do
 * not keep it from getting through a segment, and never so fast that a disk of one spindle has no time for others. */
#define SCRUB_CYCLE_SECONDS_DEFAULT (7u * 86400u)
#define SCRUB_BYTES_PER_SECOND_MIN (4u << 20)
#define SCRUB_BYTES_PER_SECOND_DEFAULT (64u << 20)

/* After a failure that is no damage, such as no memory, it waits so long. */
#define SCRUB_TROUBLE_SECONDS 60

/* Nesting of sequences that the scanner follows. Deeper content is kept as bytes and reported. */
#define DICOM_NESTING_MAX 128u

/* Nodes that a search takes from an entry of the index before it walks the tree instead: their paths are kept until the
 * search ends, some 10 MiB. */
#define FIND_CANDIDATES_MAX 65536u

/* Longest value that is captured for the index; PS3.5 allows 64 characters for LO and 64 per component group of PN,
 * times four bytes a character, and files in the field exceed it. */
#define DICOM_VALUE_CAPTURED_MAX 1024u

/* How much of an object a correction keeps in memory: all that stands before the last attribute that it changes. */
#define CORRECTED_HEAD_BYTES_MAX ((size_t)64 << 20)

/* Corrections that wait for each other to become durable together: a sync for so many costs each next to nothing, and
 * what is known of them is some MiB, also of objects with a frame every few KiB. */
#define CORRECTED_TOGETHER_MAX 256u
#define CORRECTED_TOGETHER_BYTES_MAX ((uint64_t)256 << 20)

/* Longest UID that names an instance. PS3.5 9.1 allows 64; files in the field have a few more. */
#define DICOM_UID_BYTES_MAX 128u

/* Longest folder or file name in the tree, the usual NAME_MAX. */
#define FOLDER_NAME_BYTES_MAX 255u

#endif
