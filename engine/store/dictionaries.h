/*
 * Which blob serves as the dictionary for the headers of a series: the first header of that series. Headers of one
 * series are nearly the same text, so that one costs a few hundred bytes.
 *
 * A table of the series that are arriving, backed by a fact in the index for those of earlier days.
 *
 * Threads: any.
 */
#ifndef STORE_DICTIONARIES_H
#define STORE_DICTIONARIES_H

#include "store/pending.h"

/* A header shorter than this gains nothing, one longer costs too much to load for each use. */
#define DICTIONARY_BYTES_MIN 256u
#define DICTIONARY_BYTES_MAX (256u << 10)

/* A dictionary, as long as one encoding needs it. */
struct dictionary {
  struct blob_id id;
  uint8_t *bytes; /* a copy, owned */
  size_t size;
  struct pending_blob *pending; /* held where the blob is not committed yet; else NULL */
};
void dictionary_fini(struct dictionary *dictionary);

struct dictionaries;
CAS_MUST_USE cas_status dictionaries_create(struct cas_store *store, struct dictionaries **dictionaries);
void dictionaries_destroy(struct dictionaries *dictionaries);

/* The dictionary of a series, which was good on disk a second ago at most, or is on its way there. CAS_NOT_FOUND: it
 * has none yet, or a damaged one. */
CAS_MUST_USE cas_status dictionaries_get(struct dictionaries *dictionaries, const char *series_uid,
                                         struct dictionary *dictionary);

/* Makes a QUEUED header the dictionary of its series, unless there is one. `bytes` is copied. */
void dictionaries_put(struct dictionaries *dictionaries, const char *series_uid, struct pending_blob *blob,
                      struct cas_slice bytes);

/* Forgets that a series has a dictionary: it is not in the store any more. */
void dictionaries_forget(struct dictionaries *dictionaries, const char *series_uid);

/* Holds no blob any longer than it must: those that are committed are let go. */
void dictionaries_settle(struct dictionaries *dictionaries);

/* Notes in the index that the blob is the dictionary of its series, if it becomes one. */
CAS_MUST_USE cas_status dictionary_note(struct index_batch *batch, const struct pending_blob *blob,
                                        struct cas_error *error);

/* The name of the fact in the index that says which blob it is: its value is a hash and an ordinal. */
void dictionary_fact_name(const char *series_uid, char name[CAS_UID_TEXT_MAX + 16]);

#endif
