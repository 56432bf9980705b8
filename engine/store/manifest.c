#include "store/manifest.h"

#include "base/limits.h"
#include "base/status.h"
#include "segment/segment.h"

#define MANIFEST_FORMAT 1
#define MANIFEST_FORMAT_SINCE 2     /* the same, and a group at its end */
#define MANIFEST_FORMAT_CORRECTED 3 /* the same, the group may be 0, and the tags that were corrected */
#define MANIFEST_FORMAT_REPLACING 4 /* the same, the group is not 0, and where the damaged manifest lies */
#define FIXED_BYTES 64              /* up to the UID */
#define BLOB_BYTES 22               /* hash, ordinal, raw size */
#define PIECE_BYTES_MIN 3           /* three variable-length integers */
#define PLACE_BYTES 24              /* segment with its generation, offset, bytes on disk */

void manifest_fini(struct manifest *manifest) {
  free(manifest->blobs);
  free(manifest->pieces);
  *manifest = (struct manifest){0};
}

/* Seven bits a byte, low bits first, the high bit says that more follow. */
static size_t put_varint(uint8_t *bytes, uint32_t value) {
  size_t size = 0;
  while (value >= 0x80) {
    bytes[size++] = (uint8_t)(value | 0x80);
    value >>= 7;
  }
  bytes[size++] = (uint8_t)value;
  return size;
}

static cas_status put_text(struct cas_buffer *bytes, const char *text) {
  uint8_t size = (uint8_t)strlen(text);
  STATUS_TRY(cas_buffer_append(bytes, slice_of(&size, 1)));
  return cas_buffer_append(bytes, slice_of(text, size));
}

static cas_status put_blobs(const struct manifest *manifest, struct cas_buffer *bytes) {
  uint8_t count[4], entry[BLOB_BYTES];
  store_u32(count, (uint32_t)manifest->blob_count);
  STATUS_TRY(cas_buffer_append(bytes, slice_of(count, sizeof count)));
  for (size_t i = 0; i < manifest->blob_count; i++) {
    const struct manifest_blob *blob = &manifest->blobs[i];
    memcpy(entry, blob->id.hash.bytes, 16);
    store_u16(entry + 16, blob->id.ordinal);
    store_u32(entry + 18, blob->raw_size);
    STATUS_TRY(cas_buffer_append(bytes, slice_of(entry, sizeof entry)));
  }
  return CAS_OK;
}

static cas_status put_pieces(const struct manifest *manifest, struct cas_buffer *bytes) {
  uint8_t count[4], entry[15];
  store_u32(count, (uint32_t)manifest->piece_count);
  STATUS_TRY(cas_buffer_append(bytes, slice_of(count, sizeof count)));
  for (size_t i = 0; i < manifest->piece_count; i++) {
    const struct manifest_piece *piece = &manifest->pieces[i];
    size_t size = put_varint(entry, piece->blob);
    size += put_varint(entry + size, piece->offset);
    size += put_varint(entry + size, piece->size);
    STATUS_TRY(cas_buffer_append(bytes, slice_of(entry, size)));
  }
  return CAS_OK;
}

static cas_status put_corrected(const struct manifest *manifest, struct cas_buffer *bytes) {
  uint8_t tail[9 + 4 * MANIFEST_CORRECTED_MAX];
  store_u64(tail, manifest->since);
  tail[8] = (uint8_t)manifest->corrected_count;
  for (size_t i = 0; i < manifest->corrected_count; i++) store_u32(tail + 9 + 4 * i, manifest->corrected[i]);
  return cas_buffer_append(bytes, slice_of(tail, 9 + 4 * manifest->corrected_count));
}

static cas_status put_replaced(const struct manifest *manifest, struct cas_buffer *bytes) {
  uint8_t place[PLACE_BYTES];
  uint32_t number;
  uint64_t offset, size;
  record_cookie_explain(manifest->replaced, &number, &offset, &size);
  store_u64(place, record_cookie_segment(manifest->replaced));
  store_u64(place + 8, offset);
  store_u64(place + 16, size);
  return cas_buffer_append(bytes, slice_of(place, sizeof place));
}

bool manifest_says_replaced(const struct manifest *manifest) { return record_cookie_segment(manifest->replaced) != 0; }

static uint8_t format_of(const struct manifest *manifest) {
  if (manifest_says_replaced(manifest)) return MANIFEST_FORMAT_REPLACING;
  if (manifest->origin == CAS_ORIGIN_CORRECTED) return MANIFEST_FORMAT_CORRECTED;
  return manifest->since == 0 ? MANIFEST_FORMAT : MANIFEST_FORMAT_SINCE;
}

