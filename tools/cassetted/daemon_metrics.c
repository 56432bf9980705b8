/*
 * Owns the server and the thread of the survey. Invariants:
 *  1. Who reads the sources holds `lock`, so that after detach nobody does; but for the survey's thread, which detach
 * waits for.
 *  2. Nobody else takes these locks: what stores or reads objects knows nothing of a scrape.
 */
#include "daemon_metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dicom_server.h"
#include "metrics_server.h"
#include "metrics_table.h"
#include "monotonic.h"

#define SECOND_NS INT64_C(1000000000)

/* A survey may take so much of one processor's time: one part in so many. */
#define SURVEY_SHARE 100

struct daemon_metrics {
  struct metrics_server *server;
  pthread_mutex_t lock;
  enum metrics_phase phase;              /* lock; METRICS_READ_ONLY is seen when somebody asks */
  struct daemon_metrics_sources sources; /* lock; while it runs */
  uint64_t scrapes;                      /* lock */
  pthread_t surveyor;
  pthread_mutex_t survey_lock;
  pthread_cond_t stopped;
  bool stopping;                /* survey_lock */
  bool surveyed;                /* survey_lock */
  struct metrics_survey survey; /* survey_lock */
};

static int64_t now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* --- the survey --- */

static void keep_survey(struct daemon_metrics *metrics, const struct metrics_survey *made, cas_status status) {
  pthread_mutex_lock(&metrics->survey_lock);
  const uint64_t failures = metrics->survey.failures + (status != CAS_OK);
  if (status == CAS_OK) metrics->survey = *made;
  metrics->survey.failures = failures;
  metrics->surveyed |= status == CAS_OK;
  pthread_mutex_unlock(&metrics->survey_lock);
}

/* Whether the thread is to go on. */
static bool rest(struct daemon_metrics *metrics, int64_t ns) {
  const int64_t until_ns = now_ns(CLOCK_MONOTONIC) + ns;
  const struct timespec until = {.tv_sec = until_ns / SECOND_NS, .tv_nsec = until_ns % SECOND_NS};
  pthread_mutex_lock(&metrics->survey_lock);
  int result = 0;
  while (!metrics->stopping && result == 0)
    result = pthread_cond_timedwait(&metrics->stopped, &metrics->survey_lock, &until);
  const bool goes_on = !metrics->stopping;
  pthread_mutex_unlock(&metrics->survey_lock);
  return goes_on;
}

static void *survey(void *arg) {
  struct daemon_metrics *metrics = arg;
  int64_t rest_ns = 0;
  pthread_setname_np(pthread_self(), "survey");
  while (rest(metrics, rest_ns)) {
    struct metrics_survey made = {0};
    const int64_t began_ns = now_ns(CLOCK_MONOTONIC);
    cas_status status = cas_store_stats(metrics->sources.store, &made.stats, NULL);
    if (status == CAS_OK) status = cas_store_space(metrics->sources.store, &made.space, NULL);
    made.took_ns = now_ns(CLOCK_MONOTONIC) - began_ns;
    made.ended_ns = now_ns(CLOCK_REALTIME);
    keep_survey(metrics, &made, status);
    rest_ns = made.took_ns * SURVEY_SHARE > SECOND_NS ? made.took_ns * SURVEY_SHARE : SECOND_NS;
  }
  return NULL;
}

/* --- a scrape --- */

static enum metrics_phase phase_of(const struct daemon_metrics *metrics, struct cas_store_condition *condition) {
  *condition = (struct cas_store_condition){0};
  if (metrics->phase != METRICS_RUNNING) return metrics->phase;
  cas_store_condition(metrics->sources.store, condition);
  return condition->read_only ? METRICS_READ_ONLY : METRICS_RUNNING;
}

static void gather_scrub(struct metrics_figures *figures, struct cas_scrubber *scrubber) {
  struct cas_scrub_status *scrub = &figures->scrub;
  cas_scrub_status(scrubber, scrub);
  figures->sources |= METRICS_OF_SCRUB;
  figures->scrub_in_trouble = scrub->trouble[0] != '\0';
  if (scrub->now.ended_ns != 0 || (scrub->total_bytes > 0 && scrub->now.bytes > scrub->total_bytes))
    figures->scrub_progress = 1;
  else if (scrub->total_bytes > 0)
    figures->scrub_progress = (double)scrub->now.bytes / (double)scrub->total_bytes;
}

static void gather_survey(struct daemon_metrics *metrics, struct metrics_figures *figures) {
  pthread_mutex_lock(&metrics->survey_lock);
  if (metrics->surveyed) figures->sources |= METRICS_OF_SURVEY;
  figures->survey = metrics->survey;
  pthread_mutex_unlock(&metrics->survey_lock);
}

