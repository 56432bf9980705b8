/*
 * A change of states as a part of an open group.
 *
 * Threads: who runs the group.
 */
#ifndef STORE_STATE_CHANGE_H
#define STORE_STATE_CHANGE_H

#include "store/commit_record.h"
#include "store/state_record.h"

/* Writes a record and brings the batch up to date; gives it its ordinal. */
CAS_MUST_USE cas_status state_change_write(struct record_group *group, struct state_record *state);

/* Of what changes together with an instance; to be asked before it is written. Fails one that replaces a version which
 * cannot be replaced any more. Puts into the manifest of a rejection note which record will belong to it. */
CAS_MUST_USE cas_status state_change_check(struct record_group *group, struct commit_instance *instance);

/* Writes what a rejection note hides or a correction replaces, as one record, and counts the versions in the instance's
 * result; nothing for an instance that failed. Where that is refused, which takes a thousand changes before, the
 * instance is kept all the same. */
CAS_MUST_USE cas_status state_change_follow(struct record_group *group, struct commit_instance *instance);

#endif
