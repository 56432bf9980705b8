/* Any bytes as a manifest: decoded or refused, and what is decoded encodes to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "store/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct manifest manifest;
  struct cas_buffer again = {0};
  if (manifest_decode((struct cas_slice){.data = data, .size = size}, &manifest) != CAS_OK) return 0;
  if (manifest_encode(&manifest, &again) != CAS_OK || again.size > size) abort();
  struct manifest twin;
  if (manifest_decode((struct cas_slice){.data = again.data, .size = again.size}, &twin) != CAS_OK) abort();
  if (!manifest_same_file(&manifest, &twin)) abort();
  manifest_fini(&manifest);
  manifest_fini(&twin);
  cas_buffer_fini(&again);
  return 0;
}
