/*
 * The process that transcodes for another: DCMTK's decoders of JPEG, JPEG-LS and RLE see bytes of strangers, and
 * DCMTK 3.6.7's do not always come back from them. It is the same program under another name, so main() asks first:
 *
 *   if (transcode_child_is_meant(argv[0])) return transcode_child_run(argc, argv);
 *
 * Bounded (P6): its address space and, for each request, its processor time; it ends with the socket, and leaves no
 * core, which would have pixels of patients.
 */
#ifndef TRANSCODE_CHILD_H
#define TRANSCODE_CHILD_H

#include <stdbool.h>

bool transcode_child_is_meant(const char *name);

/* Serves the socket that is its standard input; the operand is its address space in MiB. Returns the exit status. */
int transcode_child_run(int argc, char **argv);

#endif
