/*
 * Owns the new file. Its header is written last, and says where the file ends: what has a good header is whole.
 */
#include "segment/segment_rewrite.h"

#include <assert.h>
#include <inttypes.h>

#include "base/status.h"
#include "segment/record_cookie.h"
#include "segment/segment_bounds.h"
#include "segment/segment_output.h"

struct segment_rewrite {
  struct segment_output output;
  enum volume_tier tier; /* of both */
  struct segment_header header;
  struct segment_mark previous; /* what the next COMMIT says */
  uint64_t group_begin;
  uint64_t group, records; /* of the open group; no records: none is open */
  bool finished;
};

static cas_status begin(struct segment_rewrite *rewrite, uint64_t segment, struct cas_error *error) {
  struct segment_output *output = &rewrite->output;
  uint8_t block[SEGMENT_HEADER_BYTES];
  size_t got;
  cas_status status = volume_read(output->volume, segment, 0, block, sizeof block, &got, error);
  if (status == CAS_OK) status = segment_header_decode(block, output->key, segment, &rewrite->header);
  if (status == CAS_CORRUPT || status == CAS_END)
    return status_fail(error, CAS_CORRUPT, "segment %" PRIu32 ": its header is damaged", segment_file_number(segment));
  STATUS_TRY(status);
  if (segment_file_generation(segment) == SEGMENT_GENERATION_MAX)
    return status_fail(error, CAS_NO_SPACE, "segment %" PRIu32 ": was rewritten too often",
                       segment_file_number(segment));
  rewrite->header.generation = segment_file_generation(segment) + 1;
  rewrite->previous = rewrite->header.previous;
  output->segment = segment_file(segment_file_number(segment), rewrite->header.generation);
  output->at = rewrite->group_begin = SEGMENT_HEADER_BYTES;
  STATUS_TRY(volume_tier_of(output->volume, segment, &rewrite->tier, error));
  return volume_create_new(output->volume, output->segment, rewrite->tier, &output->file, error);
}

cas_status segment_rewrite_create(struct volume *volume, const struct segment_store_key *key, uint64_t segment,
                                  struct segment_rewrite **rewrite, struct cas_error *error) {
  struct segment_rewrite *created = calloc(1, sizeof *created);
  if (created == NULL) return status_fail(error, CAS_NO_MEMORY, "no memory to rewrite a segment");
  created->output = (struct segment_output){.volume = volume, .key = key};
  cas_status status = begin(created, segment, error);
  if (status != CAS_OK) {
    free(created);
    return status;
  }
  *rewrite = created;
  return CAS_OK;
}

void segment_rewrite_destroy(struct segment_rewrite *rewrite) {
  if (rewrite == NULL) return;
  segment_output_drop(&rewrite->output);
  rewrite->output.file->ops->close(rewrite->output.file);
  /* What cannot be removed now is at the next start. */
  if (!rewrite->finished)
    (void)!volume_remove_new(rewrite->output.volume, rewrite->output.segment, rewrite->tier, NULL);
  free(rewrite);
}

cas_status segment_rewrite_append(struct segment_rewrite *rewrite, uint64_t group, const struct record *record,
                                  struct cas_slice payload, struct record_cookie *cookie, struct cas_error *error) {
  struct segment_output *output = &rewrite->output;
  assert(record->kind != RECORD_COMMIT);
  if (group < rewrite->group || (group > rewrite->group && rewrite->records > 0))
    return status_fail(error, CAS_CORRUPT,
                       "segment %" PRIu32 ": a record is of group %" PRIu64 " behind group %" PRIu64,
                       segment_file_number(output->segment), group, rewrite->group);
  uint64_t begin_at = output->at;
  struct record_header header = {.kind = record->kind,
                                 .codec = record->codec,
                                 .ordinal = record->id.ordinal,
                                 .stored_size = payload.size,
                                 .raw_size = record->raw_size,
                                 .hash = record->id.hash,
                                 .payload_checksum = record_payload_checksum(payload),
                                 .group = group};
  STATUS_TRY(segment_output_record(output, &header, payload, error));
  rewrite->group = group;
  rewrite->records++;
  *cookie = record_cookie_of(output->segment, begin_at, output->at - begin_at);
  return CAS_OK;
}

cas_status segment_rewrite_commit(struct segment_rewrite *rewrite, struct cas_error *error) {
  struct segment_output *output = &rewrite->output;
  if (rewrite->records == 0) return CAS_OK;
  struct commit commit = {.begin = rewrite->group_begin, .records = rewrite->records, .previous = rewrite->previous};
  STATUS_TRY(segment_output_commit(output, &commit, rewrite->group, error));
  rewrite->previous = (struct segment_mark){
      .group = rewrite->group, .segment = segment_file_number(output->segment), .offset = output->at};
  rewrite->group_begin = output->at;
  rewrite->records = 0;
  return CAS_OK;
}

cas_status segment_rewrite_finish(struct segment_rewrite *rewrite, uint64_t *segment, uint64_t *bytes,
                                  struct cas_error *error) {
  struct segment_output *output = &rewrite->output;
  assert(rewrite->records == 0 && !rewrite->finished);
  rewrite->header.end = output->at;
  STATUS_TRY(segment_output_header(output->volume, output->file, &rewrite->header, error));
  STATUS_TRY(output->file->ops->sync(output->file, error));
  STATUS_TRY(volume_publish(output->volume, output->segment, rewrite->tier, error));
  rewrite->finished = true;
  *segment = output->segment;
  *bytes = output->at;
  return CAS_OK;
}
