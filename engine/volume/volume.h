/*
 * A volume: where segments live. A folder on a disk, and where the store has one, the cold place (volume_cold.h); an
 * object store fits the same functions later, since a sealed segment never changes and is read by ranges.
 *
 * Segments are numbered from 1. A segment that was written anew has another generation, which is a file of its own
 * (volume_names.h). The highest generation counts; the ones before it are what a crash left, or are about to be
 * removed. Where the same generation is in both tiers, both have the same bytes: that in the store counts, and the
 * other one is what a crash left of a move.
 *
 * Whatever takes a segment, and finds none, fails with CAS_NOT_FOUND; but with CAS_AWAY, and a message that names the
 * cold place, where the segment can only be there and the cold place is away.
 *
 * Threads: all functions from any thread; what an io_file allows is io/disk.h's.
 */
#ifndef VOLUME_VOLUME_H
#define VOLUME_VOLUME_H

#include "volume/volume_cold.h"
#include "volume/volume_names.h"

struct volume;

/* Opens the volume on a disk, borrowed until close. Keeps at most `open_files_max` segments open for reading. */
CAS_MUST_USE cas_status volume_open(struct io_disk *disk, size_t open_files_max, struct volume **volume,
                                    struct cas_error *error);
void volume_close(struct volume *volume);

/* Looks into the cold place from now on too, whose marker is to be `marker`, copied. Before other threads use it. */
CAS_MUST_USE cas_status volume_use_cold(struct volume *volume, struct cas_slice marker);

/* Whether the cold place is there; `reason` as in volume_cold_look(). */
enum volume_cold volume_cold_state(const struct volume *volume, struct cas_error *reason);

/* Opens what has only a new name in one tier, for reading, as if it had its own. Closed as other volumes. */
CAS_MUST_USE cas_status volume_open_staged(struct io_disk *disk, enum volume_tier tier, struct volume **volume,
                                           struct cas_error *error);

/* All segments, by ascending numbers, each in its highest generation; the caller frees. A segment that is replaced
 * meanwhile may be missing in the list: volume_find() tells. *whole, where that is not NULL: false if the cold place is
 * away, and its segments are missing. */
CAS_MUST_USE cas_status volume_list(struct volume *volume, uint64_t **segments, size_t *count, bool *whole,
                                    struct cas_error *error);

/* The highest generation of a segment. CAS_NOT_FOUND, CAS_AWAY. */
CAS_MUST_USE cas_status volume_find(struct volume *volume, uint32_t number, uint64_t *segment, struct cas_error *error);

/* As volume_list(), but each in all its generations, in ascending order. */
CAS_MUST_USE cas_status volume_list_generations(struct volume *volume, uint64_t **segments, size_t *count,
                                                struct cas_error *error);

/* The tier from which a segment is read. */
CAS_MUST_USE cas_status volume_tier_of(struct volume *volume, uint64_t segment, enum volume_tier *tier,
                                       struct cas_error *error);

/* volume_name() in that tier, for messages; in the store where it is not found. */
void volume_present_name(struct volume *volume, uint64_t segment, char name[VOLUME_NAME_BYTES]);

/* Creates the next segment file, or opens the last one for appending; the caller closes the file. */
CAS_MUST_USE cas_status volume_create(struct volume *volume, uint32_t number, struct io_file **file,
                                      struct cas_error *error);
CAS_MUST_USE cas_status volume_open_append(struct volume *volume, uint32_t number, struct io_file **file,
                                           struct cas_error *error);

/* Makes a file under a name that counts for nothing; then gives it its own, durably, or removes it. The caller closes
 * the file. CAS_AWAY: the cold place is. */
CAS_MUST_USE cas_status volume_create_new(struct volume *volume, uint64_t segment, enum volume_tier tier,
                                          struct io_file **file, struct cas_error *error);
CAS_MUST_USE cas_status volume_publish(struct volume *volume, uint64_t segment, enum volume_tier tier,
                                       struct cas_error *error);
CAS_MUST_USE cas_status volume_remove_new(struct volume *volume, uint64_t segment, enum volume_tier tier,
                                          struct cas_error *error);

/* Removes what crashes left: generations that do not count, second copies in the cold place, and files without a name
 * of their own. `cold_is_known`: the index knows of all generations in the cold place; else none gives way to one
 * there. Not while files are made. */
CAS_MUST_USE cas_status volume_clean(struct volume *volume, bool cold_is_known, struct cas_error *error);

/* Reads from any segment, sealed or growing. As io_file_ops.read. */
CAS_MUST_USE cas_status volume_read(struct volume *volume, uint64_t segment, uint64_t offset, uint8_t *bytes,
                                    size_t size, size_t *got, struct cas_error *error);

/* As io_file_ops.will_need: a hint. */
void volume_will_need(struct volume *volume, uint64_t segment, uint64_t offset, uint64_t size);

/* The present length of a segment. */
CAS_MUST_USE cas_status volume_size(struct volume *volume, uint64_t segment, uint64_t *size, struct cas_error *error);

/* Removes a segment that holds no durable group: the remains of a creation that a crash cut short. Durable on return.
 */
CAS_MUST_USE cas_status volume_remove(struct volume *volume, uint64_t segment, struct cas_error *error);

/* Removes a file that another one replaced: who reads it may finish. Durable on return. */
CAS_MUST_USE cas_status volume_discard(struct volume *volume, uint64_t segment, enum volume_tier tier,
                                       struct cas_error *error);

/* Closes the file of a tier, if it is open, with its last reader: the next one opens what is there then. */
void volume_let_go(struct volume *volume, uint64_t segment, enum volume_tier tier);

/* Closes the files that nobody reads at the moment, so that those which another process removed take no space. */
void volume_close_unused(struct volume *volume);

/* The disk that lends the blocks which a segment's file takes. Borrowed. */
struct io_disk *volume_disk(struct volume *volume);

#endif