static cas_status put_tail(const struct manifest *manifest, uint8_t format, struct cas_buffer *bytes) {
  uint8_t since[8];
  if (format == MANIFEST_FORMAT) return CAS_OK;
  if (format != MANIFEST_FORMAT_SINCE) {
    STATUS_TRY(put_corrected(manifest, bytes));
    return format == MANIFEST_FORMAT_REPLACING ? put_replaced(manifest, bytes) : CAS_OK;
  }
  store_u64(since, manifest->since);
  return cas_buffer_append(bytes, slice_of(since, sizeof since));
}

cas_status manifest_encode(const struct manifest *manifest, struct cas_buffer *bytes) {
  uint8_t fixed[FIXED_BYTES] = {0};
  fixed[0] = format_of(manifest);
  fixed[1] = (uint8_t)manifest->origin;
  store_u16(fixed + 2, manifest->states);
  store_u32(fixed + 4, manifest->version);
  store_u64(fixed + 8, (uint64_t)manifest->arrival_ns);
  store_u64(fixed + 16, manifest->file_size);
  store_u64(fixed + 24, manifest->data_set_offset);
  memcpy(fixed + 32, manifest->content_hash.bytes, 16);
  memcpy(fixed + 48, manifest->data_set_hash.bytes, 16);
  STATUS_TRY(cas_buffer_append(bytes, slice_of(fixed, sizeof fixed)));
  STATUS_TRY(put_text(bytes, manifest->sop_instance_uid));
  STATUS_TRY(put_text(bytes, manifest->source));
  STATUS_TRY(put_blobs(manifest, bytes));
  STATUS_TRY(put_pieces(manifest, bytes));
  return put_tail(manifest, fixed[0], bytes);
}

/* A reading position; every take fails once the bytes are used up. */
struct cursor {
  const uint8_t *at, *end;
};

static const uint8_t *take(struct cursor *cursor, size_t size) {
  if ((size_t)(cursor->end - cursor->at) < size) return NULL;
  const uint8_t *taken = cursor->at;
  cursor->at += size;
  return taken;
}

static bool take_varint(struct cursor *cursor, uint32_t *value) {
  uint64_t result = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const uint8_t *byte = take(cursor, 1);
    if (byte == NULL) return false;
    result |= (uint64_t)(*byte & 0x7F) << shift;
    if (*byte < 0x80) {
      *value = (uint32_t)result;
      return result <= UINT32_MAX;
    }
  }
  return false;
}

static bool take_text(struct cursor *cursor, char *text, size_t capacity) {
  const uint8_t *size = take(cursor, 1);
  if (size == NULL || *size >= capacity) return false;
  const uint8_t *bytes = take(cursor, *size);
  if (bytes == NULL || memchr(bytes, 0, *size) != NULL) return false;
  memcpy(text, bytes, *size);
  text[*size] = '\0';
  return true;
}

/* The count of elements that take at least `bytes_min` each: more cannot be there than the bytes allow. */
static bool take_count(struct cursor *cursor, size_t bytes_min, size_t *count) {
  const uint8_t *bytes = take(cursor, 4);
  if (bytes == NULL) return false;
  *count = load_u32(bytes);
  return *count <= (size_t)(cursor->end - cursor->at) / bytes_min;
}

static cas_status take_blobs(struct cursor *cursor, struct manifest *manifest) {
  if (!take_count(cursor, BLOB_BYTES, &manifest->blob_count)) return CAS_CORRUPT;
  manifest->blobs = calloc(manifest->blob_count + 1, sizeof *manifest->blobs);
  if (manifest->blobs == NULL) return CAS_NO_MEMORY;
  for (size_t i = 0; i < manifest->blob_count; i++) {
    const uint8_t *entry = take(cursor, BLOB_BYTES);
    struct manifest_blob *blob = &manifest->blobs[i];
    memcpy(blob->id.hash.bytes, entry, 16);
    blob->id.ordinal = load_u16(entry + 16);
    blob->raw_size = load_u32(entry + 18);
    if (blob->raw_size > BLOB_BYTES_MAX) return CAS_CORRUPT;
  }
  return CAS_OK;
}

static cas_status take_pieces(struct cursor *cursor, struct manifest *manifest) {
  if (!take_count(cursor, PIECE_BYTES_MIN, &manifest->piece_count)) return CAS_CORRUPT;
  manifest->pieces = calloc(manifest->piece_count + 1, sizeof *manifest->pieces);
  if (manifest->pieces == NULL) return CAS_NO_MEMORY;
  uint64_t total = 0;
  for (size_t i = 0; i < manifest->piece_count; i++) {
    struct manifest_piece *piece = &manifest->pieces[i];
    if (!take_varint(cursor, &piece->blob) || !take_varint(cursor, &piece->offset) ||
        !take_varint(cursor, &piece->size))
      return CAS_CORRUPT;
    if (piece->blob >= manifest->blob_count || piece->size == 0) return CAS_CORRUPT;
    if ((uint64_t)piece->offset + piece->size > manifest->blobs[piece->blob].raw_size) return CAS_CORRUPT;
    total += piece->size;
  }
  return total == manifest->file_size ? CAS_OK : CAS_CORRUPT;
}

