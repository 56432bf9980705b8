/*
 * Owns no state. Invariants of the index:
 *  1. A node's states are those that the history of its UID gives it, and it counts as shown or gone by the last.
 *  2. A folder's instances and bytes are those of the shown versions below it, `gone` counts the others, and its last
 *     group and time are not before any change below it.
 */
#include "store/state_apply.h"

#include "base/status.h"
#include "store/discard.h"
#include "store/timeline.h"

cas_status state_get_history(struct index_batch *batch, const char *uid, struct cas_buffer *history,
                             struct cas_error *error) {
  char fact[STATE_FACT_NAME_BYTES];
  history->size = 0;
  state_fact_name(uid, fact);
  cas_status status = index_batch_get_fact(batch, fact, history, error);
  return status == CAS_NOT_FOUND ? CAS_OK : status;
}

struct application {
  struct cas_store *store;
  struct index_batch *batch;
  const struct state_step *step;
  struct cas_slice history;
  struct cas_error *error;
};

/* --- sums --- */

static void touch(const struct application *application, struct index_node *node) {
  const struct state_step *step = application->step;
  if (step->group > node->last_group) node->last_group = step->group;
  if (step->time_ns > node->last_arrival_ns) node->last_arrival_ns = step->time_ns;
}

/* Moves a version of `bytes` bytes between what is shown and what is gone, in the folders above it. */
static cas_status change_folders(const struct application *application, const char *path, int shown, uint64_t bytes) {
  CLEANUP_FREE char *folder = strdup(path);
  if (folder == NULL) return CAS_NO_MEMORY;
  for (char *slash = strrchr(folder, '/'); slash != NULL; slash = strrchr(folder, '/')) {
    struct index_node node = {0};
    *slash = '\0';
    STATUS_TRY(index_batch_get_node(application->batch, folder, &node, application->error));
    node.instances += (uint64_t)(int64_t)shown;
    node.gone -= (uint64_t)(int64_t)shown;
    node.bytes += (uint64_t)shown * bytes;
    touch(application, &node);
    cas_status status = index_batch_change_node(application->batch, &node, application->error);
    index_node_fini(&node);
    STATUS_TRY(status);
  }
  return CAS_OK;
}

/* --- nodes --- */

/* What the node's bytes are needed for, after `before`. */
static cas_status change_use(const struct application *application, struct cas_slice before,
                             const struct index_node *node) {
  enum cas_state now = states_at(slice_of_buffer(&node->states), STORE_MOMENT_NOW);
  STATUS_TRY(discard_note(application->batch, before, node, application->error));
  if (now != CAS_STATE_DISCARDED || states_at(before, STORE_MOMENT_NOW) == now) return CAS_OK;
  return discard_release(application->store, application->batch, node, application->error);
}

static cas_status change_states(const struct application *application, struct index_node *node) {
  CLEANUP_BUFFER struct cas_buffer states = {0};
  STATUS_TRY(state_history_states(application->history, node->version, node->first_group, &states));
  if (slice_equal(slice_of_buffer(&states), slice_of_buffer(&node->states))) return CAS_OK;
  struct cas_buffer old = node->states;
  node->states = states;
  states = old;
  bool was_shown = node->gone == 0;
  bool is_shown = states_at(slice_of_buffer(&node->states), STORE_MOMENT_NOW) == CAS_STATE_SHOWN;
  node->instances = is_shown;
  node->gone = !is_shown;
  STATUS_TRY(index_batch_change_node(application->batch, node, application->error));
  STATUS_TRY(change_use(application, slice_of_buffer(&states), node));
  return change_folders(application, node->path, (int)is_shown - (int)was_shown, node->bytes);
}

/* The batch is not to be changed while it is searched. */
struct paths {
  char **paths;
  size_t count;
};

static cas_status keep_path(void *arg, const char *path) {
  struct paths *paths = arg;
  char **grown = reallocarray(paths->paths, paths->count + 1, sizeof *grown);
  if (grown == NULL) return CAS_NO_MEMORY;
  paths->paths = grown;
  grown[paths->count] = strdup(path);
  return grown[paths->count++] == NULL ? CAS_NO_MEMORY : CAS_OK;
}

static cas_status change_node(const struct application *application, const char *path) {
  struct index_node node = {0};
  STATUS_TRY(index_batch_get_node(application->batch, path, &node, application->error));
  uint32_t version = application->step->version;
  cas_status status = version == 0 || version == node.version ? change_states(application, &node) : CAS_OK;
  index_node_fini(&node);
  return status;
}

static cas_status apply_target(struct cas_store *store, struct index_batch *batch, const struct state_step *step,
                               const char *uid, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer history = {0};
  struct paths paths = {0};
  char fact[STATE_FACT_NAME_BYTES];
  STATUS_TRY(state_get_history(batch, uid, &history, error));
  STATUS_TRY(state_history_add(&history, step));
  state_fact_name(uid, fact);
  STATUS_TRY(index_batch_put_fact(batch, fact, slice_of_buffer(&history), error));
  struct application application = {
      .store = store, .batch = batch, .step = step, .history = slice_of_buffer(&history), .error = error};
  cas_status status = index_batch_find_uid(batch, CAS_LEVEL_INSTANCE, uid, keep_path, &paths, error);
  for (size_t i = 0; i < paths.count; i++) {
    if (status == CAS_OK) status = change_node(&application, paths.paths[i]);
    free(paths.paths[i]);
  }
  free(paths.paths);
  return status;
}

static uint64_t group_of(uint64_t group, const struct state_record *state) {
  return state->since != 0 ? state->since : group;
}

static cas_status keep_change(struct index_batch *batch, uint64_t group, const struct state_record *state,
                              struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer head = {0};
  struct state_record alone = *state;
  char fact[CHANGE_FACT_NAME_BYTES];
  alone.targets = NULL;
  alone.since = 0;
  STATUS_TRY(state_record_encode(&alone, &head));
  change_fact_name(group, state->ordinal, fact);
  return index_batch_put_fact(batch, fact, slice_of_buffer(&head), error);
}

cas_status state_apply(struct cas_store *store, struct index_batch *batch, uint64_t group,
                       const struct state_record *state, struct cas_error *error) {
  struct state_step step = {.group = group_of(group, state),
                            .ordinal = state->ordinal,
                            .time_ns = state->time_ns,
                            .action = state->action,
                            .reason = state->reason};
  STATUS_TRY(keep_change(batch, step.group, state, error));
  if (state->since == 0) STATUS_TRY(timeline_note(batch, group, state->time_ns, error));
  for (uint32_t i = 0; i < state->target_count; i++) {
    step.version = state->targets[i].version;
    STATUS_TRY(apply_target(store, batch, &step, state->targets[i].uid, error));
  }
  return CAS_OK;
}

cas_status state_is_applied(struct index *index, uint64_t group, const struct state_record *state, bool *applied,
                            struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer history = {0};
  char fact[STATE_FACT_NAME_BYTES];
  struct state_step step;
  *applied = false;
  for (uint32_t i = 0; i < state->target_count && !*applied; i++) {
    history.size = 0;
    state_fact_name(state->targets[i].uid, fact);
    cas_status status = index_get_fact(index, fact, &history, error);
    if (status == CAS_NOT_FOUND) continue;
    STATUS_TRY(status);
    for (size_t position = 0; state_history_next(slice_of_buffer(&history), &position, &step);)
      if (step.group == group_of(group, state) && step.ordinal == state->ordinal) *applied = true;
  }
  return CAS_OK;
}
