/*
 * The committer owns the end of the log. It takes what is queued, in order, writes it as one group, makes that durable
 * with one sync, applies it to the index, and tells the waiting. Groups follow each other; each is run by the
 * committer's thread, or by a thread that waits for it.
 *
 *   wait for an instance, or for enough bytes -> append blobs and manifests -> sync -> index -> done
 *
 * Where the group fails, everything in it fails, and what comes later stands or falls by itself.
 *
 * Threads: submit from any.
 */
#ifndef STORE_COMMITTER_H
#define STORE_COMMITTER_H

#include "cassette/ingest.h"
#include "store/instance_states.h"
#include "store/manifest.h"
#include "store/store.h"

enum commit_kind { COMMIT_BLOB, COMMIT_INSTANCE, COMMIT_RECORD };

/* Instances that somebody gathers: while it is on, none of them makes a group begin. They go along with any that does,
 * so they wait for no one, and no one for them. */
struct commit_hold {
  bool is_on; /* the committer's lock */
};

/* One element of the queue, embedded in what is to be committed. */
struct commit_item {
  enum commit_kind kind;
  uint64_t raw_bytes;
  const struct commit_hold *hold; /* NULL: none; borrowed until it is released */
  struct commit_item *next;
};

struct pending_blob;

/* An instance to be committed. All its blobs are settled when it is submitted. */
struct commit_instance {
  struct commit_item item;     /* first */
  struct manifest manifest;    /* without version; complete but for the names of blobs that `blobs` still has */
  struct pending_blob **blobs; /* manifest.blobs' own, NULL where that is certain already; borrowed until done */
  const struct cas_attributes *attributes; /* borrowed until done */
  struct instance_states *states;          /* that change with it, or NULL; the submitter's */
  struct cas_ingest_result result;         /* filled in by the committer */
  cas_status status;                       /* of this instance; the group's where that failed */
  struct cas_error error;
  void (*done)(struct commit_instance *instance);
};

struct committer;
CAS_MUST_USE cas_status committer_create(struct cas_store *store, struct segment_writer *writer,
                                         struct committer **committer, struct cas_error *error);

/* Commits what is queued, ends the thread and closes the writer. NULL is allowed. */
void committer_destroy(struct committer *committer);

/* Puts an item into the queue, for the committer's thread. */
void committer_submit(struct committer *committer, struct commit_item *item);

/* Turns the hold off, and begins a group with what it has held. */
void committer_release(struct committer *committer, struct commit_hold *hold);

/* The same as submitting for a thread that is going to wait for the item: where no group is on its way it runs one
 * itself, which saves two changes of thread. `done` of what is in that group is then called by it. */
void committer_submit_here(struct committer *committer, struct commit_item *item);

#endif
