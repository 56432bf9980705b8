/*
 * Scrubbing: a thread that reads all segments over and over, slowly, so that rot is found before a reader meets it and
 * while whoever sent the object still has it.
 *
 * In each cycle every segment is read once and checked as cas_store_verify() checks it. What looks damaged is read a
 * second time before it counts. Then the instances that the damage hits are looked up. Everything found goes to the log
 * of the store, at CAS_LOG_ERROR, with the place and the SOP Instance UID.
 *
 *   resting --the cycle is due, or cas_scrub_begin--> reading --all segments read--> resting
 *   any --cas_scrub_pause(true)--> paused --cas_scrub_pause(false)--> as before
 *
 * Its place is kept in the file "scrub" of the store, which may be deleted: at the next start it goes on with the
 * segment that it was in. The pace is what the cycle needs, in between SCRUB_BYTES_PER_SECOND_MIN and a limit, at idle
 * priority of processor and disk.
 *
 * Threads: start and stop belong to one thread, the others may be called from any in between.
 */
#ifndef CASSETTE_SCRUB_H
#define CASSETTE_SCRUB_H

#include "cassette/store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cas_scrubber;

/* Zero means the default. */
struct cas_scrub_options {
  uint32_t cycle_seconds;        /* from the begin of a cycle to that of the next; default 7 days */
  uint64_t bytes_per_second_max; /* never faster, also where the cycle then takes longer; default 64 MiB */
};

enum cas_scrub_state { CAS_SCRUB_READING = 1, CAS_SCRUB_RESTING, CAS_SCRUB_PAUSED };

/* What one cycle saw. */
struct cas_scrub_counts {
  int64_t started_ns, ended_ns; /* UTC, nanoseconds since 1970; 0: not yet */
  uint64_t segments, records, bytes;
  uint64_t damaged_records, index_findings;
  uint64_t damaged_instances; /* that these hit: known when the cycle ends, but those in no list at once */
  uint64_t away_segments;     /* not read, as the cold place was away (tier.h) */
};

struct cas_scrub_status {
  enum cas_scrub_state state;
  uint64_t cycles;               /* begun in the life of the store */
  uint64_t total_bytes;          /* of the segments to be read in this cycle */
  uint64_t bytes_per_second;     /* the pace of this cycle */
  int64_t due_ns;                /* when the next cycle begins */
  struct cas_scrub_counts now;   /* the cycle under way, or else the last one */
  struct cas_scrub_counts whole; /* the last cycle that ended; zero before */
  char trouble[256];             /* why it could not go on the last time, "" where it could */
};

/* Starts scrubbing a store that is open for writing; it is borrowed until stop. CAS_INVALID: it only follows. */
CAS_API CAS_MUST_USE cas_status cas_scrub_start(struct cas_store *store, const struct cas_scrub_options *options,
                                                struct cas_scrubber **scrubber, struct cas_error *error);

/* Ends within the time of one read, keeps the place, and frees. NULL is allowed. */
CAS_API void cas_scrub_stop(struct cas_scrubber *scrubber);

/* Pauses, also over restarts, or goes on. */
CAS_API void cas_scrub_pause(struct cas_scrubber *scrubber, bool paused);

/* Begins a cycle now, or hurries the one under way: at bytes_per_second_max. Ends a pause. */
CAS_API void cas_scrub_begin(struct cas_scrubber *scrubber);

/* How it stands now; also of `whole` cycles before this start. */
CAS_API void cas_scrub_status(struct cas_scrubber *scrubber, struct cas_scrub_status *status);

#ifdef __cplusplus
}
#endif
#endif
