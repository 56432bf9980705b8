/*
 * STORE/quarantine: copies of damaged ranges of segments, as they were when they were found, for inspection after the
 * segments are gone or mended. Segments themselves are never changed.
 *
 * One file a range, NNNNNNNN-OFFSET-BYTES.rec: the bytes of the segment. What the disk does not give is zero in it. A
 * range that is there already is not copied again.
 *
 * Threads: one at a time.
 */
#ifndef QUARANTINE_H
#define QUARANTINE_H

#include "cli.h"

struct quarantine;

/* Makes the folder (0700: it may hold what names patients). NULL: it cannot be made, which was said. */
struct quarantine *quarantine_open(const char *store_path);

/* Copies what the finding is about, where that is a range of a segment. `quarantine` may be NULL. */
void quarantine_take(struct quarantine *quarantine, const struct cas_finding *finding);

/* Says on standard error what was copied, unless quiet. False: not everything could be copied, which was said. NULL is
 * allowed. */
bool quarantine_close(struct quarantine *quarantine, bool quiet);

#endif
