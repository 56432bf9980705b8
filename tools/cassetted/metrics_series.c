/* Owns the names that labels have. */
#include "metrics_series.h"

#include <stdio.h>

const char *const metrics_operations[] = {
    [NODE_ECHO] = "C-ECHO", [NODE_STORE] = "C-STORE",       [NODE_FIND] = "C-FIND", [NODE_GET] = "C-GET",
    [NODE_MOVE] = "C-MOVE", [NODE_COMMITMENT] = "N-ACTION", [NODE_OTHER] = "other", [NODE_OPERATIONS] = NULL,
};

void metrics_write_build(struct metrics_text *text, const struct metric *metric,
                         const struct metrics_figures *figures) {
  struct metrics_labels labels = {0};
  (void)figures;
  metrics_label(&labels, "version", cas_version());
  metrics_count(text, metric->name, labels.text, 1);
}

void metrics_write_store(struct metrics_text *text, const struct metric *metric,
                         const struct metrics_figures *figures) {
  struct metrics_labels labels = {0};
  char version[16];
  snprintf(version, sizeof version, "%u", (unsigned)figures->store.format_version);
  metrics_label(&labels, "uuid", figures->store.uuid);
  metrics_label(&labels, "format_version", version);
  metrics_label(&labels, "disk", figures->store.disk);
  metrics_count(text, metric->name, labels.text, 1);
}

/* One sample for each state: 1 for that which it has. */
static void write_states(struct metrics_text *text, const char *name, const char *const *states, size_t count,
                         size_t state) {
  for (size_t i = 0; i < count; i++) {
    struct metrics_labels labels = {0};
    metrics_label(&labels, "state", states[i]);
    metrics_count(text, name, labels.text, i == state);
  }
}

void metrics_write_state(struct metrics_text *text, const struct metric *metric,
                         const struct metrics_figures *figures) {
  static const char *const phases[] = {[METRICS_STARTING] = "starting",
                                       [METRICS_RUNNING] = "running",
                                       [METRICS_READ_ONLY] = "read_only",
                                       [METRICS_STOPPING] = "stopping"};
  write_states(text, metric->name, phases, METRICS_PHASES, figures->phase);
}

void metrics_write_scrub_state(struct metrics_text *text, const struct metric *metric,
                               const struct metrics_figures *figures) {
  static const char *const states[] = {"reading", "resting", "paused"};
  write_states(text, metric->name, states, 3, (size_t)figures->scrub.state - CAS_SCRUB_READING);
}

void metrics_write_objects(struct metrics_text *text, const struct metric *metric,
                           const struct metrics_figures *figures) {
  static const char *const origins[] = {
      [CAS_ORIGIN_IMPORT] = "import", [CAS_ORIGIN_RECEIVED] = "received", [CAS_ORIGIN_CORRECTED] = "corrected"};
  static const char *const outcomes[] = {
      [CAS_STORED] = "stored", [CAS_DUPLICATE] = "duplicate", [CAS_NEW_VERSION] = "new_version"};
  for (size_t origin = CAS_ORIGIN_IMPORT; origin < CAS_ACTIVITY_ORIGINS; origin++) {
    for (size_t outcome = CAS_STORED; outcome < CAS_ACTIVITY_OUTCOMES; outcome++) {
      struct metrics_labels labels = {0};
      metrics_label(&labels, "origin", origins[origin]);
      metrics_label(&labels, "outcome", outcomes[outcome]);
      metrics_count(text, metric->name, labels.text, figures->activity.objects[origin][outcome]);
    }
  }
}

void metrics_write_commits(struct metrics_text *text, const struct metric *metric,
                           const struct metrics_figures *figures) {
  const struct cas_activity *activity = &figures->activity;
  char name[128];
  uint64_t groups = 0;
  snprintf(name, sizeof name, "%s_bucket", metric->name);
  for (size_t i = 0; i < CAS_ACTIVITY_BUCKETS; i++) {
    struct metrics_labels labels = {0};
    char bound[32] = "+Inf";
    if (i + 1 < CAS_ACTIVITY_BUCKETS) snprintf(bound, sizeof bound, "%g", (double)activity->syncs[i].up_to_ns / 1e9);
    metrics_label(&labels, "le", bound);
    groups += activity->syncs[i].groups;
    metrics_count(text, name, labels.text, groups);
  }
  snprintf(name, sizeof name, "%s_sum", metric->name);
  metrics_seconds(text, name, NULL, (int64_t)activity->sync_ns);
  snprintf(name, sizeof name, "%s_count", metric->name);
  metrics_count(text, name, NULL, groups);
}

void metrics_write_responses(struct metrics_text *text, const struct metric *metric,
                             const struct metrics_figures *figures) {
  static const char *const answers[] = {[NODE_SUCCESS] = "success",
                                        [NODE_WARNING] = "warning",
                                        [NODE_CANCELLED] = "cancelled",
                                        [NODE_FAILURE] = "failure"};
  for (size_t operation = 0; operation < NODE_OPERATIONS; operation++) {
    for (size_t answer = 0; answer < NODE_ANSWERS; answer++) {
      struct metrics_labels labels = {0};
      metrics_label(&labels, "operation", metrics_operations[operation]);
      metrics_label(&labels, "result", answers[answer]);
      metrics_count(text, metric->name, labels.text, figures->dicom.answers[operation][answer]);
    }
  }
}

static void write_codecs(struct metrics_text *text, const char *name, const struct cas_stats *stats, bool stored) {
  for (size_t i = 0; stats->codecs[i].name != NULL; i++) {
    struct metrics_labels labels = {0};
    metrics_label(&labels, "codec", stats->codecs[i].name);
    metrics_count(text, name, labels.text, stored ? stats->codecs[i].stored_bytes : stats->codecs[i].raw_bytes);
  }
}

void metrics_write_codec_raw(struct metrics_text *text, const struct metric *metric,
                             const struct metrics_figures *figures) {
  write_codecs(text, metric->name, &figures->survey.stats, false);
}

void metrics_write_codec_stored(struct metrics_text *text, const struct metric *metric,
                                const struct metrics_figures *figures) {
  write_codecs(text, metric->name, &figures->survey.stats, true);
}

struct mount_page {
  struct metrics_text *text;
  const char *name, *folder;
};

static void write_requests(void *arg, const char *kind, uint64_t count) {
  const struct mount_page *page = arg;
  struct metrics_labels labels = {0};
  metrics_label(&labels, "kind", kind);
  metrics_label(&labels, "mount", page->folder);
  metrics_count(page->text, page->name, labels.text, count);
}

static void write_mount(void *arg, const char *folder, const struct cas_mount *mount) {
  struct mount_page *page = arg;
  page->folder = folder;
  cas_mount_requests(mount, write_requests, page);
}

void metrics_write_mount_requests(struct metrics_text *text, const struct metric *metric,
                                  const struct metrics_figures *figures) {
  struct mount_page page = {.text = text, .name = metric->name};
  daemon_mounts_each(figures->mounts, write_mount, &page);
}
