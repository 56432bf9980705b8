/* Owns nothing: what was done is read from the histories that the index keeps (store/state_history.h). */
#include "cassette/changes.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/state_history.h"
#include "store/state_record.h"
#include "store/store.h"

/* --- of one UID --- */

static cas_status show_step(struct cas_store *store, const struct state_step *step, cas_event_fn each, void *arg,
                            struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer head = {0};
  struct state_record state = {0};
  char fact[CHANGE_FACT_NAME_BYTES];
  change_fact_name(step->group, step->ordinal, fact);
  cas_status status = index_get_fact(store->index, fact, &head, error);
  if (status == CAS_OK && !state_record_decode_head(slice_of_buffer(&head), &state)) status = CAS_CORRUPT;
  if (status == CAS_NOT_FOUND || status == CAS_CORRUPT)
    return status_fail(error, CAS_CORRUPT, "the index entry %s is damaged: rebuild the index", fact);
  STATUS_TRY(status);
  struct cas_event event = {.time_ns = step->time_ns,
                            .action = step->action,
                            .reason = step->reason,
                            .version = step->version,
                            .who = state.who,
                            .why = state.why,
                            .instances = state.target_count};
  return each(arg, &event);
}

cas_status cas_history(struct cas_store *store, const char *uid, cas_event_fn each, void *arg,
                       struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer history = {0};
  char fact[STATE_FACT_NAME_BYTES];
  struct state_step step;
  size_t position = 0;
  state_fact_name(uid, fact);
  cas_status status = index_get_fact(store->index, fact, &history, error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  while (status == CAS_OK && state_history_next(slice_of_buffer(&history), &position, &step))
    status = show_step(store, &step, each, arg, error);
  return status;
}

/* --- of all --- */

static cas_status take_group(void *arg, const char *name, struct cas_slice value) {
  uint64_t *newest = arg;
  (void)value;
  return sscanf(name, "change/%16" SCNx64, newest) == 1 ? CAS_OK : CAS_CORRUPT;
}

cas_status cas_changes_newest(struct cas_store *store, uint64_t after, uint64_t *newest, struct cas_error *error) {
  char fact[CHANGE_FACT_NAME_BYTES];
  uint64_t found = after;
  change_fact_name(after, UINT32_MAX, fact);
  STATUS_TRY(index_list_facts(store->index, "change/", fact, take_group, &found, error));
  *newest = found;
  return CAS_OK;
}

struct since {
  struct cas_store *store;
  uint64_t after;
  const char *uid;
  cas_changed_fn each;
  void *arg;
  struct cas_error *error;
};

static cas_status pass_on(void *arg, const struct cas_event *event) {
  const struct since *since = arg;
  return since->each(since->arg, since->uid, event);
}

static cas_status take_history(void *arg, const char *name, struct cas_slice history) {
  struct since *since = arg;
  struct state_step step;
  size_t position = 0;
  cas_status status = CAS_OK;
  since->uid = name + strlen(STATE_FACT_PREFIX);
  while (status == CAS_OK && state_history_next(history, &position, &step))
    if (step.group > since->after) status = show_step(since->store, &step, pass_on, since, since->error);
  return status;
}

cas_status cas_changes_since(struct cas_store *store, uint64_t after, cas_changed_fn each, void *arg,
                             struct cas_error *error) {
  struct since since = {.store = store, .after = after, .each = each, .arg = arg, .error = error};
  return index_list_facts(store->index, STATE_FACT_PREFIX, NULL, take_history, &since, error);
}