/* False unless a group is there. */
static bool take_since(struct cursor *cursor, uint64_t *since) {
  const uint8_t *bytes = take(cursor, 8);
  if (bytes != NULL) *since = load_u64(bytes);
  return bytes != NULL && *since != 0;
}

static bool take_corrected(struct cursor *cursor, struct manifest *manifest) {
  const uint8_t *head = take(cursor, 9);
  if (head == NULL || head[8] > MANIFEST_CORRECTED_MAX) return false;
  manifest->since = load_u64(head);
  manifest->corrected_count = head[8];
  const uint8_t *tags = take(cursor, 4 * manifest->corrected_count);
  if (tags == NULL) return false;
  for (size_t i = 0; i < manifest->corrected_count; i++) manifest->corrected[i] = load_u32(tags + 4 * i);
  return true;
}

static bool take_replaced(struct cursor *cursor, struct manifest *manifest) {
  const uint8_t *bytes = take(cursor, PLACE_BYTES);
  return bytes != NULL && manifest->since != 0 &&
         (manifest->origin == CAS_ORIGIN_CORRECTED || manifest->corrected_count == 0) &&
         record_cookie_make(load_u64(bytes), load_u64(bytes + 8), load_u64(bytes + 16), &manifest->replaced);
}

static bool take_tail(struct cursor *cursor, uint8_t format, struct manifest *manifest) {
  if (format == MANIFEST_FORMAT) return true;
  if (format == MANIFEST_FORMAT_SINCE) return take_since(cursor, &manifest->since);
  return take_corrected(cursor, manifest) && (format != MANIFEST_FORMAT_REPLACING || take_replaced(cursor, manifest));
}

static bool origin_of(const uint8_t *fixed, enum cas_origin *origin) {
  bool is_corrected = fixed[1] == CAS_ORIGIN_CORRECTED;
  *origin = is_corrected                      ? CAS_ORIGIN_CORRECTED
            : fixed[1] == CAS_ORIGIN_RECEIVED ? CAS_ORIGIN_RECEIVED
                                              : CAS_ORIGIN_IMPORT;
  if (fixed[0] == MANIFEST_FORMAT_REPLACING) return true;
  return fixed[0] >= MANIFEST_FORMAT && fixed[0] <= MANIFEST_FORMAT_CORRECTED &&
         is_corrected == (fixed[0] == MANIFEST_FORMAT_CORRECTED);
}

static cas_status decode(struct cursor *cursor, struct manifest *manifest) {
  const uint8_t *fixed = take(cursor, FIXED_BYTES);
  if (fixed == NULL || !origin_of(fixed, &manifest->origin)) return CAS_CORRUPT;
  manifest->states = load_u16(fixed + 2);
  manifest->version = load_u32(fixed + 4);
  manifest->arrival_ns = (int64_t)load_u64(fixed + 8);
  manifest->file_size = load_u64(fixed + 16);
  manifest->data_set_offset = load_u64(fixed + 24);
  memcpy(manifest->content_hash.bytes, fixed + 32, 16);
  memcpy(manifest->data_set_hash.bytes, fixed + 48, 16);
  if (!take_text(cursor, manifest->sop_instance_uid, sizeof manifest->sop_instance_uid)) return CAS_CORRUPT;
  if (!take_text(cursor, manifest->source, sizeof manifest->source)) return CAS_CORRUPT;
  STATUS_TRY(take_blobs(cursor, manifest));
  STATUS_TRY(take_pieces(cursor, manifest));
  if (!take_tail(cursor, fixed[0], manifest)) return CAS_CORRUPT;
  return cursor->at == cursor->end && manifest->data_set_offset <= manifest->file_size ? CAS_OK : CAS_CORRUPT;
}

cas_status manifest_decode(struct cas_slice bytes, struct manifest *manifest) {
  struct manifest decoded = {0};
  struct cursor cursor = {.at = bytes.data, .end = bytes.data + bytes.size};
  cas_status status = decode(&cursor, &decoded);
  if (status != CAS_OK) {
    manifest_fini(&decoded);
    return status;
  }
  *manifest = decoded;
  return CAS_OK;
}

bool manifest_same_file(const struct manifest *a, const struct manifest *b) {
  if (a->file_size != b->file_size || a->blob_count != b->blob_count || a->piece_count != b->piece_count) return false;
  for (size_t i = 0; i < a->blob_count; i++)
    if (!blob_id_equal(&a->blobs[i].id, &b->blobs[i].id)) return false;
  for (size_t i = 0; i < a->piece_count; i++) {
    const struct manifest_piece *p = &a->pieces[i], *q = &b->pieces[i];
    if (p->blob != q->blob || p->offset != q->offset || p->size != q->size) return false;
  }
  return true;
}