/* The lock is held. */
static void gather(struct daemon_metrics *metrics, struct metrics_figures *figures) {
  const struct daemon_metrics_sources *sources = &metrics->sources;
  figures->sources = METRICS_OF_PROCESS;
  figures->phase = phase_of(metrics, &figures->condition);
  figures->scrapes = ++metrics->scrapes;
  process_figures_read(&figures->process);
  if (metrics->phase != METRICS_RUNNING) return;
  figures->sources |= METRICS_OF_STORE;
  cas_store_info(sources->store, &figures->store);
  cas_store_activity(sources->store, &figures->activity);
  dicom_server_counters(sources->dicom, &figures->dicom);
  gather_survey(metrics, figures);
  if (sources->scrubber != NULL) gather_scrub(figures, sources->scrubber);
  if (sources->audit != NULL) figures->sources |= METRICS_OF_AUDIT;
  audit_counts_read(sources->audit, &figures->audit);
  if (sources->mounts != NULL) figures->sources |= METRICS_OF_MOUNTS;
  figures->mounts = sources->mounts;
}

static cas_status write_page(void *arg, struct cas_buffer *page) {
  struct daemon_metrics *metrics = arg;
  struct metrics_text text = {.out = page};
  struct metrics_figures *figures = calloc(1, sizeof *figures);
  if (figures == NULL) return CAS_NO_MEMORY;
  pthread_mutex_lock(&metrics->lock);
  gather(metrics, figures);
  metrics_table_write(figures, &text);
  pthread_mutex_unlock(&metrics->lock);
  free(figures);
  return text.status;
}

static bool is_healthy(void *arg, char *reason, size_t size) {
  struct daemon_metrics *metrics = arg;
  struct cas_store_condition condition;
  pthread_mutex_lock(&metrics->lock);
  const enum metrics_phase phase = phase_of(metrics, &condition);
  pthread_mutex_unlock(&metrics->lock);
  if (phase == METRICS_READ_ONLY)
    snprintf(reason, size, "read-only: %s", condition.reason);
  else
    snprintf(reason, size, "%s", phase == METRICS_STARTING ? "starting" : "stopping");
  return phase == METRICS_RUNNING;
}

/* --- the life --- */

static void free_metrics(struct daemon_metrics *metrics) {
  metrics_server_stop(metrics->server);
  pthread_cond_destroy(&metrics->stopped);
  pthread_mutex_destroy(&metrics->survey_lock);
  pthread_mutex_destroy(&metrics->lock);
  free(metrics);
}

cas_status daemon_metrics_open(const struct config *config, struct daemon_metrics **metrics, struct cas_error *error) {
  if (config->metrics_port == 0) return CAS_OK;
  struct daemon_metrics *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  monotonic_condition_init(&made->stopped);
  pthread_mutex_init(&made->lock, NULL);
  pthread_mutex_init(&made->survey_lock, NULL);
  const struct metrics_server_options options = {.bind = config->metrics_bind,
                                                 .port = (uint16_t)config->metrics_port,
                                                 .page = write_page,
                                                 .healthy = is_healthy,
                                                 .arg = made};
  const cas_status status = metrics_server_start(&options, &made->server, error);
  if (status == CAS_OK)
    *metrics = made;
  else
    free_metrics(made);
  return status;
}

cas_status daemon_metrics_attach(struct daemon_metrics *metrics, const struct daemon_metrics_sources *sources,
                                 struct cas_error *error) {
  if (metrics == NULL) return CAS_OK;
  pthread_mutex_lock(&metrics->lock);
  metrics->sources = *sources;
  const int failure = pthread_create(&metrics->surveyor, NULL, survey, metrics);
  if (failure == 0) metrics->phase = METRICS_RUNNING;
  pthread_mutex_unlock(&metrics->lock);
  if (failure == 0) return CAS_OK;
  *error = (struct cas_error){.status = CAS_IO, .system_errno = failure};
  snprintf(error->message, sizeof error->message, "metrics: no thread: %s", strerrordesc_np(failure));
  return CAS_IO;
}

void daemon_metrics_detach(struct daemon_metrics *metrics) {
  if (metrics == NULL) return;
  pthread_mutex_lock(&metrics->lock);
  const bool ran = metrics->phase == METRICS_RUNNING;
  metrics->phase = METRICS_STOPPING;
  pthread_mutex_unlock(&metrics->lock);
  if (!ran) return;
  pthread_mutex_lock(&metrics->survey_lock);
  metrics->stopping = true;
  pthread_cond_signal(&metrics->stopped);
  pthread_mutex_unlock(&metrics->survey_lock);
  pthread_join(metrics->surveyor, NULL);
}

void daemon_metrics_close(struct daemon_metrics *metrics) {
  if (metrics != NULL) free_metrics(metrics);
}

uint16_t daemon_metrics_port(const struct daemon_metrics *metrics) {
  return metrics != NULL ? metrics_server_port(metrics->server) : 0;
}
