/*
 * Values to bytes and back, as index_format.h lays them out. Decoders check every length and answer false for anything
 * that no encoder writes; they read no byte outside the slice. Pure functions, any thread.
 */
#ifndef INDEX_INDEX_VALUES_H
#define INDEX_INDEX_VALUES_H

#include "index/index.h"

/* A node's value with what the index keeps beside struct index_node. Texts are borrowed and have no NUL at their end.
 */
struct index_node_value {
  struct cas_slice identity;
  struct cas_slice uid;  /* empty: none */
  struct cas_slice date; /* empty: none */
  struct cas_slice attributes;
  struct cas_slice states;
  int64_t first_arrival_ns;
  int64_t last_arrival_ns;
  uint64_t instances;
  uint64_t bytes;
  uint64_t gone;
  uint64_t first_group, last_group, date_group;
  uint32_t version;
  struct cas_hash content_hash;
  struct record_cookie manifest;
};

CAS_MUST_USE cas_status index_encode_node(const struct index_node_value *node, enum cas_level level,
                                          struct cas_buffer *value);
CAS_MUST_USE bool index_decode_node(struct cas_slice value, enum cas_level level, struct index_node_value *node);

/* 16 + 1 + three varints of 32 bits. */
#define INDEX_BLOB_VALUE_BYTES_MAX 32
size_t index_encode_blob(const struct index_blob *blob, uint8_t value[INDEX_BLOB_VALUE_BYTES_MAX]);
CAS_MUST_USE bool index_decode_blob(struct cas_slice value, struct index_blob *blob);

#define INDEX_TOTALS_VALUE_BYTES_MAX ((10 + 2 * INDEX_CODECS_MAX) * 10)
size_t index_encode_totals(const struct index_totals *totals, uint8_t value[INDEX_TOTALS_VALUE_BYTES_MAX]);
CAS_MUST_USE bool index_decode_totals(struct cas_slice value, struct index_totals *totals);

#endif
