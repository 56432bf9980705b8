/*
 * Metrics whose samples are more than the values of one label.
 *
 * Threads: any.
 */
#ifndef METRICS_SERIES_H
#define METRICS_SERIES_H

#include "metrics_table.h"

/* Names of enum node_operation. */
extern const char *const metrics_operations[];

void metrics_write_build(struct metrics_text *text, const struct metric *metric, const struct metrics_figures *figures);
void metrics_write_store(struct metrics_text *text, const struct metric *metric, const struct metrics_figures *figures);
void metrics_write_state(struct metrics_text *text, const struct metric *metric, const struct metrics_figures *figures);
void metrics_write_scrub_state(struct metrics_text *text, const struct metric *metric,
                               const struct metrics_figures *figures);
void metrics_write_objects(struct metrics_text *text, const struct metric *metric,
                           const struct metrics_figures *figures);
void metrics_write_commits(struct metrics_text *text, const struct metric *metric,
                           const struct metrics_figures *figures);
void metrics_write_responses(struct metrics_text *text, const struct metric *metric,
                             const struct metrics_figures *figures);
void metrics_write_codec_raw(struct metrics_text *text, const struct metric *metric,
                             const struct metrics_figures *figures);
void metrics_write_codec_stored(struct metrics_text *text, const struct metric *metric,
                                const struct metrics_figures *figures);
void metrics_write_mount_requests(struct metrics_text *text, const struct metric *metric,
                                  const struct metrics_figures *figures);

#endif
