/*
 * The parallel import: a walker finds files, lanes read them and hand them to a store, the main thread reports.
 *
 *   walker --jobs--> lanes (threads) --store or daemon--> done --results--> reporter (the main thread)
 *
 * At most IMPORT_IN_FLIGHT_MAX files are between a lane and the reporter, so memory is bounded and one sync makes many
 * files durable. Over a daemon's control socket the window of the client does the same.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include <semaphore.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "cassette/ingest.h"
#include "cli.h"
#include "cli_progress.h"
#include "cli_queue.h"

/* Files read but not yet reported: enough for one sync to serve many small files. */
#define IMPORT_IN_FLIGHT_MAX 64

/* Threads that read files: reading waits for disks, so a few more than processors pay. */
#define IMPORT_LANES_MAX 32

/* One file on its way; whoever holds the pointer owns it. */
struct import_job {
  char *path;
  uint64_t bytes; /* of the file, when it was found */
  struct import *import;
  /* The outcome. */
  bool unreadable; /* the file could not be read: no fault of the store's */
  cas_status status;
  struct cas_ingest_result result;
  char defect[128]; /* what result.defect points to */
  struct cas_error error;
};

struct import {
  /* Set before the threads start. */
  const char *store_path;
  struct cas_store *store; /* NULL: through the daemon */
  int interrupt;           /* readable when the import is interrupted */
  char list_separator;
  char *const *operands;
  int operand_count;
  bool has_store_facts;
  struct stat store_facts; /* the store's own folder, which is never imported */

  struct cli_queue *jobs, *results;
  sem_t in_flight; /* free places; only without a daemon */

  atomic_bool stop;               /* no more files are to be taken */
  atomic_uint_fast64_t job_count; /* that the walker made: each one comes to the reporter */
  atomic_bool walked;             /* job_count is final */
  atomic_bool surveyed;           /* the next two are whole */
  atomic_uint_fast64_t files_total, bytes_total;
};

/* Frees a job. NULL is allowed. */
void import_job_free(struct import_job *job);

/* Hands a job with its outcome to the reporter. From any thread. */
void import_job_done(struct import_job *job, cas_status status, const struct cas_ingest_result *result,
                     const struct cas_error *error);

/* A thread that takes jobs until there are no more; `arg` is the struct import. */
void *import_lane_run(void *arg);

/* A thread that finds the files of all operands and closes `jobs` behind the last. */
void *import_walker_run(void *arg);

/* A thread that counts them, for the time left. */
void *import_survey_run(void *arg);

/* --- the report --- */

enum import_verbosity { IMPORT_QUIET, IMPORT_NORMAL, IMPORT_VERBOSE };

/* The main thread's own. */
struct import_report {
  struct cli_progress *progress;
  enum import_verbosity verbosity;
  bool json;
  uint64_t files, bytes;
  uint64_t stored, duplicates, new_versions, refused, failed, defects, healed_blobs;
  uint64_t stored_bytes, duplicate_bytes, new_version_bytes;
  cas_status fault; /* the first of the store's, CAS_OK without */
};

/* Counts a job and prints what there is to say about it. */
void import_report_job(struct import_report *report, const struct import_job *job);

/* The final counts. */
void import_report_summary(const struct import_report *report, double seconds, bool interrupted);

#endif
