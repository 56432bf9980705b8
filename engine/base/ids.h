/*
 * The names by which the engine's parts hand things to each other. The segment layer gives a cookie, the index keeps it
 * without looking inside.
 */
#ifndef BASE_IDS_H
#define BASE_IDS_H

#include "base/bytes.h"

/*
 * A blob's name: the hash of its bytes and, where two different blobs share a hash, an ordinal that tells them apart.
 * The first blob with a hash has ordinal 0.
 */
struct blob_id {
  struct cas_hash hash;
  uint16_t ordinal;
};

/* Where a record lies. Opaque outside engine/segment; fixed size, comparable by memcmp only for equality. */
struct record_cookie {
  uint8_t bytes[16];
};

static inline bool blob_id_equal(const struct blob_id *a, const struct blob_id *b) {
  return a->ordinal == b->ordinal && hash_equal(&a->hash, &b->hash);
}

#endif
