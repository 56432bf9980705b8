/*
 * Verifying a store: first every record of every segment against its checksum, then every instance through the ordinary
 * read path against its hash. The first pass finds rot wherever it is, the second whatever would be read wrong.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <xxhash.h>

#include "base/limits.h"
#include "cassette/reader.h"
#include "cassette/snapshot.h"
#include "cassette/state.h"
#include "segment/segment_bounds.h"
#include "segment/segment_generations.h"
#include "store/ledger.h"
#include "store/superseded.h"
#include "store/unlisted.h"
#include "store/verify.h"

struct verification {
  struct cas_store *store;
  struct cas_store *view; /* with what is hidden: only what was deleted may be gone */
  const struct cas_verify_options *options;
  struct cas_verify_result result;
  struct cas_progress progress;
  struct unlisted unlisted;
  uint64_t damage_told;  /* damaged records at the last COMMIT */
  enum volume_tier tier; /* of the segment that is read */
  uint8_t *buffer;       /* BLOB_BYTES_MAX */
  struct cas_error *error;
};

/* Where something was found: `path` is a segment's name or an instance's path. */
struct spot {
  const char *path;
  uint64_t offset, size;
};

static void report(struct verification *v, enum cas_finding_kind kind, struct spot spot, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void report(struct verification *v, enum cas_finding_kind kind, struct spot spot, const char *format, ...) {
  char message[640];
  va_list args;
  if (v->options->finding == NULL) return;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  struct cas_finding finding = {
      .kind = kind, .path = spot.path, .offset = spot.offset, .size = spot.size, .message = message};
  v->options->finding(v->options->arg, &finding);
}

static cas_status tell_progress(struct verification *v) {
  return v->options->progress != NULL ? v->options->progress(v->options->arg, &v->progress) : CAS_OK;
}

/* --- records --- */

/* What is damaged and has a good record elsewhere by now was healed. */
static bool is_healed(struct verification *v, const struct segment_event *event) {
  struct index_blob place;
  bool covers = false;
  if (event->kind == SEGMENT_EVENT_RECORD && event->record.kind == RECORD_BLOB)
    return ledger_find_blob(v->store->index, NULL, &event->record.id, &place, NULL) == CAS_OK &&
           memcmp(place.cookie.bytes, event->cookie.bytes, sizeof place.cookie.bytes) != 0;
  const uint64_t segment = segment_file(event->segment, event->generation);
  return superseded_covers(v->store->index, segment, event->offset, event->size, &covers, NULL) == CAS_OK && covers;
}

/* Takes note of what is damaged; false where it was healed. */
static bool is_damage(struct verification *v, const struct segment_event *event) {
  const bool healed = is_healed(v, event);
  v->result.healed_records += healed;
  v->result.damaged_records += !healed;
  return !healed;
}

/* What was dropped when its segment was written anew is in the old file as long as that is there. */
static bool is_superseded_segment(struct verification *v, const struct segment_event *event) {
  struct ledger_segment segment;
  return ledger_get_segment(v->store->index, NULL, event->segment, &segment, NULL) == CAS_OK &&
         segment.generation > event->generation;
}

static void check_record(struct verification *v, const struct segment_event *event, const char *segment) {
  const struct spot spot = {segment, event->offset, event->size};
  struct index_blob place;
  v->result.records++;
  if (!event->payload_good) {
    if (!is_damage(v, event)) return;
    report(
        v, CAS_FINDING_DAMAGED_RECORD, spot, "%s",
        event->record.kind == RECORD_MANIFEST
            ? "the manifest of an instance does not match its checksum; if the index was rebuilt since, the instance "
              "is in no list"
            : "the payload of a record does not match its checksum");
  } else if (event->record.kind == RECORD_BLOB && !is_superseded_segment(v, event) &&
             ledger_find_blob(v->store->index, NULL, &event->record.id, &place, NULL) == CAS_NOT_FOUND) {
    v->result.index_findings++;
    report(v, CAS_FINDING_INDEX, spot, "a blob is not in the index");
  }
}

static void report_unlisted(void *arg, const struct cas_attributes *attributes) {
  struct verification *v = arg;
  struct cas_finding finding = {.kind = CAS_FINDING_DAMAGED_INSTANCE,
                                .path = "",
                                .message =
                                    "an object with this header is in no list: its manifest may be among what is "
                                    "damaged, unless it was deleted",
                                .attributes = attributes};
  v->result.damaged_instances++;
  if (v->options->finding != NULL) v->options->finding(v->options->arg, &finding);
}

static cas_status take_event(void *arg, const struct segment_event *event) {
  struct verification *v = arg;
  char segment[VOLUME_NAME_BYTES];
  volume_name(segment_file(event->segment, event->generation), v->tier, segment);
  v->progress.done += event->size;
  v->result.bytes += event->size;
  if (event->kind == SEGMENT_EVENT_RECORD) check_record(v, event, segment);
  if (event->kind == SEGMENT_EVENT_RECORD && event->payload_good) unlisted_note(&v->unlisted, &event->record);
  if (event->kind == SEGMENT_EVENT_DAMAGE && is_damage(v, event))
    report(v, CAS_FINDING_DAMAGED_RECORD, (struct spot){segment, event->offset, event->size},
           "%" PRIu64 " bytes are no valid records", event->size);
  if (event->kind != SEGMENT_EVENT_COMMIT) return CAS_OK;
  if (v->result.damaged_records > v->damage_told) unlisted_tell(&v->unlisted, report_unlisted, v);
  v->damage_told = v->result.damaged_records;
  return tell_progress(v);
}

static void report_missing(struct verification *v, uint32_t number) {
  char segment[VOLUME_NAME_BYTES];
  volume_name(number, VOLUME_HOT, segment);
  v->result.damaged_records++;
  report(v, CAS_FINDING_DAMAGED_RECORD, (struct spot){.path = segment}, "the segment is missing");
}

/* Nothing is known to be lost, or not to be. */
static void report_away(struct verification *v, uint32_t number, const struct cas_error *why) {
  char segment[VOLUME_NAME_BYTES];
  volume_name(number, VOLUME_COLD, segment);
  v->result.away_segments++;
  report(v, CAS_FINDING_AWAY, (struct spot){.path = segment}, "%s", why->message);
}

static cas_status scan_segment(struct verification *v, uint64_t segment, const struct segment_mark *mark,
                               struct cas_error *error) {
  STATUS_TRY(volume_tier_of(v->store->volume, segment, &v->tier, error));
  return segment_scan(v->store->volume, &v->store->superblock.key, segment, 0, mark,
                      SEGMENT_SCAN_PAYLOADS | SEGMENT_SCAN_UNREADABLE, take_event, v, error);
}

/* A segment that goes while it is read was written anew: then the new file is read. */
static cas_status check_segment(struct verification *v, uint64_t segment, const struct segment_mark *mark) {
  struct cas_error detail = {0};
  char name[VOLUME_NAME_BYTES];
  unlisted_init(&v->unlisted, v->store);
  cas_status status = scan_segment(v, segment, mark, &detail);
  for (unsigned i = 0; status == CAS_NOT_FOUND && i < PLACE_ATTEMPTS_MAX; i++) {
    status = volume_find(v->store->volume, segment_file_number(segment), &segment, &detail);
    if (status == CAS_NOT_FOUND) break;
    if (status == CAS_OK) status = scan_segment(v, segment, mark, &detail);
  }
  if (status == CAS_AWAY) {
    report_away(v, segment_file_number(segment), &detail);
    return CAS_OK;
  }
  v->result.segments++;
  if (status == CAS_NOT_FOUND) {
    report_missing(v, segment_file_number(segment));
    return CAS_OK;
  }
  if (status != CAS_IO) {
    if (status != CAS_OK && v->error != NULL) *v->error = detail;
    return status;
  }
  volume_present_name(v->store->volume, segment, name);
  v->result.damaged_records++;
  report(v, CAS_FINDING_DAMAGED_RECORD, (struct spot){.path = name}, "the segment cannot be read: %s", detail.message);
  return CAS_OK;
}

/* Segments are numbered without gaps. One that is not in the list may have been written anew meanwhile. */
static cas_status check_number(struct verification *v, uint32_t number, const uint64_t *listed,
                               const struct segment_mark *mark) {
  struct cas_error detail = {0};
  uint64_t segment;
  if (listed != NULL) return check_segment(v, *listed, mark);
  cas_status status = volume_find(v->store->volume, number, &segment, &detail);
  if (status == CAS_OK) return check_segment(v, segment, mark);
  if (status == CAS_NOT_FOUND) report_missing(v, number);
  if (status == CAS_AWAY) report_away(v, number, &detail);
  if (status == CAS_NOT_FOUND || status == CAS_AWAY) return CAS_OK;
  return status_fail(v->error, status, "%s", detail.message);
}

static cas_status check_generations(struct verification *v) {
  struct cas_error detail = {0};
  cas_status status = segment_generations_check(v->store->volume, &v->store->superblock.key, &detail);
  if (status != CAS_CORRUPT) return status == CAS_OK ? CAS_OK : status_fail(v->error, status, "%s", detail.message);
  v->result.damaged_records++;
  report(v, CAS_FINDING_DAMAGED_RECORD, (struct spot){.path = "segments"}, "%s", detail.message);
  return CAS_OK;
}

/* Behind the end of the log is what a writer at work has just begun, or a segment of which nothing could be read. */
static cas_status check_behind(struct verification *v, uint64_t segment) {
  char name[VOLUME_NAME_BYTES];
  struct segment_origin origin;
  cas_status status = segment_origin_read(v->store->volume, &v->store->superblock.key, segment, &origin, v->error);
  if (status == CAS_NOT_FOUND || (status == CAS_OK && (origin.header_good || segment_is_void(&origin)))) return CAS_OK;
  STATUS_TRY(status);
  volume_present_name(v->store->volume, segment, name);
  v->result.damaged_records++;
  report(v, CAS_FINDING_DAMAGED_RECORD, (struct spot){name, 0, SEGMENT_BLOCK_BYTES},
         "the header of a segment is damaged");
  return CAS_OK;
}

static cas_status check_segments(struct verification *v) {
  CLEANUP_FREE uint64_t *segments = NULL;
  struct segment_mark mark;
  size_t count, at = 0;
  STATUS_TRY(check_generations(v));
  STATUS_TRY(mark_get(v->store->index, &mark, v->error));
  STATUS_TRY(volume_list(v->store->volume, &segments, &count, NULL, v->error));
  for (size_t i = 0; i < count; i++) {
    uint64_t size;
    cas_status status = volume_size(v->store->volume, segments[i], &size, v->error);
    if (status == CAS_OK) v->progress.total += size;
    if (status != CAS_NOT_FOUND && status != CAS_AWAY) STATUS_TRY(status);
  }
  for (uint32_t number = 1; mark.offset > 0 && number <= mark.segment; number++) {
    bool is_listed = at < count && segment_file_number(segments[at]) == number;
    STATUS_TRY(check_number(v, number, is_listed ? &segments[at] : NULL, &mark));
    if (is_listed) at++;
  }
  for (; at < count; at++) STATUS_TRY(check_behind(v, segments[at]));
  return CAS_OK;
}

cas_status verify_segment(struct cas_store *store, uint32_t number, const struct cas_verify_options *options,
                          struct cas_verify_result *result, struct cas_error *error) {
  struct verification v = {.store = store, .options = options, .error = error};
  struct segment_mark mark;
  STATUS_TRY(mark_get(store->index, &mark, error));
  cas_status status = number <= mark.segment ? check_number(&v, number, NULL, &mark) : CAS_OK;
  if (status == CAS_OK) *result = v.result;
  return status;
}

/* --- instances --- */

static cas_status hash_file(struct verification *v, struct cas_reader *reader, struct cas_hash *hash,
                            struct cas_error *detail) {
  XXH3_state_t *state = XXH3_createState();
  if (state == NULL) return CAS_NO_MEMORY;
  cas_status status = XXH3_128bits_reset(state) == XXH_OK ? CAS_OK : CAS_NO_MEMORY;
  uint64_t offset = 0, size = cas_reader_size(reader);
  while (status == CAS_OK && offset < size) {
    size_t got;
    status = cas_reader_read(reader, offset, v->buffer, BLOB_BYTES_MAX, &got, detail);
    if (status == CAS_OK) XXH3_128bits_update(state, v->buffer, got);
    offset += status == CAS_OK ? got : 0;
  }
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
  memcpy(hash->bytes, canonical.digest, sizeof hash->bytes);
  XXH3_freeState(state);
  return status;
}

static cas_status read_back(struct verification *v, const struct cas_node *node, struct cas_error *detail) {
  struct cas_reader *reader;
  struct cas_hash hash;
  STATUS_TRY(cas_reader_open(v->view, node->path, &reader, detail));
  bool right_size = cas_reader_size(reader) == node->bytes;
  cas_status status = hash_file(v, reader, &hash, detail);
  cas_reader_close(reader);
  STATUS_TRY(status);
  if (right_size && hash_equal(&hash, &node->content_hash)) return CAS_OK;
  return status_fail(detail, CAS_CORRUPT, "the file does not match its hash");
}

static cas_status check_instance(void *arg, const struct cas_node *node) {
  struct verification *v = arg;
  struct cas_error detail = {0};
  cas_status status = read_back(v, node, &detail);
  v->result.instances++;
  v->progress.instances++;
  v->result.away_instances += status == CAS_AWAY;
  if (status == CAS_AWAY) return tell_progress(v);
  if (status != CAS_OK && status != CAS_CORRUPT && status != CAS_IO)
    return status_fail(v->error, status, "%s", detail.message);
  if (status != CAS_OK) {
    v->result.damaged_instances++;
    report(v, CAS_FINDING_DAMAGED_INSTANCE, (struct spot){.path = node->path}, "%s", detail.message);
  }
  return tell_progress(v);
}

cas_status cas_store_verify(struct cas_store *store, const struct cas_verify_options *options,
                            struct cas_verify_result *result, struct cas_error *error) {
  static const struct cas_verify_options silent = {0};
  struct verification v = {.store = store, .options = options != NULL ? options : &silent, .error = error};
  v.buffer = malloc(BLOB_BYTES_MAX);
  if (v.buffer == NULL) return CAS_NO_MEMORY;
  cas_status status = check_segments(&v);
  if (status == CAS_OK) status = cas_view_open(store, CAS_STATES_HIDDEN | store->states, &v.view);
  if (status == CAS_OK) status = cas_instances_below(v.view, "", check_instance, &v, error);
  cas_snapshot_close(v.view);
  free(v.buffer);
  if (status == CAS_OK) *result = v.result;
  return status;
}
