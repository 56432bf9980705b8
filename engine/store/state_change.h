/*
 * A change of states as a part of an open group.
 *
 * Threads: who runs the group.
 */
#ifndef STORE_STATE_CHANGE_H
#define STORE_STATE_CHANGE_H

#include "store/commit_record.h"

/* Writes what really changes as one record, if anything, and counts the versions. CAS_REFUSED, without a change: an
 * instance was changed too often, or there are too many targets. */
CAS_MUST_USE cas_status state_change_append(struct record_group *group, const struct cas_change *change,
                                            uint64_t *changed, struct cas_error *error);

#endif
