#include "segment/segment_format.h"

#define XXH_STATIC_LINKING_ONLY /* for a hash state on the stack */
#include <xxhash.h>

static const uint8_t segment_magic[8] = {'C', 'A', 'S', 'S', 'E', 'G', '\r', '\n'};
static const uint8_t zeros[RECORD_ALIGN_BYTES];

void segment_header_encode(const struct segment_header *header, uint8_t block[SEGMENT_HEADER_BYTES]) {
  memset(block, 0, SEGMENT_HEADER_BYTES);
  memcpy(block + SEGMENT_AT_MAGIC, segment_magic, sizeof segment_magic);
  store_u32(block + SEGMENT_AT_VERSION, SEGMENT_FORMAT_VERSION);
  store_u32(block + SEGMENT_AT_NUMBER, header->segment);
  memcpy(block + SEGMENT_AT_UUID, header->uuid, sizeof header->uuid);
  store_u64(block + SEGMENT_AT_CREATED, (uint64_t)header->created_ns);
  store_u64(block + SEGMENT_AT_FIRST_GROUP, header->first_group);
  store_u64(block + SEGMENT_AT_PREVIOUS_GROUP, header->previous.group);
  store_u64(block + SEGMENT_AT_PREVIOUS_END, header->previous.offset);
  store_u64(block + SEGMENT_AT_PREVIOUS_DOUBTFUL, header->previous.doubtful_from);
  store_u32(block + SEGMENT_AT_PREVIOUS, header->previous.segment);
  store_u32(block + SEGMENT_AT_BLOCK_BYTES, SEGMENT_BLOCK_BYTES);
  store_u32(block + SEGMENT_AT_GENERATION, header->generation);
  store_u64(block + SEGMENT_AT_END, header->end);
  store_u64(block + SEGMENT_AT_CHECKSUM, XXH3_64bits(block, SEGMENT_AT_CHECKSUM));
}

cas_status segment_header_decode(const uint8_t block[SEGMENT_HEADER_BYTES], const struct segment_store_key *key,
                                 uint64_t segment, struct segment_header *header) {
  if (memcmp(block + SEGMENT_AT_MAGIC, segment_magic, sizeof segment_magic) != 0) return CAS_CORRUPT;
  if (load_u64(block + SEGMENT_AT_CHECKSUM) != XXH3_64bits(block, SEGMENT_AT_CHECKSUM)) return CAS_CORRUPT;
  if (load_u32(block + SEGMENT_AT_VERSION) != SEGMENT_FORMAT_VERSION) return CAS_UNSUPPORTED;
  uint32_t number = segment_file_number(segment);
  if (load_u32(block + SEGMENT_AT_NUMBER) != number) return CAS_CORRUPT;
  if (load_u32(block + SEGMENT_AT_GENERATION) != segment_file_generation(segment)) return CAS_CORRUPT;
  if (memcmp(block + SEGMENT_AT_UUID, key->uuid, sizeof key->uuid) != 0) return CAS_CORRUPT;
  if (load_u32(block + SEGMENT_AT_BLOCK_BYTES) != SEGMENT_BLOCK_BYTES) return CAS_CORRUPT;
  struct segment_header decoded = {
      .segment = number,
      .created_ns = (int64_t)load_u64(block + SEGMENT_AT_CREATED),
      .first_group = load_u64(block + SEGMENT_AT_FIRST_GROUP),
      .previous = {.group = load_u64(block + SEGMENT_AT_PREVIOUS_GROUP),
                   .segment = load_u32(block + SEGMENT_AT_PREVIOUS),
                   .offset = load_u64(block + SEGMENT_AT_PREVIOUS_END),
                   .doubtful_from = load_u64(block + SEGMENT_AT_PREVIOUS_DOUBTFUL)},
      .generation = segment_file_generation(segment),
      .end = load_u64(block + SEGMENT_AT_END),
  };
  if (decoded.previous.offset % SEGMENT_BLOCK_BYTES != 0 || decoded.previous.doubtful_from > decoded.previous.offset ||
      decoded.previous.segment >= number || decoded.first_group <= decoded.previous.group)
    return CAS_CORRUPT;
  if (decoded.end % SEGMENT_BLOCK_BYTES != 0 || (decoded.end >= SEGMENT_HEADER_BYTES) != (decoded.generation > 0))
    return CAS_CORRUPT;
  memcpy(decoded.uuid, key->uuid, sizeof decoded.uuid);
  *header = decoded;
  return CAS_OK;
}

static uint64_t header_checksum(const uint8_t *bytes, const struct segment_store_key *key, uint64_t segment,
                                uint64_t offset) {
  uint8_t keyed[RECORD_KEY_BYTES + RECORD_AT_CHECKSUM];
  memcpy(keyed + RECORD_KEY_AT_UUID, key->uuid, sizeof key->uuid);
  store_u64(keyed + RECORD_KEY_AT_SEGMENT, segment);
  store_u64(keyed + RECORD_KEY_AT_OFFSET, offset);
  memcpy(keyed + RECORD_KEY_BYTES, bytes, RECORD_AT_CHECKSUM);
  return XXH3_64bits(keyed, sizeof keyed);
}

