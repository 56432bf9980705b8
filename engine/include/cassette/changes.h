/*
 * The changes of states in the log, of all instances: for who is to hear of each of them, and may have been away.
 *
 * Threads: any.
 */
#ifndef CASSETTE_CHANGES_H
#define CASSETTE_CHANGES_H

#include "cassette/state.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The group of the log with the last change behind group `after`; `after` itself where there is none. Groups count from
 * 1, never repeat, and stay what they are when the index is rebuilt. */
CAS_API CAS_MUST_USE cas_status cas_changes_newest(struct cas_store *store, uint64_t after, uint64_t *newest,
                                                   struct cas_error *error);

/* A change of one UID; the event is borrowed, its `instances` are those of the whole record. */
typedef cas_status (*cas_changed_fn)(void *arg, const char *uid, const struct cas_event *event);

/* All changes in groups behind `after`, by UID, and of one the oldest first. Reads the histories of all UIDs that ever
 * had a change: a microsecond each. */
CAS_API CAS_MUST_USE cas_status cas_changes_since(struct cas_store *store, uint64_t after, cas_changed_fn each,
                                                  void *arg, struct cas_error *error);

#ifdef __cplusplus
}
#endif
#endif
