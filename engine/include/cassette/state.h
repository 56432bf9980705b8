/*
 * States: what is deleted, hidden or replaced by a correction. A change of state is a record in the log like an image:
 * durable when it is acknowledged, never forgotten, and without effect on snapshots made before.
 *
 * Caveats
 *  - A deleted version is out of every list; what no snapshot shows of it may be discarded at any time, and then
 * nothing brings it back.
 *  - An object sent again after its deletion, or after it was hidden for CAS_REASON_OTHER or CAS_REASON_RETENTION,
 * comes back as a new version. Where it was hidden for one of the other reasons, that holds for what comes later, too.
 *
 * Threads: any.
 * Source: IHE RAD TF-3 4.66 (rejection notes), PS3.16 CID 7011 (their reasons).
 */
#ifndef CASSETTE_STATE_H
#define CASSETTE_STATE_H

#include "cassette/node.h"

#ifdef __cplusplus
extern "C" {
#endif

enum cas_action {
  CAS_ACTION_DELETE = 1,
  CAS_ACTION_HIDE,
  CAS_ACTION_SHOW,     /* what is hidden, again */
  CAS_ACTION_REPLACE,  /* the engine's own: by a correction */
  CAS_ACTION_DISCARD,  /* the engine's own: the bytes of what is deleted are let go (compact.h) */
  CAS_ACTION_UNDELETE, /* what is deleted becomes again what it was, until it is discarded */
};

enum cas_reason {
  CAS_REASON_OTHER,
  CAS_REASON_QUALITY,   /* 113001 DCM Rejected for Quality Reasons */
  CAS_REASON_SAFETY,    /* 113037 DCM Rejected for Patient Safety Reasons */
  CAS_REASON_WORKLIST,  /* 113038 DCM Incorrect Modality Worklist Entry */
  CAS_REASON_RETENTION, /* 113039 DCM Data Retention Policy Expired */
};

/* "delete", "hide", "show", "replace", "discard", "undelete"; "other", "quality", "safety", "worklist", "retention".
 * Static, never NULL. */
CAS_API const char *cas_action_name(enum cas_action action);
CAS_API const char *cas_reason_name(enum cas_reason reason);

/* False for a name that is none. */
CAS_API bool cas_reason_by_name(const char *name, enum cas_reason *reason);

/* "shown", "deleted", "replaced", "discarded", "hidden: quality" and so on. Static. */
CAS_API const char *cas_state_name(enum cas_state state);

/* --- changing --- */

/* A version of an instance; version 0 means all of them. */
struct cas_target {
  const char *uid;
  uint32_t version;
};

/* Longest texts of a change, without a NUL; longer ones are cut. */
#define CAS_WHO_MAX 255
#define CAS_WHY_MAX 1023

struct cas_change {
  enum cas_action action; /* none of the engine's own */
  enum cas_reason reason; /* of CAS_ACTION_HIDE, and of a deletion where one is known */
  const char *who;        /* for the record: a user, or "AETITLE@address"; may be NULL, as the next */
  const char *why;
  const struct cas_target *targets;
  size_t target_count;
  bool ahead; /* CAS_ACTION_HIDE: also UIDs that the store does not know yet */
};

/* Instances that one record of the log changes together, at once or not at all. Of more, some may be changed when a
 * failure comes. */
#define CAS_CHANGE_TARGETS_MAX 10000

/*
 * Changes the states of instances. What is in the wanted state already is left alone; *changed counts the versions that
 * were not, and is set also on failure. Durable on return. CAS_NOT_FOUND: nothing was to be changed. CAS_INVALID: the
 * store is not open for writing. CAS_REFUSED: an instance was changed too often, or all that was to be undeleted is
 * discarded.
 */
CAS_API CAS_MUST_USE cas_status cas_store_change(struct cas_store *store, const struct cas_change *change,
                                                 uint64_t *changed, struct cas_error *error);

/* --- the history --- */

struct cas_event {
  int64_t time_ns; /* UTC, nanoseconds since 1970 */
  enum cas_action action;
  enum cas_reason reason;
  uint32_t version; /* 0: all */
  const char *who;  /* "" where it is not known, as the next */
  const char *why;
  uint64_t instances; /* that the record changed with this one */
};

typedef cas_status (*cas_event_fn)(void *arg, const struct cas_event *event);

/* All changes of a SOP Instance UID, oldest first. The event is borrowed during the call. None: CAS_OK without one. */
CAS_API CAS_MUST_USE cas_status cas_history(struct cas_store *store, const char *uid, cas_event_fn each, void *arg,
                                            struct cas_error *error);

/* --- seeing --- */

/*
 * Opens a view of the store, or of a snapshot's handle, in which functions that read nodes and instances show also what
 * is in one of these states: bits 1 << enum cas_state. Reading what is CAS_STATE_DISCARDED may fail.
 * Close it with cas_snapshot_close(), before `store`. Slower than ordinary views where something is hidden.
 */
CAS_API CAS_MUST_USE cas_status cas_view_open(struct cas_store *store, uint32_t states, struct cas_store **view);

/* What is hidden or replaced. */
#define CAS_STATES_HIDDEN                                                                                              \
  (1u << CAS_STATE_REPLACED | 1u << CAS_STATE_HIDDEN_OTHER | 1u << CAS_STATE_HIDDEN_QUALITY |                          \
   1u << CAS_STATE_HIDDEN_SAFETY | 1u << CAS_STATE_HIDDEN_WORKLIST | 1u << CAS_STATE_HIDDEN_RETENTION)

/* What is deleted. */
#define CAS_STATES_DELETED (1u << CAS_STATE_DELETED | 1u << CAS_STATE_DISCARDED)

#ifdef __cplusplus
}
#endif
#endif
