/*
 * When the groups of the log were written, by what their records say: times of arrival, of changes of states, of
 * snapshots. A clock may have been wrong, so single times are compared with those before and behind them in the log,
 * whose order is certain.
 *
 * The index has a point of the line, as a fact "time/GROUP", wherever the time went on by TIMELINE_STEP_NS or back by
 * as much.
 */
#ifndef STORE_TIMELINE_H
#define STORE_TIMELINE_H

#include "index/index.h"

/* A record of the group says this time. Groups come in the order of the log. Threads: those of the batch. */
CAS_MUST_USE cas_status timeline_note(struct index_batch *batch, uint64_t group, int64_t time_ns,
                                      struct cas_error *error);

struct timeline_point {
  uint64_t group;
  int64_t time_ns;
  int64_t latest_ns; /* of this point and those before it */
};

struct timeline {
  struct timeline_point *points; /* owned; in the order of groups */
  size_t count, capacity;
  int64_t now_ns;
};

/* All points that are not in the future of `now_ns`. The caller frees with timeline_fini(), also after a failure.
 * Threads: any. */
CAS_MUST_USE cas_status timeline_load(struct index *index, int64_t now_ns, struct timeline *line,
                                      struct cas_error *error);
void timeline_fini(struct timeline *line);

/* When a record of the group was written that says `time_ns`: that time, where it fits those before and behind it. Else
 * a time that is not too early: that of the next point which fits, or now where there is none. */
int64_t timeline_settle(const struct timeline *line, uint64_t group, int64_t time_ns);

#endif
