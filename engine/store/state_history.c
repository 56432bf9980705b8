/*
 * Owns the bytes of histories and of the states of a node.
 *
 *  1. The states of a version follow from its history alone: the order in which records and manifests are applied to
 * the index makes no difference.
 */
#include "store/state_history.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/status.h"

#define STATE_BYTES 17u

void state_fact_name(const char *uid, char fact[STATE_FACT_NAME_BYTES]) {
  snprintf(fact, STATE_FACT_NAME_BYTES, "%s%s", STATE_FACT_PREFIX, uid);
}

void change_fact_name(uint64_t group, uint32_t ordinal, char fact[CHANGE_FACT_NAME_BYTES]) {
  snprintf(fact, CHANGE_FACT_NAME_BYTES, "change/%016" PRIx64 ".%08" PRIx32, group, ordinal);
}

/* --- histories --- */

static void put_step(uint8_t bytes[STATE_STEP_BYTES], const struct state_step *step) {
  store_u64(bytes, step->group);
  store_u32(bytes + 8, step->ordinal);
  store_u32(bytes + 12, step->version);
  store_u64(bytes + 16, (uint64_t)step->time_ns);
  bytes[24] = (uint8_t)step->action;
  bytes[25] = (uint8_t)step->reason;
}

bool state_history_next(struct cas_slice history, size_t *position, struct state_step *step) {
  if (history.size < STATE_STEP_BYTES || *position > history.size - STATE_STEP_BYTES) return false;
  const uint8_t *bytes = history.data + *position;
  *step = (struct state_step){.group = load_u64(bytes),
                              .ordinal = load_u32(bytes + 8),
                              .version = load_u32(bytes + 12),
                              .time_ns = (int64_t)load_u64(bytes + 16),
                              .action = (enum cas_action)bytes[24],
                              .reason = (enum cas_reason)bytes[25]};
  *position += STATE_STEP_BYTES;
  return true;
}

/* By group, ordinal and version. */
static int compare_steps(const struct state_step *a, const struct state_step *b) {
  if (a->group != b->group) return a->group < b->group ? -1 : 1;
  if (a->ordinal != b->ordinal) return a->ordinal < b->ordinal ? -1 : 1;
  return a->version < b->version ? -1 : a->version > b->version;
}

cas_status state_history_add(struct cas_buffer *history, const struct state_step *step) {
  uint8_t bytes[STATE_STEP_BYTES] = {0};
  struct state_step other;
  size_t at = 0, position = 0;
  while (state_history_next(slice_of_buffer(history), &position, &other)) {
    int order = compare_steps(&other, step);
    if (order == 0) return CAS_OK;
    if (order > 0) break;
    at = position;
  }
  STATUS_TRY(cas_buffer_append(history, slice_of(bytes, sizeof bytes)));
  memmove(history->data + at + STATE_STEP_BYTES, history->data + at, history->size - STATE_STEP_BYTES - at);
  put_step(history->data + at, step);
  return CAS_OK;
}

uint32_t state_history_newest(struct cas_slice history) {
  struct state_step step;
  size_t position = 0;
  uint32_t newest = 0;
  while (state_history_next(history, &position, &step))
    if (step.version > newest) newest = step.version;
  return newest;
}

/* --- states --- */

/* What a version is, and what it would be had it never been deleted. */
struct standing {
  enum cas_state now, otherwise;
};

static bool is_gone(enum cas_state state) { return state == CAS_STATE_DELETED || state == CAS_STATE_DISCARDED; }

/* Of a version that is neither deleted nor discarded. */
static enum cas_state otherwise_after(enum cas_state state, const struct state_step *step) {
  bool is_hidden = state >= CAS_STATE_HIDDEN_OTHER;
  if (step->action == CAS_ACTION_SHOW) return is_hidden ? CAS_STATE_SHOWN : state;
  if (state != CAS_STATE_SHOWN && !is_hidden) return state;
  if (step->action == CAS_ACTION_REPLACE) return CAS_STATE_REPLACED;
  return (enum cas_state)(CAS_STATE_HIDDEN_OTHER + (unsigned)step->reason);
}

static void take_step(struct standing *standing, const struct state_step *step) {
  switch (step->action) {
  case CAS_ACTION_DELETE:
    if (standing->now != CAS_STATE_DISCARDED) standing->now = CAS_STATE_DELETED;
    return;
  case CAS_ACTION_DISCARD:
    if (standing->now == CAS_STATE_DELETED) standing->now = CAS_STATE_DISCARDED;
    return;
  case CAS_ACTION_UNDELETE:
    if (standing->now == CAS_STATE_DELETED) standing->now = standing->otherwise;
    return;
  case CAS_ACTION_HIDE:
  case CAS_ACTION_SHOW:
  case CAS_ACTION_REPLACE: break;
  }
  standing->otherwise = otherwise_after(standing->otherwise, step);
  if (!is_gone(standing->now)) standing->now = standing->otherwise;
}

enum cas_state state_after(enum cas_state state, const struct state_step *step) {
  struct standing standing = {.now = state, .otherwise = is_gone(state) ? CAS_STATE_SHOWN : state};
  take_step(&standing, step);
  return standing.now;
}

static cas_status put_state(struct cas_buffer *states, uint64_t group, int64_t time_ns, enum cas_state state) {
  uint8_t bytes[STATE_BYTES];
  store_u64(bytes, group);
  store_u64(bytes + 8, (uint64_t)time_ns);
  bytes[16] = (uint8_t)state;
  bool replaces = states->size >= STATE_BYTES && load_u64(states->data + states->size - STATE_BYTES) == group;
  if (replaces) states->size -= STATE_BYTES;
  return cas_buffer_append(states, slice_of(bytes, sizeof bytes));
}

cas_status state_history_states(struct cas_slice history, uint32_t version, uint64_t born, struct cas_buffer *states) {
  struct standing standing = {.now = CAS_STATE_SHOWN, .otherwise = CAS_STATE_SHOWN};
  struct state_step step;
  size_t position = 0;
  states->size = 0;
  while (state_history_next(history, &position, &step)) {
    if (step.version != 0 && step.version != version) continue;
    enum cas_state before = standing.now;
    take_step(&standing, &step);
    if (standing.now == before) continue;
    STATUS_TRY(put_state(states, step.group > born ? step.group : born, step.time_ns, standing.now));
  }
  return CAS_OK;
}

/* The last entry up to a moment, or NULL. */
static const uint8_t *entry_at(struct cas_slice states, uint64_t moment) {
  const uint8_t *found = NULL;
  for (size_t at = 0; at + STATE_BYTES <= states.size && load_u64(states.data + at) <= moment; at += STATE_BYTES)
    found = states.data + at;
  return found;
}

enum cas_state states_at(struct cas_slice states, uint64_t moment) {
  const uint8_t *entry = entry_at(states, moment);
  if (entry == NULL || entry[16] > CAS_STATE_HIDDEN_RETENTION) return CAS_STATE_SHOWN;
  return (enum cas_state)entry[16];
}

uint64_t states_changed_in(struct cas_slice states) {
  const uint8_t *entry = entry_at(states, UINT64_MAX);
  return entry != NULL ? load_u64(entry) : 0;
}

bool states_changed_at(struct cas_slice states, uint64_t moment, int64_t *time_ns) {
  const uint8_t *entry = entry_at(states, moment);
  if (entry != NULL) *time_ns = (int64_t)load_u64(entry + 8);
  return entry != NULL;
}
