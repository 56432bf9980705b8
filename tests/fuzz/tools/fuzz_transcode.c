/*
 * Any bytes as an object that has to be transcoded, as C-GET and C-MOVE do it, in a process of its own that DCMTK may
 * crash or keep busy for ever. The first byte chooses what it came in and what it has to become, and how long the
 * pieces are that it comes in.
 *
 * What must hold: it ends with an object or a reason, within its time, and the next object is transcoded.
 */
#include <stdlib.h>
#include <string.h>

#include "../fuzz_child.h"
#include "cassette/store.h"
#include "transcode_policy.h"
#include "transcode_pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As the budget of all objects (transcode_budget.h), but small. */
#define BYTES_MAX (1u << 20)

static const char *const sources[] = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57",
                                      "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81",
                                      "1.2.840.10008.1.2.5",    "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2",
                                      "1.2.840.10008.1.2.1",    "1.2.840.10008.1.2.2"};
static const char *const destinations[] = {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.80",
                                           "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.5"};

#define SOURCES (sizeof sources / sizeof sources[0])
#define DESTINATIONS (sizeof destinations / sizeof destinations[0])

static struct transcode_pool pool;
static bool pool_is_there;

static void must(bool holds) {
  if (!holds) abort();
}

static void end_pool(void) { transcode_pool_fini(&pool); }

/* A failure has a reason. */
static bool went(cas_status status, const struct cas_error *error) {
  must(status == CAS_OK || status == CAS_NO_MEMORY || error->message[0] != '\0');
  return status == CAS_OK;
}

static cas_status take(void *arg, struct cas_slice bytes, struct cas_error *error) {
  uint64_t *count = arg;
  (void)error;
  *count += bytes.size;
  return CAS_OK;
}

static bool put_all(struct transcode_job *job, struct cas_slice bytes, size_t piece, struct cas_error *error) {
  for (;;) {
    const size_t size = bytes.size < piece ? bytes.size : piece;
    const bool last = size == bytes.size;
    const struct cas_slice part = {.data = bytes.data, .size = size};
    if (!went(transcode_job_put(job, part, last, error), error)) return false;
    if (last) return true;
    bytes = (struct cas_slice){.data = bytes.data + size, .size = bytes.size - size};
  }
}

/* Whether it was transcoded. */
static bool transcode(const char *from, const char *to, struct cas_slice bytes, size_t piece) {
  struct transcode_job *job = NULL;
  struct cas_error error = {0};
  uint64_t written = 0;
  must(transcode_job_create(&pool, from, to, BYTES_MAX, &job, &error) == CAS_OK);
  const bool whole = put_all(job, bytes, piece, &error) && transcode_job_pixel_bytes(job) <= BYTES_MAX &&
                     went(transcode_job_convert(job, &error), &error) &&
                     went(transcode_job_write(job, take, &written, &error), &error);
  transcode_job_destroy(job);
  return whole && written > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint8_t sound[] = {8, 0, 0x60, 0, 'C', 'S', 2, 0, 'C', 'T'};
  if (size == 0) return 0;
  const char *from = sources[data[0] % SOURCES], *to = destinations[data[0] / SOURCES % DESTINATIONS];
  if (strcmp(from, to) == 0 || !transcode_can(from, to)) return 0;
  if (!pool_is_there) {
    transcode_pool_init(&pool, 1, 2048);
    must(atexit(end_pool) == 0);
    pool_is_there = true;
  }
  (void)transcode(from, to, (struct cas_slice){.data = data + 1, .size = size - 1},
                  data[0] / SOURCES / DESTINATIONS != 0 ? 61 : 65536);
  must(transcode("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", (struct cas_slice){.data = sound, .size = sizeof sound},
                 sizeof sound));
  return 0;
}
