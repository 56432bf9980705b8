/* Any bytes as the data set of a request for storage commitment, and what is taken as a report of it. */
#include <stdlib.h>

#include "commitment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_one(struct cas_slice bytes, bool explicit_vr) {
  struct commitment commitment = {0}, again = {0};
  struct cas_error error = {0};
  struct cas_buffer report = {0};
  const cas_status status = commitment_parse(bytes, explicit_vr, &commitment, &error);
  if (status != CAS_OK && status != CAS_REFUSED) abort();
  if (status == CAS_OK) {
    if (commitment.count == 0 || commitment_report(&commitment, explicit_vr, "CASSETTE", &report) != CAS_OK) abort();
    /* What is reported as kept reads as a request for the same. */
    for (size_t i = 0; i < commitment.count; i++) commitment.items[i].failure = COMMITMENT_KEPT;
    report.size = 0;
    if (commitment_report(&commitment, explicit_vr, "CASSETTE", &report) != CAS_OK) abort();
    const struct cas_slice whole = {.data = report.data, .size = report.size};
    if (commitment_parse(whole, explicit_vr, &again, &error) != CAS_OK || again.count != commitment.count) abort();
  }
  cas_buffer_fini(&report);
  commitment_fini(&commitment);
  commitment_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const struct cas_slice bytes = {.data = data, .size = size};
  read_one(bytes, true);
  read_one(bytes, false);
  return 0;
}
