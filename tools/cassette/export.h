/*
 * Export: instances leave the store as files of a folder, as one file, or as a tar stream.
 *
 * An exporter enumerates what is meant and hands every instance to a sink. The folder sink works on several threads;
 * the tar sink one after the other.
 */
#ifndef EXPORT_H
#define EXPORT_H

#include <pthread.h>
#include <stdatomic.h>

#include "cassette/reader.h"
#include "cli.h"
#include "cli_interrupt.h"
#include "cli_progress.h"
#include "cli_queue.h"
#include "disclosure.h"

/* One instance to export; owned by whoever holds the pointer. */
struct export_item {
  char *path; /* in the tree */
  char uid[CAS_UID_TEXT_MAX];
  int64_t arrival_ns;
  uint64_t bytes;
};

enum export_outcome { EXPORT_WRITTEN = 1, EXPORT_UNCHANGED, EXPORT_FAILED };

struct export {
  struct cas_store *store;
  bool force;   /* replace files that differ */
  bool json;    /* one object for every instance */
  bool verbose; /* one line for every instance */
  struct cli_progress *progress;
  struct cli_interrupt *interrupt;
  atomic_bool stop;

  pthread_mutex_t lock; /* guards the rest */
  uint64_t files, bytes, written, unchanged, failed, not_found;
  uint64_t files_total, bytes_total; /* 0: not known */
  struct disclosure disclosure;
  cas_status fault; /* of the destination: nothing more can be written */
};

/* Where instances go. */
struct export_sink {
  struct export *export;
  /* Takes an instance; the item is the sink's. Another status than CAS_OK stops the export. */
  cas_status (*put)(struct export_sink *sink, struct export_item *item);
  /* Waits for all of it, makes it durable, and frees the sink. */
  cas_status (*finish)(struct export_sink *sink, struct cas_error *error);
};

void export_item_free(struct export_item *item);

/* Counts an instance and says what there is to say about it. From any thread. `error` only with EXPORT_FAILED. */
void export_report(struct export *export, const struct export_item *item, enum export_outcome outcome,
                   cas_status status, const struct cas_error *error);

/* Counts something that was asked for and not found, and says so. */
void export_report_missing(struct export *export, const char *what, cas_status status, const struct cas_error *error);

/* The final counts, to `out` or as JSON to standard output. */
void export_summary(const struct export *export, FILE *out);

/*
 * Files below the open folder `folder_fd`, which becomes the sink's. With `name` the one instance gets that name, else
 * each gets its path in the tree. NULL without memory: the caller keeps the folder.
 */
struct export_sink *export_folder_create(struct export *export, int folder_fd, const char *name);

/* A tar stream on standard output: pax where names, sizes or times need it. NULL without memory. */
struct export_sink *export_tar_create(struct export *export);

#endif
