/*
 * Any bytes as an object that has to be transcoded: read, decoded and encoded by DCMTK as C-GET and C-MOVE do it, with
 * the limits that they have. The first byte chooses what it came in and what it has to become, and how long the pieces
 * are that it comes in.
 *
 * What must hold: it ends with an object or a reason.
 */
#include <stdlib.h>
#include <string.h>

#include "cassette/store.h"
#include "transcode_policy.h"
#include "transcoder.h"

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

static void must(bool holds) {
  if (!holds) abort();
}

/* A failure has a reason. */
static bool went(cas_status status, const struct cas_error *error) {
  must(status == CAS_OK || status == CAS_NO_MEMORY || error->message[0] != '\0');
  return status == CAS_OK;
}

static cas_status take(void *arg, struct cas_slice bytes, struct cas_error *error) {
  uint64_t *sum = arg;
  (void)error;
  for (size_t i = 0; i < bytes.size; i++) *sum += bytes.data[i]; /* a sanitizer sees each byte */
  return CAS_OK;
}

static bool put_all(struct transcoder *transcoder, const uint8_t *data, size_t size, size_t piece) {
  struct cas_error error = {0};
  for (size_t at = 0; at < size || size == 0; at += piece) {
    const size_t part = size - at < piece ? size - at : piece;
    const bool last = at + part == size;
    if (!went(transcoder_put(transcoder, (struct cas_slice){.data = data + at, .size = part}, last, &error), &error))
      return false;
    if (last) break;
  }
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  const char *from = sources[data[0] % SOURCES], *to = destinations[data[0] / SOURCES % DESTINATIONS];
  const size_t piece = data[0] / SOURCES / DESTINATIONS != 0 ? 61 : 65536;
  struct transcoder *transcoder = NULL;
  struct cas_error error = {0};
  uint64_t sum = 0;
  if (strcmp(from, to) == 0 || !transcode_can(from, to)) return 0;
  must(transcoder_create(from, to, BYTES_MAX, &transcoder, &error) == CAS_OK);
  if (put_all(transcoder, data + 1, size - 1, piece) && transcoder_pixel_bytes(transcoder) <= BYTES_MAX &&
      went(transcoder_convert(transcoder, &error), &error))
    (void)went(transcoder_write(transcoder, take, &sum, &error), &error);
  transcoder_destroy(transcoder);
  __asm__ volatile("" : : "r"(sum));
  return 0;
}
