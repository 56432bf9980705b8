/*
 * The one table of metrics: name, type, meaning, and where the number is. The page of /metrics is written from it;
 * docs/operations.md has the same as text, which tests/integration/metrics.test compares.
 *
 * Threads: any.
 */
#ifndef METRICS_TABLE_H
#define METRICS_TABLE_H

#include "metrics_figures.h"
#include "metrics_text.h"

struct metric {
  const char *name, *type;
  enum metric_unit {
    METRIC_COUNT,    /* uint64_t */
    METRIC_UNSIGNED, /* unsigned */
    METRIC_SECONDS,  /* int64_t or uint64_t, nanoseconds */
    METRIC_SWITCH,   /* bool */
    METRIC_RATIO,    /* double */
  } unit;
  size_t offset; /* in struct metrics_figures */
  const char *help;
  /* A sample for each value of a label: the first is at `offset`, the next `stride` further; NULL: one without a label.
   */
  const char *label, *const *values;
  size_t stride;
  /* NULL, or what writes its samples instead. */
  void (*write)(struct metrics_text *text, const struct metric *metric, const struct metrics_figures *figures);
};

/* Writes all metrics of the sources that there are. */
void metrics_table_write(const struct metrics_figures *figures, struct metrics_text *text);

#endif