void record_header_encode(const struct record_header *header, const struct segment_store_key *key, uint64_t segment,
                          uint64_t offset, uint8_t bytes[RECORD_HEADER_BYTES]) {
  store_u32(bytes + RECORD_AT_MAGIC, RECORD_MAGIC);
  bytes[RECORD_AT_KIND] = (uint8_t)header->kind;
  bytes[RECORD_AT_CODEC] = header->codec;
  store_u16(bytes + RECORD_AT_ORDINAL, header->ordinal);
  store_u64(bytes + RECORD_AT_STORED_SIZE, header->stored_size);
  store_u64(bytes + RECORD_AT_RAW_SIZE, header->raw_size);
  memcpy(bytes + RECORD_AT_HASH, header->hash.bytes, sizeof header->hash.bytes);
  store_u64(bytes + RECORD_AT_PAYLOAD_CHECKSUM, header->payload_checksum);
  store_u64(bytes + RECORD_AT_GROUP, header->group);
  store_u64(bytes + RECORD_AT_CHECKSUM, header_checksum(bytes, key, segment, offset));
}

bool record_header_decode(const uint8_t bytes[RECORD_HEADER_BYTES], const struct segment_store_key *key,
                          uint64_t segment, uint64_t offset, struct record_header *header) {
  if (load_u32(bytes + RECORD_AT_MAGIC) != RECORD_MAGIC) return false;
  if (load_u64(bytes + RECORD_AT_CHECKSUM) != header_checksum(bytes, key, segment, offset)) return false;
  uint8_t kind = bytes[RECORD_AT_KIND];
  uint64_t stored_size = load_u64(bytes + RECORD_AT_STORED_SIZE), raw_size = load_u64(bytes + RECORD_AT_RAW_SIZE);
  if (kind < RECORD_BLOB || kind > RECORD_SNAPSHOT) return false;
  if (stored_size > RECORD_PAYLOAD_BYTES_MAX || raw_size > RECORD_PAYLOAD_BYTES_MAX) return false;
  *header = (struct record_header){
      .kind = (enum record_kind)kind,
      .codec = bytes[RECORD_AT_CODEC],
      .ordinal = load_u16(bytes + RECORD_AT_ORDINAL),
      .stored_size = stored_size,
      .raw_size = raw_size,
      .payload_checksum = load_u64(bytes + RECORD_AT_PAYLOAD_CHECKSUM),
      .group = load_u64(bytes + RECORD_AT_GROUP),
  };
  memcpy(header->hash.bytes, bytes + RECORD_AT_HASH, sizeof header->hash.bytes);
  return true;
}

uint64_t record_payload_checksum(struct cas_slice payload) {
  size_t aligned = payload.size / RECORD_ALIGN_BYTES * RECORD_ALIGN_BYTES;
  if (aligned == payload.size) return record_payload_checksum_aligned(payload.data, aligned);
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, payload.data, payload.size);
  XXH3_64bits_update(&state, zeros, aligned + RECORD_ALIGN_BYTES - payload.size);
  return XXH3_64bits_digest(&state);
}

uint64_t record_payload_checksum_aligned(const uint8_t *payload, uint64_t aligned_size) {
  return XXH3_64bits(aligned_size == 0 ? zeros : payload, aligned_size);
}

uint64_t commit_payload_size(uint64_t offset) {
  uint64_t least = offset + RECORD_HEADER_BYTES + COMMIT_PAYLOAD_BYTES_MIN;
  uint64_t end = (least + SEGMENT_BLOCK_BYTES - 1) / SEGMENT_BLOCK_BYTES * SEGMENT_BLOCK_BYTES;
  return end - offset - RECORD_HEADER_BYTES;
}

void commit_encode(const struct commit *commit, uint8_t *payload, uint64_t size) {
  memset(payload, 0, size);
  store_u64(payload + COMMIT_AT_BEGIN, commit->begin);
  store_u64(payload + COMMIT_AT_RECORDS, commit->records);
  store_u64(payload + COMMIT_AT_PREVIOUS_GROUP, commit->previous.group);
  store_u64(payload + COMMIT_AT_PREVIOUS_END, commit->previous.offset);
  store_u32(payload + COMMIT_AT_PREVIOUS_SEGMENT, commit->previous.segment);
  store_u64(payload + size - COMMIT_TAIL_BYTES, size);
}

bool commit_decode(struct cas_slice payload, uint32_t segment, uint64_t offset, struct commit *commit) {
  if (payload.size != commit_payload_size(offset)) return false;
  if (load_u64(payload.data + payload.size - COMMIT_TAIL_BYTES) != payload.size) return false;
  struct commit decoded = {
      .begin = load_u64(payload.data + COMMIT_AT_BEGIN),
      .records = load_u64(payload.data + COMMIT_AT_RECORDS),
      .previous = {.group = load_u64(payload.data + COMMIT_AT_PREVIOUS_GROUP),
                   .segment = load_u32(payload.data + COMMIT_AT_PREVIOUS_SEGMENT),
                   .offset = load_u64(payload.data + COMMIT_AT_PREVIOUS_END)},
  };
  if (decoded.begin < SEGMENT_HEADER_BYTES || decoded.begin % SEGMENT_BLOCK_BYTES != 0 || decoded.begin > offset ||
      decoded.previous.offset % SEGMENT_BLOCK_BYTES != 0 || decoded.previous.segment > segment)
    return false;
  *commit = decoded;
  return true;
}
