/*
 * How far a long operation is, on standard error: one line that is redrawn where that is a terminal, a plain line every
 * few seconds elsewhere. Other lines go through cli_progress_line(), so that they do not mix with it.
 *
 * Threads: any; every field is guarded by the progress's own lock.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct cli_progress;

struct cli_progress_state {
  uint64_t files, bytes;             /* done */
  uint64_t files_total, bytes_total; /* 0: not known (yet) */
};

/* What is counted, for the text: "files", "instances"; borrowed. `quiet`: nothing is ever drawn. NULL without memory.
 */
struct cli_progress *cli_progress_create(const char *noun, bool quiet);
/* Removes the drawn line. NULL is allowed. */
void cli_progress_destroy(struct cli_progress *progress);

/* Sets the state and draws when it is time to. Cheap: call it often. */
void cli_progress_set(struct cli_progress *progress, const struct cli_progress_state *state);

/* Writes a line (the newline is added) to `out` without mixing it with the drawn one. `text` is written as it is. */
void cli_progress_line(struct cli_progress *progress, FILE *out, const char *text);

/* Seconds since create. */
double cli_progress_seconds(const struct cli_progress *progress);

#endif
