/*
 * For fuzz targets whose code transcodes: their program is run again for it, under another name. An input that keeps a
 * decoder busy or crashes it is no finding then; one that does more is.
 */
#ifndef TESTS_FUZZ_CHILD_H
#define TESTS_FUZZ_CHILD_H

#include <stdlib.h>

#include "transcode_child.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  if (transcode_child_is_meant((*argv)[0])) _Exit(transcode_child_run(*argc, *argv));
  return 0;
}

#endif
