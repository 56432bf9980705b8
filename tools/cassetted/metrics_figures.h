/*
 * All that the metrics of the daemon are made of, gathered at one moment, from where `cassette info`, `stats` and
 * `scrub` have it.
 *
 * Threads: one at a time.
 */
#ifndef METRICS_FIGURES_H
#define METRICS_FIGURES_H

#include "audit.h"
#include "cassette/activity.h"
#include "cassette/scrub.h"
#include "daemon_mounts.h"
#include "node_counters.h"
#include "process_figures.h"

/* How far the daemon is. */
enum metrics_phase { METRICS_STARTING, METRICS_RUNNING, METRICS_READ_ONLY, METRICS_STOPPING, METRICS_PHASES };

/* What there is to tell of, or-ed. */
enum metrics_source {
  METRICS_OF_PROCESS = 1,
  METRICS_OF_STORE = 2, /* and of the node: while the daemon serves */
  METRICS_OF_SURVEY = 4,
  METRICS_OF_SCRUB = 8,
  METRICS_OF_AUDIT = 16,
  METRICS_OF_MOUNTS = 32,
};

/* What costs more than reading a number: it is looked at from time to time, and not for every scrape. */
struct metrics_survey {
  struct cas_stats stats;
  struct cas_space space;
  int64_t ended_ns; /* UTC, nanoseconds since 1970 */
  int64_t took_ns;
  uint64_t failures; /* surveys that could not be made; the rest is of the last that could */
};

struct metrics_figures {
  unsigned sources;
  enum metrics_phase phase;
  uint64_t scrapes;
  struct process_figures process;
  struct cas_store_info store;
  struct cas_store_condition condition;
  struct cas_activity activity;
  struct dicom_counters dicom;
  struct metrics_survey survey;
  struct cas_scrub_status scrub;
  double scrub_progress; /* 0 to 1 */
  bool scrub_in_trouble;
  struct audit_counts audit;
  struct daemon_mounts *mounts; /* borrowed */
};

#endif
