#include "segment/segment_output.h"

#include "base/status.h"

static struct io_disk *disk_of(const struct segment_output *output) { return volume_disk(output->volume); }

static cas_status submit_block(struct segment_output *output, struct cas_error *error) {
  struct io_block *block = output->block;
  size_t size = output->block_fill;
  output->block = NULL;
  output->block_fill = 0;
  return output->file->ops->submit(output->file, output->at - size, block, size, error);
}

void segment_output_drop(struct segment_output *output) {
  if (output->block != NULL) disk_of(output)->ops->block_return(disk_of(output), output->block);
  output->block = NULL;
  output->block_fill = 0;
}

static cas_status put(struct segment_output *output, const uint8_t *bytes, size_t size, struct cas_error *error) {
  while (size > 0) {
    if (output->block == NULL) STATUS_TRY(disk_of(output)->ops->block_take(disk_of(output), &output->block, error));
    size_t room = output->block->capacity - output->block_fill;
    size_t part = size < room ? size : room;
    memcpy(output->block->data + output->block_fill, bytes, part);
    output->block_fill += part;
    output->at += part;
    bytes += part;
    size -= part;
    if (part == room) STATUS_TRY(submit_block(output, error));
  }
  return CAS_OK;
}

cas_status segment_output_record(struct segment_output *output, const struct record_header *header,
                                 struct cas_slice payload, struct cas_error *error) {
  static const uint8_t zeros[RECORD_ALIGN_BYTES];
  uint8_t bytes[RECORD_HEADER_BYTES];
  record_header_encode(header, output->key, output->segment, output->at, bytes);
  STATUS_TRY(put(output, bytes, sizeof bytes, error));
  STATUS_TRY(put(output, payload.data, payload.size, error));
  return put(output, zeros, record_aligned(payload.size) - payload.size, error);
}

cas_status segment_output_commit(struct segment_output *output, const struct commit *commit, uint64_t group,
                                 struct cas_error *error) {
  uint8_t payload[COMMIT_PAYLOAD_BYTES_MAX];
  uint64_t size = commit_payload_size(output->at);
  commit_encode(commit, payload, size);
  struct record_header header = {.kind = RECORD_COMMIT,
                                 .stored_size = size,
                                 .raw_size = size,
                                 .payload_checksum = record_payload_checksum(slice_of(payload, size)),
                                 .group = group};
  STATUS_TRY(segment_output_record(output, &header, slice_of(payload, size), error));
  return output->block != NULL ? submit_block(output, error) : CAS_OK;
}

cas_status segment_output_header(struct volume *volume, struct io_file *file, const struct segment_header *header,
                                 struct cas_error *error) {
  struct io_disk *disk = volume_disk(volume);
  struct io_block *block;
  STATUS_TRY(disk->ops->block_take(disk, &block, error));
  segment_header_encode(header, block->data);
  return file->ops->submit(file, 0, block, SEGMENT_HEADER_BYTES, error);
}
