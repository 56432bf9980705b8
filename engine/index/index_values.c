/*
 * Owns the shape of values.
 *
 *  1. Encoders write one form only: what a decoder accepts and an encoder writes again are the same bytes.
 *  2. A text that a decoder hands out holds no NUL, so it may become a C string.
 */
#include "index/index_values.h"

#include "base/status.h"
#include "index/index_format.h"

/* --- integers and texts --- */

static size_t put_varint(uint8_t *p, uint64_t v) {
  size_t n = 0;
  while (v >= 0x80) {
    p[n++] = (uint8_t)(v | 0x80);
    v >>= 7;
  }
  p[n++] = (uint8_t)v;
  return n;
}

static uint64_t zigzag(uint64_t v) { return v << 1 ^ (0 - (v >> 63)); }
static uint64_t unzigzag(uint64_t v) { return v >> 1 ^ (0 - (v & 1)); }

static bool take_bytes(struct cas_slice *rest, size_t size, struct cas_slice *bytes) {
  if (size > rest->size) return false;
  *bytes = slice_of(rest->data, size);
  rest->data += size;
  rest->size -= size;
  return true;
}

/* Refuses more bytes than the number needs, and more than 64 bits. */
static bool take_varint(struct cas_slice *rest, uint64_t *v) {
  uint64_t value = 0;
  for (size_t i = 0; i < VARINT_BYTES_MAX && i < rest->size; i++) {
    uint8_t byte = rest->data[i];
    if (i == VARINT_BYTES_MAX - 1 && byte > 1) return false;
    value |= (uint64_t)(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      if (byte == 0 && i > 0) return false;
      rest->data += i + 1;
      rest->size -= i + 1;
      *v = value;
      return true;
    }
  }
  return false;
}

static bool take_u32(struct cas_slice *rest, uint32_t *v) {
  uint64_t wide;
  if (!take_varint(rest, &wide) || wide > UINT32_MAX) return false;
  *v = (uint32_t)wide;
  return true;
}

static bool take_text(struct cas_slice *rest, struct cas_slice *text) {
  uint64_t size;
  if (!take_varint(rest, &size) || size > INDEX_TEXT_BYTES_MAX) return false;
  if (!take_bytes(rest, (size_t)size, text)) return false;
  return size == 0 || memchr(text->data, 0, (size_t)size) == NULL;
}

static uint8_t *put_text(uint8_t *p, struct cas_slice text) {
  p += put_varint(p, text.size);
  if (text.size > 0) memcpy(p, text.data, text.size);
  return p + text.size;
}

/* --- nodes --- */

static bool uid_in_identity(const struct index_node_value *node) {
  return node->uid.size <= node->identity.size && memcmp(node->identity.data, node->uid.data, node->uid.size) == 0;
}

static uint8_t *put_groups(uint8_t *p, const struct index_node_value *node) {
  p += put_varint(p, node->first_group);
  p += put_varint(p, node->last_group - node->first_group);
  if (node->date.size > 0) p += put_varint(p, node->date_group);
  return p;
}

static bool take_groups(struct cas_slice *rest, struct index_node_value *node) {
  uint64_t span;
  if (!take_varint(rest, &node->first_group) || !take_varint(rest, &span)) return false;
  node->last_group = node->first_group + span;
  if (node->last_group == 0 || node->last_group < span) return false;
  return node->date.size == 0 || take_varint(rest, &node->date_group);
}

static uint8_t *put_states(uint8_t *p, const struct index_node_value *node) {
  if (node->gone > 0) p += put_varint(p, node->gone);
  return node->states.size > 0 ? put_text(p, node->states) : p;
}

static bool take_states(struct cas_slice *rest, uint8_t flags, struct index_node_value *node) {
  uint64_t size;
  if ((flags & NODE_GONE) && (!take_varint(rest, &node->gone) || node->gone == 0)) return false;
  if (!(flags & NODE_STATES)) return true;
  if (!take_varint(rest, &size) || size == 0 || size > INDEX_STATES_BYTES_MAX) return false;
  return take_bytes(rest, (size_t)size, &node->states);
}

