/*
 * Reading instances: the one path that the mount, export, and later C-GET and the web read through.
 *
 * Every byte returned was checked against its hash (P4). Damage is CAS_CORRUPT and names the blob. CAS_AWAY: the bytes
 * lie in the cold place (tier.h), and that is not there at the moment.
 *
 * Threads: a reader may be used by many threads at once.
 */
#ifndef CASSETTE_READER_H
#define CASSETTE_READER_H

#include "cassette/node.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cas_reader;

/* Opens the instance at a tree path. CAS_NOT_FOUND, CAS_CORRUPT (its manifest is damaged). */
CAS_API CAS_MUST_USE cas_status cas_reader_open(struct cas_store *store, const char *path, struct cas_reader **reader,
                                                struct cas_error *error);
CAS_API void cas_reader_close(struct cas_reader *reader);

/* Size of the file in bytes. */
CAS_API uint64_t cas_reader_size(const struct cas_reader *reader);

/* Where the data set begins in the file: behind preamble and meta group; 0 without them. */
CAS_API uint64_t cas_reader_data_set_offset(const struct cas_reader *reader);

/* What is known of where it came from: a path or "AETITLE@address"; "" where unknown. Borrowed. */
CAS_API const char *cas_reader_source(const struct cas_reader *reader);

/* How the bytes of an instance are kept. */
struct cas_storage {
  uint64_t stored_bytes; /* of its blobs, encoded. What it shares with other instances is counted for each of them */
  char codecs[64];       /* the names of their codecs, as in struct cas_stats, with commas between */
  char tier[32]; /* where they are: "hot", in the store, "cold", in the cold place, "away" with it; with commas */
};

/* Asks the index, and which file there is; reads no blob. CAS_CORRUPT: the index lacks one. */
CAS_API CAS_MUST_USE cas_status cas_reader_storage(struct cas_reader *reader, struct cas_storage *storage,
                                                   struct cas_error *error);

/* Reads up to `size` bytes at `offset` into `bytes`; *got is less only at the end of the file. */
CAS_API CAS_MUST_USE cas_status cas_reader_read(struct cas_reader *reader, uint64_t offset, uint8_t *bytes, size_t size,
                                                size_t *got, struct cas_error *error);

/* Decodes what lies in the range and keeps it in the read cache, as far as there is room, so that reading it soon is
 * quick. What fails will fail again, with its error, when it is read. */
CAS_API void cas_reader_prefetch(struct cas_reader *reader, uint64_t offset, uint64_t size);

#ifdef __cplusplus
}
#endif
#endif
