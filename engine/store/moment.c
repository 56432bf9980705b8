/*
 * Owns nothing. Invariants that it rests on (placement.c and state_apply.c keep them):
 *  1. No node goes; a folder's first_group is that of its oldest version, and no version below came or changed its
 * state behind last_group.
 *  2. So a folder with last_group <= moment is now what it was then, and what it was then does not change: sums of
 *     folders that changed since are kept (moment_memo.h).
 */
#include "store/moment.h"

#include "store/filter.h"
#include "store/moment_memo.h"
#include "store/state_history.h"

struct summing {
  struct cas_store *store;
  bool any;
  struct moment_sums sums; /* of what is counted so far */
  struct cas_error *error;
};

static bool is_ordinary(const struct cas_store *store) { return store->states == STORE_STATES_ORDINARY; }

static void add_sums(struct summing *summing, const struct moment_sums *more) {
  struct moment_sums *sums = &summing->sums;
  if (!summing->any || more->first_arrival_ns < sums->first_arrival_ns) sums->first_arrival_ns = more->first_arrival_ns;
  if (!summing->any || more->last_arrival_ns > sums->last_arrival_ns) sums->last_arrival_ns = more->last_arrival_ns;
  sums->instances += more->instances;
  sums->bytes += more->bytes;
  summing->any = true;
}

static void sum_instance(const struct cas_store *store, const struct index_node *node, struct moment_sums *sums) {
  struct cas_slice states = slice_of_buffer(&node->states);
  bool shown = (store->states & 1u << states_at(states, store->moment)) != 0;
  int64_t changed_ns;
  *sums = (struct moment_sums){.first_arrival_ns = node->first_arrival_ns,
                               .last_arrival_ns = node->last_arrival_ns,
                               .instances = shown,
                               .bytes = shown ? node->bytes : 0};
  if (states_changed_at(states, store->moment, &changed_ns) && changed_ns > sums->last_arrival_ns)
    sums->last_arrival_ns = changed_ns;
}

static cas_status sums_of(struct cas_store *store, const struct index_node *node, struct moment_sums *sums,
                          struct cas_error *error);

static cas_status add_child(void *arg, const struct index_node *child) {
  struct summing *summing = arg;
  struct moment_sums sums;
  bool met;
  if (child->first_group > summing->store->moment) return CAS_OK;
  STATUS_TRY(filter_meets(summing->store, child, &met, summing->error));
  if (!met) return CAS_OK;
  STATUS_TRY(sums_of(summing->store, child, &sums, summing->error));
  add_sums(summing, &sums);
  return CAS_OK;
}

/* Sums are kept for moments of the past as ordinary views without a filter show them. */
static cas_status sum_up(struct cas_store *store, const char *path, struct moment_sums *sums, struct cas_error *error) {
  struct summing summing = {.store = store, .error = error};
  bool lasts = store->moment != STORE_MOMENT_NOW && is_ordinary(store) && store->filter == NULL;
  if (lasts && moment_memo_get(store->moment_memo, store->moment, path, sums)) return CAS_OK;
  STATUS_TRY(index_list(store->index, path, NULL, add_child, &summing, error));
  *sums = summing.sums;
  if (lasts) moment_memo_put(store->moment_memo, store->moment, path, sums);
  return CAS_OK;
}

/* Recursion ends at the instances. */
static cas_status sums_of(struct cas_store *store, const struct index_node *node, struct moment_sums *sums,
                          struct cas_error *error) {
  if (node->level == CAS_LEVEL_INSTANCE) {
    sum_instance(store, node, sums);
    return CAS_OK;
  }
  bool is_past = node->last_group > store->moment, is_partly_gone = node->gone > 0 && !is_ordinary(store);
  if (is_past || is_partly_gone || filter_is_below(store, node->level)) return sum_up(store, node->path, sums, error);
  *sums = (struct moment_sums){.first_arrival_ns = node->first_arrival_ns,
                               .last_arrival_ns = node->last_arrival_ns,
                               .instances = node->instances,
                               .bytes = node->bytes};
  return CAS_OK;
}

cas_status moment_apply_listed(struct cas_store *store, struct index_node *node, struct cas_error *error) {
  struct moment_sums sums;
  bool met;
  if (node->first_group > store->moment) return CAS_NOT_FOUND;
  STATUS_TRY(filter_meets(store, node, &met, error));
  if (!met) return CAS_NOT_FOUND;
  STATUS_TRY(sums_of(store, node, &sums, error));
  if (sums.instances == 0) return CAS_NOT_FOUND;
  node->instances = sums.instances;
  node->bytes = sums.bytes;
  if (node->level == CAS_LEVEL_INSTANCE) return CAS_OK;
  node->first_arrival_ns = sums.first_arrival_ns;
  node->last_arrival_ns = sums.last_arrival_ns;
  return CAS_OK;
}

cas_status moment_apply(struct cas_store *store, struct index_node *node, struct cas_error *error) {
  STATUS_TRY(filter_admit(store, node->path, false, error));
  return moment_apply_listed(store, node, error);
}

cas_status moment_sum_root(struct cas_store *store, struct index_node *root, struct cas_error *error) {
  struct moment_sums sums;
  STATUS_TRY(sum_up(store, "", &sums, error));
  root->instances = sums.instances;
  root->bytes = sums.bytes;
  root->last_arrival_ns = sums.last_arrival_ns;
  return CAS_OK;
}

bool moment_has_date(const struct cas_store *store, const struct index_node *study) {
  return study->date_group <= store->moment;
}
