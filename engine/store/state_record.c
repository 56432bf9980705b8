/*
 * Owns the bytes of records of states.
 *
 *  1. What is decoded and encoded again gives the same bytes.
 */
#include "store/state_record.h"

#include "base/bytes.h"
#include "base/status.h"
#include "dicom/uid.h"
#include "store/store.h"

#define STATE_FORMAT 1
#define FIXED_BYTES 32 /* before the texts */
#define TARGET_BYTES_MIN 5

void state_record_fini(struct state_record *state) {
  free(state->targets);
  state->targets = NULL;
}

bool state_record_needs_instance(const struct state_record *state) {
  return state->of_object || state->action == CAS_ACTION_REPLACE;
}

bool state_reason_lasts(enum cas_reason reason) {
  return reason == CAS_REASON_QUALITY || reason == CAS_REASON_SAFETY || reason == CAS_REASON_WORKLIST;
}

cas_status state_record_encode(const struct state_record *state, struct cas_buffer *bytes) {
  size_t who = strlen(state->who), why = strlen(state->why), begin = bytes->size;
  size_t head = FIXED_BYTES + 1 + who + 2 + why;
  STATUS_TRY(
      cas_buffer_reserve(bytes, begin + head + (size_t)state->target_count * (TARGET_BYTES_MIN + CAS_UID_TEXT_MAX)));
  uint8_t *p = bytes->data + begin;
  memset(p, 0, FIXED_BYTES);
  p[0] = STATE_FORMAT;
  p[1] = (uint8_t)state->action;
  p[2] = (uint8_t)state->reason;
  p[3] = state->of_object;
  store_u32(p + 4, state->target_count);
  store_u64(p + 8, (uint64_t)state->time_ns);
  store_u64(p + 16, state->since);
  store_u32(p + 24, state->ordinal);
  p[FIXED_BYTES] = (uint8_t)who;
  memcpy(p + FIXED_BYTES + 1, state->who, who);
  store_u16(p + FIXED_BYTES + 1 + who, (uint16_t)why);
  memcpy(p + FIXED_BYTES + 3 + who, state->why, why);
  p += head;
  for (uint32_t i = 0; state->targets != NULL && i < state->target_count; i++) {
    size_t size = strlen(state->targets[i].uid);
    store_u32(p, state->targets[i].version);
    p[4] = (uint8_t)size;
    memcpy(p + TARGET_BYTES_MIN, state->targets[i].uid, size);
    p += TARGET_BYTES_MIN + size;
  }
  bytes->size = (size_t)(p - bytes->data);
  return CAS_OK;
}

/* Cuts a text of `size` bytes off the front. */
static bool take_text(struct cas_slice *rest, size_t size, char *text) {
  if (size > rest->size || (size > 0 && memchr(rest->data, 0, size) != NULL)) return false;
  if (size > 0) memcpy(text, rest->data, size);
  text[size] = '\0';
  *rest = slice_of(rest->data + size, rest->size - size);
  return true;
}

static bool take_size(struct cas_slice *rest, size_t bytes, size_t most, size_t *size) {
  if (rest->size < bytes) return false;
  *size = bytes == 1 ? rest->data[0] : load_u16(rest->data);
  *rest = slice_of(rest->data + bytes, rest->size - bytes);
  return *size <= most;
}

static bool take_head(struct cas_slice *rest, struct state_record *state) {
  const uint8_t *p = rest->data;
  size_t size;
  if (rest->size < FIXED_BYTES || p[0] != STATE_FORMAT || p[3] > 1 || load_u32(p + 28) != 0) return false;
  if (p[1] < CAS_ACTION_DELETE || p[1] > CAS_ACTION_UNDELETE || p[2] > CAS_REASON_RETENTION) return false;
  *state = (struct state_record){.action = (enum cas_action)p[1],
                                 .reason = (enum cas_reason)p[2],
                                 .of_object = p[3] == 1,
                                 .target_count = load_u32(p + 4),
                                 .time_ns = (int64_t)load_u64(p + 8),
                                 .since = load_u64(p + 16),
                                 .ordinal = load_u32(p + 24)};
  *rest = slice_of(p + FIXED_BYTES, rest->size - FIXED_BYTES);
  return take_size(rest, 1, CAS_WHO_MAX, &size) && take_text(rest, size, state->who) &&
         take_size(rest, 2, CAS_WHY_MAX, &size) && take_text(rest, size, state->why);
}

