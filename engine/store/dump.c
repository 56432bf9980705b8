/*
 * The text twin of a segment: one line a record, for people, diffs and bug reports. docs/format.md has the columns.
 */
#include <inttypes.h>
#include <stdio.h>

#include "store/manifest_read.h"
#include "store/snapshot_record.h"
#include "store/state_record.h"
#include "store/store.h"

struct dump {
  struct cas_store *store;
  cas_dump_fn line;
  void *arg;
};

static const char *kind_name(enum record_kind kind) {
  switch (kind) {
  case RECORD_BLOB: return "blob";
  case RECORD_MANIFEST: return "manifest";
  case RECORD_STATE: return "state";
  case RECORD_COMMIT: return "commit";
  case RECORD_SNAPSHOT: return "snapshot";
  }
  return "unknown";
}

static void describe_manifest(const struct dump *dump, const struct segment_event *event, char *text, size_t capacity) {
  struct manifest manifest;
  if (manifest_decode_record(dump->store, &event->record, event->payload, &manifest) != CAS_OK) {
    snprintf(text, capacity, " undecodable");
    return;
  }
  snprintf(text, capacity, " uid=%s version=%" PRIu32 " bytes=%" PRIu64 " blobs=%zu pieces=%zu",
           manifest.sop_instance_uid, manifest.version, manifest.file_size, manifest.blob_count, manifest.piece_count);
  manifest_fini(&manifest);
}

static void describe_snapshot(const struct segment_event *event, char *text, size_t capacity) {
  struct snapshot_record snapshot;
  if (snapshot_decode(event->payload, &snapshot))
    snprintf(text, capacity, " action=%s name=%s", snapshot.removes ? "remove" : "make", snapshot.name);
  else
    snprintf(text, capacity, " undecodable");
}

static void describe_state(const struct dump *dump, const struct segment_event *event, char *text, size_t capacity) {
  struct state_record state;
  if (state_record_read(dump->store, &event->record, event->payload, &state) != CAS_OK) {
    snprintf(text, capacity, " undecodable");
    return;
  }
  snprintf(text, capacity, " action=%s reason=%s targets=%" PRIu32 " uid=%s version=%" PRIu32,
           cas_action_name(state.action), cas_reason_name(state.reason), state.target_count, state.targets[0].uid,
           state.targets[0].version);
  state_record_fini(&state);
}

static cas_status write_record(const struct dump *dump, const struct segment_event *event) {
  char hash[33], more[256] = "", line[640];
  cas_hash_format(&event->record.id.hash, hash);
  if (event->record.kind == RECORD_MANIFEST && event->payload_good) describe_manifest(dump, event, more, sizeof more);
  if (event->record.kind == RECORD_SNAPSHOT && event->payload_good) describe_snapshot(event, more, sizeof more);
  if (event->record.kind == RECORD_STATE && event->payload_good) describe_state(dump, event, more, sizeof more);
  snprintf(line, sizeof line,
           "%08" PRIu32 " %012" PRIu64 " group=%" PRIu64 " %s %s.%u codec=%s raw=%" PRIu64 " stored=%" PRIu64 " %s%s",
           event->segment, event->offset, event->group, kind_name(event->record.kind), hash, event->record.id.ordinal,
           codec_name(event->record.codec), event->record.raw_size, event->record.stored_size,
           event->payload_good ? "good" : "DAMAGED", more);
  return dump->line(dump->arg, line);
}

static cas_status write_event(void *arg, const struct segment_event *event) {
  const struct dump *dump = arg;
  char line[256];
  switch (event->kind) {
  case SEGMENT_EVENT_RECORD: return write_record(dump, event);
  case SEGMENT_EVENT_COMMIT:
    snprintf(line, sizeof line, "%08" PRIu32 " %012" PRIu64 " group=%" PRIu64 " commit", event->segment, event->offset,
             event->group);
    break;
  case SEGMENT_EVENT_DAMAGE:
  case SEGMENT_EVENT_TORN:
    snprintf(line, sizeof line, "%08" PRIu32 " %012" PRIu64 " %s bytes=%" PRIu64, event->segment, event->offset,
             event->kind == SEGMENT_EVENT_TORN ? "torn" : "DAMAGED", event->size);
    break;
  }
  return dump->line(dump->arg, line);
}

static cas_status dump_one(struct dump *dump, uint64_t segment, const struct segment_mark *mark,
                           struct cas_error *error) {
  return segment_scan(dump->store->volume, &dump->store->superblock.key, segment, 0, mark, SEGMENT_SCAN_PAYLOADS,
                      write_event, dump, error);
}

cas_status cas_segment_dump(struct cas_store *store, uint32_t number, cas_dump_fn line, void *arg,
                            struct cas_error *error) {
  struct dump dump = {.store = store, .line = line, .arg = arg};
  CLEANUP_FREE uint64_t *segments = NULL;
  struct segment_mark mark;
  size_t count;
  STATUS_TRY(mark_get(store->index, &mark, error));
  if (number != 0) {
    uint64_t segment;
    STATUS_TRY(volume_find(store->volume, number, &segment, error));
    return dump_one(&dump, segment, &mark, error);
  }
  bool whole;
  STATUS_TRY(volume_list(store->volume, &segments, &count, &whole, error));
  for (size_t i = 0; i < count; i++) STATUS_TRY(dump_one(&dump, segments[i], &mark, error));
  if (whole) return CAS_OK;
  struct cas_error reason = {0};
  return volume_cold_state(store->volume, &reason) == VOLUME_COLD_HERE
             ? CAS_OK
             : status_fail(error, CAS_AWAY, "%s", reason.message);
}
