/*
 * Writes metrics in the text format of Prometheus, version 0.0.4.
 *
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * Threads: one at a time.
 */
#ifndef METRICS_TEXT_H
#define METRICS_TEXT_H

#include "cassette/bytes.h"
#include "cassette/status.h"

struct metrics_text {
  struct cas_buffer *out; /* borrowed */
  cas_status status;      /* CAS_NO_MEMORY: the text is of no use */
};

/* Labels of a sample, as they stand between the braces; "": none. */
#define METRICS_LABELS_BYTES 1024u
struct metrics_labels {
  char text[METRICS_LABELS_BYTES];
};

/* Adds a label, whose value may have any bytes; what is not UTF-8 becomes '?'. One that does not fit is cut. */
void metrics_label(struct metrics_labels *labels, const char *name, const char *value);

/* Begins a metric: its lines HELP and TYPE. */
void metrics_family(struct metrics_text *text, const char *name, const char *type, const char *help);

/* One sample. `labels` is NULL or what stands between the braces. */
void metrics_count(struct metrics_text *text, const char *name, const char *labels, uint64_t value);
void metrics_number(struct metrics_text *text, const char *name, const char *labels, double value);

/* Nanoseconds, told in seconds; negative ones as 0. */
void metrics_seconds(struct metrics_text *text, const char *name, const char *labels, int64_t ns);

#endif
