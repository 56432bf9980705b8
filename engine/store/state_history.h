/*
 * What was done with the versions of one SOP Instance UID, in the order in which it was done, and what state each
 * version is in because of it. The index keeps, as facts, one history for each UID that was ever changed ("state/UID"),
 * and what each record said of itself ("change/GROUP.ORDINAL"); each instance's node has the states that it went
 * through, so that a list needs no look at the histories.
 *
 *   history  step*, ordered by group and ordinal
 *   step     u64 group, u32 ordinal, u32 version (0: all), i64 time, u8 action, u8 reason
 *   states   { u64 group from which on, i64 time, u8 state }*, ordered by group
 *
 * Threads: any.
 */
#ifndef STORE_STATE_HISTORY_H
#define STORE_STATE_HISTORY_H

#include "base/bytes.h"
#include "store/state_record.h"

#define STATE_FACT_PREFIX "state/"
#define STATE_FACT_NAME_BYTES (sizeof STATE_FACT_PREFIX + CAS_UID_TEXT_MAX)
void state_fact_name(const char *uid, char fact[STATE_FACT_NAME_BYTES]);

#define CHANGE_FACT_NAME_BYTES 40
void change_fact_name(uint64_t group, uint32_t ordinal, char fact[CHANGE_FACT_NAME_BYTES]);

struct state_step {
  uint64_t group;
  uint32_t ordinal;
  uint32_t version;
  int64_t time_ns;
  enum cas_action action;
  enum cas_reason reason;
};
#define STATE_STEP_BYTES 26u

/* More steps than any archive needs for one instance; what would be one more is refused. */
#define STATE_STEPS_MAX 1000u

/* Iterates: start with *position = 0; false at the end. */
bool state_history_next(struct cas_slice history, size_t *position, struct state_step *step);

/* Puts a step in its place. One that is there already is left alone. */
CAS_MUST_USE cas_status state_history_add(struct cas_buffer *history, const struct state_step *step);

/* The highest version that a step names. */
uint32_t state_history_newest(struct cas_slice history);

/* What a version in state `state` becomes by a step that applies to it; one that is undeleted is said to be shown,
 * though it becomes what its history tells. */
enum cas_state state_after(enum cas_state state, const struct state_step *step);

/* Replaces `states` with those that a version went through which was first durable in group `born`. */
CAS_MUST_USE cas_status state_history_states(struct cas_slice history, uint32_t version, uint64_t born,
                                             struct cas_buffer *states);

/* The state at a moment, that is with all groups up to it. */
enum cas_state states_at(struct cas_slice states, uint64_t moment);

/* The group of the last change, 0 where there was none. */
uint64_t states_changed_in(struct cas_slice states);

/* The time of the last change up to a moment; false where there was none. */
bool states_changed_at(struct cas_slice states, uint64_t moment, int64_t *time_ns);

#endif
