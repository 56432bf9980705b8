/*
 * Changing states: what is asked for becomes a record of what really changes, written by who runs the group, so that it
 * is decided about what the log says and nothing else.
 *
 *  1. A record names single versions, but for what is to hold for later ones, too (version 0), and for showing again.
 *  2. Each target of a record changes something when it is written.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "dicom/uid.h"
#include "store/state_apply.h"
#include "store/state_change.h"

struct commit_states {
  struct commit_record record; /* first */
  const struct cas_change *change;
  size_t begin, end; /* of the change's targets */
  struct state_record state;
  size_t capacity;  /* of the state's targets */
  uint64_t changed; /* versions */
  bool discarded;   /* one that was to be undeleted is */
};

/* One target of the change while its versions are looked at. */
struct looking {
  struct commit_states *commit;
  struct record_group *group;
  const struct cas_target *target;
  uint64_t versions; /* that change */
};

static cas_status put_target(struct commit_states *commit, const char *uid, uint32_t version) {
  struct state_record *state = &commit->state;
  if (state->target_count == commit->capacity) {
    size_t capacity = commit->capacity == 0 ? 64 : commit->capacity * 2;
    struct state_target *grown = reallocarray(state->targets, capacity, sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    state->targets = grown;
    commit->capacity = capacity;
  }
  struct state_target *target = &state->targets[state->target_count++];
  target->version = version;
  snprintf(target->uid, sizeof target->uid, "%s", uid);
  return CAS_OK;
}

/* Invariant 1. */
static bool names_all(const struct state_record *state) {
  return state->action == CAS_ACTION_SHOW || (state->action == CAS_ACTION_HIDE && state_reason_lasts(state->reason));
}

static struct state_step step_of(const struct state_record *state) {
  return (struct state_step){.action = state->action, .reason = state->reason};
}

static cas_status look_at_node(struct looking *looking, const struct index_node *node) {
  struct commit_states *commit = looking->commit;
  struct state_step step = step_of(&commit->state);
  enum cas_state state = states_at(slice_of_buffer(&node->states), STORE_MOMENT_NOW);
  if (looking->target->version != 0 && looking->target->version != node->version) return CAS_OK;
  if (state == CAS_STATE_DISCARDED && step.action == CAS_ACTION_UNDELETE) commit->discarded = true;
  if (state_after(state, &step) == state) return CAS_OK;
  looking->versions++;
  return names_all(&commit->state) ? CAS_OK : put_target(commit, looking->target->uid, node->version);
}

static cas_status look_at_path(void *arg, const char *path) {
  struct looking *looking = arg;
  struct index_node node = {0};
  STATUS_TRY(index_batch_get_node(looking->group->batch, path, &node, looking->group->error));
  cas_status status = look_at_node(looking, &node);
  index_node_fini(&node);
  return status;
}

/* Whether a hiding of what is to come is in force already. */
static bool is_ordered(struct cas_slice history, const struct state_record *state) {
  struct state_step step, last = {0};
  size_t position = 0;
  while (state_history_next(history, &position, &step))
    if (step.version == 0) last = step;
  return last.action == state->action && last.reason == state->reason;
}

static cas_status look_at_target(struct commit_states *commit, struct record_group *group,
                                 const struct cas_target *target) {
  CLEANUP_BUFFER struct cas_buffer history = {0};
  struct looking looking = {.commit = commit, .group = group, .target = target};
  STATUS_TRY(state_get_history(group->batch, target->uid, &history, group->error));
  if (history.size >= (size_t)STATE_STEPS_MAX * STATE_STEP_BYTES) {
    commit->record.status = status_fail(&commit->record.error, CAS_REFUSED, "the state of %s was changed %u times",
                                        target->uid, STATE_STEPS_MAX);
    return CAS_OK;
  }
  STATUS_TRY(index_batch_find_uid(group->batch, CAS_LEVEL_INSTANCE, target->uid, look_at_path, &looking, group->error));
  commit->changed += looking.versions;
  if (!names_all(&commit->state)) return CAS_OK;
  bool ahead = commit->change->ahead && !is_ordered(slice_of_buffer(&history), &commit->state);
  return looking.versions > 0 || ahead ? put_target(commit, target->uid, 0) : CAS_OK;
}

cas_status state_change_write(struct record_group *group, struct state_record *state) {
  CLEANUP_BUFFER struct cas_buffer payload = {0};
  struct record record;
  struct record_cookie cookie;
  state->ordinal = (*group->states)++;
  STATUS_TRY(state_record_write(group->store, state, &record, &payload));
  STATUS_TRY(segment_writer_append(group->writer, &record, slice_of_buffer(&payload), &cookie, group->error));
  return state_apply(group->store, group->batch, segment_writer_group(group->writer), state, group->error);
}

/* The same UID may be asked for twice: the second time it has the state that the first would give it only after the
 * record is written, so it stands in the record twice, which does no harm. */
static cas_status append(struct commit_record *record, struct record_group *group) {
  struct commit_states *commit = (struct commit_states *)record;
  for (size_t i = commit->begin; i < commit->end && record->status == CAS_OK; i++)
    STATUS_TRY(look_at_target(commit, group, &commit->change->targets[i]));
  if (record->status != CAS_OK || commit->state.target_count == 0) {
    commit->changed = 0;
    return CAS_OK;
  }
  if (commit->state.target_count <= CAS_CHANGE_TARGETS_MAX) return state_change_write(group, &commit->state);
  commit->changed = 0;
  record->status = status_fail(&record->error, CAS_REFUSED, "too many versions at once");
  return CAS_OK;
}

/* Cuts at a character of UTF-8. */
static void put_text(char *text, size_t capacity, const char *from) {
  size_t size = from == NULL ? 0 : strlen(from);
  if (size >= capacity)
    for (size = capacity - 1; size > 0 && ((unsigned char)from[size] & 0xC0) == 0x80;) size--;
  if (size > 0) memcpy(text, from, size);
  text[size] = '\0';
}

static void describe(const struct cas_change *change, struct state_record *state) {
  *state = (struct state_record){.action = change->action, .reason = change->reason, .time_ns = clock_now_ns()};
  put_text(state->who, sizeof state->who, change->who);
  put_text(state->why, sizeof state->why, change->why);
}

/* What a manifest says of the next record of the group, if it can. */
static uint16_t states_of(const struct record_group *group) {
  return *group->states < UINT16_MAX ? (uint16_t)(*group->states + 1) : 0;
}

cas_status state_change_check(struct record_group *group, struct commit_instance *instance) {
  if (instance->states == NULL) return CAS_OK;
  const struct cas_change *change = &instance->states->change;
  struct commit_states commit = {.change = change};
  cas_status status = CAS_OK;
  describe(change, &commit.state);
  for (size_t i = 0; i < change->target_count && status == CAS_OK; i++)
    status = look_at_target(&commit, group, &change->targets[i]);
  const bool is_correction = instance->manifest.origin == CAS_ORIGIN_CORRECTED;
  if (is_correction && commit.changed == 0)
    instance->status = status_fail(&instance->error, CAS_NOT_FOUND, "it was deleted or replaced meanwhile");
  if (!is_correction && commit.record.status == CAS_OK && commit.state.target_count > 0)
    instance->manifest.states = states_of(group);
  state_record_fini(&commit.state);
  return status;
}

cas_status state_change_follow(struct record_group *group, struct commit_instance *instance) {
  if (instance->status != CAS_OK || instance->states == NULL) return CAS_OK;
  const struct cas_change *change = &instance->states->change;
  struct commit_states commit = {.change = change, .end = change->target_count};
  describe(change, &commit.state);
  commit.state.of_object = instance->manifest.states != 0;
  cas_status status = append(&commit.record, group);
  if (status == CAS_OK) instance->result.changed = commit.changed;
  state_record_fini(&commit.state);
  return status;
}

static cas_status commit_some(struct cas_store *store, const struct cas_change *change, size_t begin, size_t end,
                              uint64_t *changed, bool *discarded, struct cas_error *error) {
  struct commit_states commit = {.record.append = append, .change = change, .begin = begin, .end = end};
  describe(change, &commit.state);
  cas_status status = commit_record_wait(store, &commit.record, error);
  if (status == CAS_OK) *changed += commit.changed;
  *discarded |= commit.discarded;
  state_record_fini(&commit.state);
  return status;
}

static bool is_for_users(enum cas_action action) {
  return action == CAS_ACTION_DELETE || action == CAS_ACTION_HIDE || action == CAS_ACTION_SHOW ||
         action == CAS_ACTION_UNDELETE;
}

cas_status cas_store_change(struct cas_store *store, const struct cas_change *change, uint64_t *changed,
                            struct cas_error *error) {
  /* A UID may have several versions, and a record has a limit. */
  const size_t step = CAS_CHANGE_TARGETS_MAX / 4;
  bool discarded = false;
  *changed = 0;
  if (!is_for_users(change->action) || change->reason > CAS_REASON_RETENTION)
    return status_fail(error, CAS_INVALID, "no such change of states");
  for (size_t i = 0; i < change->target_count; i++)
    if (!uid_is_acceptable(change->targets[i].uid)) return status_fail(error, CAS_INVALID, "a target is no UID");
  for (size_t at = 0; at < change->target_count; at += step) {
    size_t end = change->target_count - at < step ? change->target_count : at + step;
    STATUS_TRY(commit_some(store, change, at, end, changed, &discarded, error));
  }
  if (*changed > 0 || change->ahead) return CAS_OK;
  if (discarded)
    return status_fail(error, CAS_REFUSED, "its bytes were let go after the deletion: nothing brings them back");
  return status_fail(error, CAS_NOT_FOUND, "there is nothing to %s", cas_action_name(change->action));
}
