/* Any bytes as an association request, with a head that says their length: no byte outside is read. */
#include <stdlib.h>
#include <string.h>

#include "associate_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *why = NULL;
  const enum associate_verdict as_it_is = associate_request_check((struct cas_slice){.data = data, .size = size}, &why);
  if ((as_it_is == ASSOCIATE_GOOD) != (why == NULL)) abort();
  uint8_t *pdu = malloc(ASSOCIATE_HEAD_BYTES + size);
  if (pdu == NULL) return 0;
  memcpy(pdu, (const uint8_t[]){1, 0, 0, (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size},
         ASSOCIATE_HEAD_BYTES);
  if (size > 0) memcpy(pdu + ASSOCIATE_HEAD_BYTES, data, size);
  const enum associate_verdict with_head =
      associate_request_check((struct cas_slice){.data = pdu, .size = ASSOCIATE_HEAD_BYTES + size}, &why);
  if ((with_head == ASSOCIATE_GOOD) != (why == NULL)) abort();
  free(pdu);
  return 0;
}
