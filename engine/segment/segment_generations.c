#include "segment/segment_generations.h"

#include <inttypes.h>

#include "base/status.h"
#include "segment/segment_bounds.h"

/* As far as its header goes, and its length. CAS_NOT_FOUND: it was removed meanwhile. */
static cas_status is_whole(struct volume *volume, const struct segment_store_key *key, uint64_t segment, bool *whole,
                           struct cas_error *error) {
  uint64_t size;
  struct segment_origin origin;
  STATUS_TRY(volume_size(volume, segment, &size, error));
  STATUS_TRY(segment_origin_read(volume, key, segment, &origin, error));
  *whole = origin.header_good && origin.end <= size;
  return CAS_OK;
}

static cas_status check(struct volume *volume, const struct segment_store_key *key, uint64_t segment,
                        struct cas_error *error) {
  bool whole = true;
  char name[VOLUME_NAME_BYTES];
  cas_status status = is_whole(volume, key, segment, &whole, error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  STATUS_TRY(status);
  if (whole) return CAS_OK;
  volume_present_name(volume, segment, name);
  return status_fail(error, CAS_CORRUPT,
                     "%s is not whole, and an earlier generation of segment %" PRIu32
                     " lies beside it: nothing is read or removed until one of the two is moved away",
                     name, segment_file_number(segment));
}

cas_status segment_generations_check(struct volume *volume, const struct segment_store_key *key,
                                     struct cas_error *error) {
  CLEANUP_FREE uint64_t *segments = NULL;
  size_t count;
  STATUS_TRY(volume_list_generations(volume, &segments, &count, error));
  for (size_t i = 1; i < count; i++)
    if (segment_file_number(segments[i]) == segment_file_number(segments[i - 1]))
      STATUS_TRY(check(volume, key, segments[i], error));
  return CAS_OK;
}