/* Version 0 stands only where it means something: deletions and replacements name what they change. */
static bool take_target(struct cas_slice *rest, enum cas_action action, struct state_target *target) {
  size_t size;
  if (rest->size < TARGET_BYTES_MIN) return false;
  target->version = load_u32(rest->data);
  *rest = slice_of(rest->data + 4, rest->size - 4);
  if (target->version == 0 && action != CAS_ACTION_HIDE && action != CAS_ACTION_SHOW) return false;
  return take_size(rest, 1, CAS_UID_TEXT_MAX - 1, &size) && take_text(rest, size, target->uid) &&
         uid_is_acceptable(target->uid);
}

bool state_record_decode_head(struct cas_slice bytes, struct state_record *state) { return take_head(&bytes, state); }

cas_status state_record_decode(struct cas_slice bytes, struct state_record *state) {
  struct state_record decoded;
  if (!take_head(&bytes, &decoded)) return CAS_CORRUPT;
  if (decoded.target_count == 0 || decoded.target_count > CAS_CHANGE_TARGETS_MAX) return CAS_CORRUPT;
  if (bytes.size / TARGET_BYTES_MIN < decoded.target_count) return CAS_CORRUPT;
  decoded.targets = calloc(decoded.target_count, sizeof *decoded.targets);
  if (decoded.targets == NULL) return CAS_NO_MEMORY;
  for (uint32_t i = 0; i < decoded.target_count; i++) {
    if (take_target(&bytes, decoded.action, &decoded.targets[i])) continue;
    state_record_fini(&decoded);
    return CAS_CORRUPT;
  }
  if (bytes.size > 0) {
    state_record_fini(&decoded);
    return CAS_CORRUPT;
  }
  *state = decoded;
  return CAS_OK;
}

/* --- records --- */

#define STATE_EFFORT 3
#define STATE_BYTES_MAX ((size_t)2 << 20) /* CAS_CHANGE_TARGETS_MAX of the longest */

cas_status state_record_write(struct cas_store *store, const struct state_record *state, struct record *record,
                              struct cas_buffer *payload) {
  CLEANUP_BUFFER struct cas_buffer raw = {0};
  enum codec_id codec;
  STATUS_TRY(state_record_encode(state, &raw));
  *record = (struct record){.kind = RECORD_STATE, .raw_size = raw.size};
  store_hash_xxh3(slice_of_buffer(&raw), &record->id.hash);
  STATUS_TRY(codec_encode_bytes(store->codec, slice_of_buffer(&raw), STATE_EFFORT, payload, &codec));
  if (codec == CODEC_RAW) STATUS_TRY(cas_buffer_append(payload, slice_of_buffer(&raw)));
  record->codec = (uint8_t)codec;
  record->stored_size = payload->size;
  return CAS_OK;
}

cas_status state_record_read(struct cas_store *store, const struct record *record, struct cas_slice payload,
                             struct state_record *state) {
  CLEANUP_BUFFER struct cas_buffer raw = {0};
  struct cas_hash hash;
  if (record->kind != RECORD_STATE || record->raw_size > STATE_BYTES_MAX) return CAS_CORRUPT;
  STATUS_TRY(cas_buffer_reserve(&raw, record->raw_size + 1));
  STATUS_TRY(codec_decode(store->codec, record->codec, payload, slice_of(NULL, 0), raw.data, record->raw_size));
  store_hash_xxh3(slice_of(raw.data, record->raw_size), &hash);
  if (!hash_equal(&hash, &record->id.hash)) return CAS_CORRUPT;
  return state_record_decode(slice_of(raw.data, record->raw_size), state);
}
