/* How thoroughly a test goes that tries every byte of a file: CASSETTE_STRIDE gives the distance of those that it
 * tries. The builds with sanitizers, which look for other mistakes, set it. */
#ifndef SUPPORT_TEST_STRIDE_H
#define SUPPORT_TEST_STRIDE_H

#include <stdlib.h>

static inline size_t test_stride(size_t otherwise) {
  const char *text = getenv("CASSETTE_STRIDE");
  size_t stride = text != NULL ? strtoul(text, NULL, 10) : otherwise;
  return stride > 0 ? stride : 1;
}

#endif