cas_status index_encode_node(const struct index_node_value *node, enum cas_level level, struct cas_buffer *value) {
  size_t texts = node->identity.size + node->uid.size + node->date.size + node->states.size;
  STATUS_TRY(cas_buffer_reserve(value, 1 + 13 * VARINT_BYTES_MAX + texts + 32 + node->attributes.size));
  uint8_t flags = node->date.size > 0 ? NODE_DATE : 0;
  if (node->uid.size > 0) flags |= uid_in_identity(node) ? NODE_UID_IN_IDENTITY : NODE_UID_TEXT;
  if (node->last_group > 0) flags |= NODE_GROUPS;
  if (node->gone > 0) flags |= NODE_GONE;
  if (node->states.size > 0) flags |= NODE_STATES;
  uint8_t *p = value->data;
  *p++ = flags;
  p += put_varint(p, zigzag((uint64_t)node->first_arrival_ns));
  p += put_varint(p, zigzag((uint64_t)node->last_arrival_ns - (uint64_t)node->first_arrival_ns));
  p += put_varint(p, node->instances);
  p += put_varint(p, node->bytes);
  p = put_text(p, node->identity);
  if (flags & NODE_UID_IN_IDENTITY) p += put_varint(p, node->uid.size);
  if (flags & NODE_UID_TEXT) p = put_text(p, node->uid);
  if (flags & NODE_DATE) p = put_text(p, node->date);
  if (flags & NODE_GROUPS) p = put_groups(p, node);
  p = put_states(p, node);
  if (level == CAS_LEVEL_INSTANCE) {
    p += put_varint(p, node->version);
    memcpy(p, node->content_hash.bytes, 16);
    memcpy(p + 16, node->manifest.bytes, 16);
    p += 32;
  }
  if (node->attributes.size > 0) memcpy(p, node->attributes.data, node->attributes.size);
  value->size = (size_t)(p - value->data) + node->attributes.size;
  return CAS_OK;
}

static bool take_uid(struct cas_slice *rest, uint8_t flags, struct index_node_value *node) {
  if (flags & NODE_UID_IN_IDENTITY) {
    uint64_t size;
    if (!take_varint(rest, &size) || size == 0 || size > node->identity.size) return false;
    node->uid = slice_of(node->identity.data, (size_t)size);
    return true;
  }
  if (flags & NODE_UID_TEXT) return take_text(rest, &node->uid) && node->uid.size > 0 && !uid_in_identity(node);
  return true;
}

bool index_decode_node(struct cas_slice value, enum cas_level level, struct index_node_value *node) {
  struct index_node_value decoded = {0};
  struct cas_slice rest = value, bytes;
  uint64_t first, span;
  if (!take_bytes(&rest, 1, &bytes)) return false;
  uint8_t flags = bytes.data[0];
  if ((flags & ~NODE_FLAGS) != 0 || (flags & 3) == 3) return false;
  if (!take_varint(&rest, &first) || !take_varint(&rest, &span)) return false;
  if (!take_varint(&rest, &decoded.instances) || !take_varint(&rest, &decoded.bytes)) return false;
  decoded.first_arrival_ns = (int64_t)unzigzag(first);
  decoded.last_arrival_ns = (int64_t)(unzigzag(first) + unzigzag(span));
  if (!take_text(&rest, &decoded.identity) || !take_uid(&rest, flags, &decoded)) return false;
  if ((flags & NODE_DATE) && (!take_text(&rest, &decoded.date) || decoded.date.size == 0)) return false;
  if ((flags & NODE_GROUPS) && !take_groups(&rest, &decoded)) return false;
  if (!take_states(&rest, flags, &decoded)) return false;
  if (level == CAS_LEVEL_INSTANCE) {
    if (!take_u32(&rest, &decoded.version) || !take_bytes(&rest, 32, &bytes)) return false;
    memcpy(decoded.content_hash.bytes, bytes.data, 16);
    memcpy(decoded.manifest.bytes, bytes.data + 16, 16);
  }
  decoded.attributes = rest;
  *node = decoded;
  return true;
}

