/*
 * The daemon's port for monitoring: /metrics and /health, from before the store is open until all has stopped.
 *
 *   starting --daemon_metrics_attach--> running <-> read-only --daemon_metrics_detach--> stopping
 *
 * Nobody who stores or reads waits for a scrape: it reads counters, and what costs more comes from a survey, by a
 * thread of its own, that is repeated at the earliest a second, and a hundred times as long as it took, after the last
 * one ended.
 *
 * Threads: one, the daemon's.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "audit.h"
#include "config.h"
#include "daemon_mounts.h"

struct daemon_metrics;
struct cas_scrubber;
struct dicom_server;

/* What is told of; NULL: there is none. Borrowed until detach. */
struct daemon_metrics_sources {
  struct cas_store *store;    /* not NULL */
  struct dicom_server *dicom; /* not NULL */
  struct cas_scrubber *scrubber;
  struct audit *audit;
  struct daemon_mounts *mounts;
};

/* Listens where the configuration asks for it, else *metrics stays NULL, which is allowed in all functions.
 * CAS_INVALID, CAS_BUSY, CAS_IO: it cannot listen there. */
CAS_MUST_USE cas_status daemon_metrics_open(const struct config *config, struct daemon_metrics **metrics,
                                            struct cas_error *error);

/* Everything serves. CAS_IO: no thread. */
CAS_MUST_USE cas_status daemon_metrics_attach(struct daemon_metrics *metrics,
                                              const struct daemon_metrics_sources *sources, struct cas_error *error);

/* Everything is about to end: the sources are not looked at any more. */
void daemon_metrics_detach(struct daemon_metrics *metrics);

void daemon_metrics_close(struct daemon_metrics *metrics);

/* 0: it does not listen. */
uint16_t daemon_metrics_port(const struct daemon_metrics *metrics);

#endif
