/*
 * Making and reading keys, as index_format.h lays them out.
 *
 * Making: a key lives on the stack and is never too small; the makers answer false where a text is longer than its
 * limit, or a path is none. Reading: false means that the key is damaged. Pure functions, any thread.
 */
#ifndef INDEX_INDEX_KEYS_H
#define INDEX_INDEX_KEYS_H

#include <stdbool.h>

#include "base/ids.h"
#include "cassette/attributes.h"
#include "index/index_format.h"

struct index_key {
  size_t size;
  uint8_t bytes[INDEX_KEY_BYTES_MAX];
};

/* 1 to 4 for a path of that many names, each 1 to FOLDER_NAME_BYTES_MAX bytes; 0 where it is no path of a node. */
unsigned index_path_level(const char *path);

/* Cuts a valid path in two: `parent` is "" for a patient. Borrowed from `path`. */
void index_path_split(const char *path, struct cas_slice *parent, struct cas_slice *name);

/* Keys of one entry. */
void index_key_blob(struct index_key *key, const struct blob_id *id);
void index_key_totals(struct index_key *key);
void index_key_version(struct index_key *key);
CAS_MUST_USE bool index_key_fact(struct index_key *key, const char *name);
CAS_MUST_USE bool index_key_node(struct index_key *key, const char *path);
CAS_MUST_USE bool index_key_name(struct index_key *key, struct cas_slice parent, struct cas_slice identity);
CAS_MUST_USE bool index_key_uid(struct index_key *key, unsigned level, struct cas_slice uid, uint32_t version,
                                const char *path);
CAS_MUST_USE bool index_key_date(struct index_key *key, struct cas_slice date, const char *path);
CAS_MUST_USE bool index_key_term(struct index_key *key, char field, struct cas_slice text, const char *path);

/* What all children of `parent` begin with. `parent` "" is the root; false for an instance, which has no children. */
CAS_MUST_USE bool index_key_children(struct index_key *key, const char *parent);

/* What all entries of a level begin with, and what all with this UID begin with. */
void index_key_uids(struct index_key *key, unsigned level);
CAS_MUST_USE bool index_key_uid_prefix(struct index_key *key, unsigned level, const char *uid);

/* What all blobs begin with; and the name in what follows that. */
void index_key_blobs(struct index_key *key);
CAS_MUST_USE bool index_key_read_blob(struct cas_slice rest, struct blob_id *id);

/* What all dates begin with. */
void index_key_dates(struct index_key *key);

/* What all terms of a field begin with whose text begins with `text`, or is `text` where it is `whole`. */
CAS_MUST_USE bool index_key_terms(struct index_key *key, char field, struct cas_slice text, bool whole);

/* Adds bytes: to turn a prefix into where to seek. */
CAS_MUST_USE bool index_key_append(struct index_key *key, const void *bytes, size_t size);

static inline struct cas_slice index_key_slice(const struct index_key *key) { return slice_of(key->bytes, key->size); }

bool slice_begins_with(struct cas_slice slice, struct cas_slice prefix);

/* In the order of keys: by bytes; negative where `a` comes first. */
int slice_compare(struct cas_slice a, struct cas_slice b);

/* Cuts what follows the kind (and level) of a UID or date key, and what follows a UID. Borrowed from `rest`. */
CAS_MUST_USE bool index_key_read_place(struct cas_slice rest, struct cas_slice *path);
CAS_MUST_USE bool index_key_read_uid(struct cas_slice rest, struct cas_slice *uid, struct cas_slice *path);
CAS_MUST_USE bool index_key_read_date(struct cas_slice rest, struct cas_slice *date, struct cas_slice *path);

#endif
