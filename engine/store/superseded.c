#include "store/superseded.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/status.h"
#include "segment/segment.h"

#define FACT_PREFIX "superseded/%016" PRIx64 "/"
#define FACT_NAME_BYTES 48

static void fact_name(uint64_t segment, uint64_t offset, char name[FACT_NAME_BYTES]) {
  snprintf(name, FACT_NAME_BYTES, FACT_PREFIX "%016" PRIx64, segment, offset);
}

cas_status superseded_note(struct index_batch *batch, struct record_cookie cookie, struct cas_error *error) {
  char name[FACT_NAME_BYTES];
  uint8_t value[8];
  uint32_t number;
  uint64_t offset, bytes;
  record_cookie_explain(cookie, &number, &offset, &bytes);
  fact_name(record_cookie_segment(cookie), offset, name);
  store_u64(value, bytes);
  return index_batch_put_fact(batch, name, slice_of(value, sizeof value), error);
}

struct covering {
  uint64_t covered_to, end;
};

/* In the order of their offsets. */
static cas_status take_place(void *arg, const char *name, struct cas_slice value) {
  struct covering *covering = arg;
  uint64_t offset = strtoull(strrchr(name, '/') + 1, NULL, 16);
  if (value.size != 8) return CAS_CORRUPT;
  if (offset > covering->covered_to) return CAS_END;
  if (offset + load_u64(value.data) > covering->covered_to) covering->covered_to = offset + load_u64(value.data);
  return covering->covered_to >= covering->end ? CAS_END : CAS_OK;
}

cas_status superseded_covers(struct index *index, uint64_t segment, uint64_t offset, uint64_t bytes, bool *covers,
                             struct cas_error *error) {
  struct covering covering = {.covered_to = offset, .end = offset + bytes};
  char prefix[FACT_NAME_BYTES], after[FACT_NAME_BYTES];
  snprintf(prefix, sizeof prefix, FACT_PREFIX, segment);
  if (offset > 0) fact_name(segment, offset - 1, after);
  cas_status status = index_list_facts(index, prefix, offset > 0 ? after : NULL, take_place, &covering, error);
  if (status == CAS_CORRUPT && error != NULL && error->status == CAS_OK)
    return status_fail(error, status, "the index entry of a replaced record is damaged: rebuild the index");
  if (status != CAS_END) STATUS_TRY(status);
  *covers = bytes > 0 && covering.covered_to >= covering.end;
  return CAS_OK;
}