/* --- blobs --- */

size_t index_encode_blob(const struct index_blob *blob, uint8_t value[INDEX_BLOB_VALUE_BYTES_MAX]) {
  memcpy(value, blob->cookie.bytes, 16);
  value[16] = blob->codec;
  size_t size = 17;
  size += put_varint(value + size, blob->raw_size);
  size += put_varint(value + size, blob->stored_size);
  return blob->users == 0 ? size : size + put_varint(value + size, blob->users);
}

bool index_decode_blob(struct cas_slice value, struct index_blob *blob) {
  struct index_blob decoded = {0};
  struct cas_slice bytes;
  if (!take_bytes(&value, 17, &bytes)) return false;
  memcpy(decoded.cookie.bytes, bytes.data, 16);
  decoded.codec = bytes.data[16];
  if (decoded.codec >= INDEX_CODECS_MAX) return false;
  if (!take_u32(&value, &decoded.raw_size) || !take_u32(&value, &decoded.stored_size)) return false;
  if (value.size > 0 && (!take_u32(&value, &decoded.users) || decoded.users == 0 || value.size > 0)) return false;
  *blob = decoded;
  return true;
}

/* --- totals --- */

size_t index_encode_totals(const struct index_totals *totals, uint8_t value[INDEX_TOTALS_VALUE_BYTES_MAX]) {
  size_t codecs = INDEX_CODECS_MAX;
  while (codecs > 0 && totals->raw_bytes[codecs - 1] == 0 && totals->stored_bytes[codecs - 1] == 0) codecs--;
  const uint64_t fixed[9] = {totals->patients,       totals->studies,          totals->series,
                             totals->instances,      totals->instance_bytes,   totals->blobs,
                             totals->manifest_bytes, totals->superseded_bytes, codecs};
  size_t size = 0;
  for (size_t i = 0; i < 9; i++) size += put_varint(value + size, fixed[i]);
  for (size_t i = 0; i < codecs; i++) {
    size += put_varint(value + size, totals->raw_bytes[i]);
    size += put_varint(value + size, totals->stored_bytes[i]);
  }
  if (totals->last_arrival_ns != 0 || totals->gone_instances != 0)
    size += put_varint(value + size, zigzag((uint64_t)totals->last_arrival_ns));
  if (totals->gone_instances != 0) size += put_varint(value + size, totals->gone_instances);
  return size;
}

bool index_decode_totals(struct cas_slice value, struct index_totals *totals) {
  struct index_totals decoded = {0};
  uint64_t fixed[9];
  for (size_t i = 0; i < 9; i++)
    if (!take_varint(&value, &fixed[i])) return false;
  decoded.patients = fixed[0];
  decoded.studies = fixed[1];
  decoded.series = fixed[2];
  decoded.instances = fixed[3];
  decoded.instance_bytes = fixed[4];
  decoded.blobs = fixed[5];
  decoded.manifest_bytes = fixed[6];
  decoded.superseded_bytes = fixed[7];
  size_t codecs = (size_t)fixed[8];
  if (fixed[8] > INDEX_CODECS_MAX) return false;
  for (size_t i = 0; i < codecs; i++)
    if (!take_varint(&value, &decoded.raw_bytes[i]) || !take_varint(&value, &decoded.stored_bytes[i])) return false;
  if (codecs > 0 && decoded.raw_bytes[codecs - 1] == 0 && decoded.stored_bytes[codecs - 1] == 0) return false;
  uint64_t arrival = 0;
  if (value.size > 0 && (!take_varint(&value, &arrival) || (arrival == 0 && value.size == 0))) return false;
  if (value.size > 0 && (!take_varint(&value, &decoded.gone_instances) || decoded.gone_instances == 0)) return false;
  if (value.size > 0) return false;
  decoded.last_arrival_ns = (int64_t)unzigzag(arrival);
  *totals = decoded;
  return true;
}
