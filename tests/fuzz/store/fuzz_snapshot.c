/* Any bytes as a snapshot: the first byte says whether as the payload of a record or as the fact in the index. What is
 * decoded encodes to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "store/snapshot_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct snapshot_record snapshot;
  struct record record;
  uint64_t group;
  uint8_t bytes[SNAPSHOT_PAYLOAD_BYTES_MAX];
  size_t written;
  if (size == 0) return 0;
  struct cas_slice rest = {.data = data + 1, .size = size - 1};
  bool is_fact = (data[0] & 1) != 0;
  if (is_fact ? !snapshot_decode_fact(rest, &group, &snapshot) : !snapshot_decode(rest, &snapshot)) return 0;
  if (!snapshot_name_is_valid(snapshot.name)) abort();
  if (is_fact) return 0;
  snapshot_encode(&snapshot, &record, bytes, &written);
  /* Six bytes are not looked at: a later format may give them a meaning. */
  if (written != rest.size || memcmp(bytes, rest.data, 2) != 0 || memcmp(bytes + 8, rest.data + 8, written - 8) != 0)
    abort();
  return 0;
}
