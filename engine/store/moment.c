/*
 * Owns nothing. Invariants that it rests on (placement.c keeps them):
 *  1. Nodes get no smaller and none goes; a node's first_group is that of its oldest instance, last_group that of its
 *     newest.
 *  2. So a folder with last_group <= moment is now what it was then, and what it was then does not change: sums of
 *     folders that grew since are kept (moment_memo.h).
 */
#include "store/moment.h"

#include "store/moment_memo.h"

struct summing {
  struct cas_store *store;
  struct index_node sums; /* of what is counted so far */
  struct cas_error *error;
};

static cas_status sum_up(struct cas_store *store, const char *path, struct index_node *sums, struct cas_error *error);

static cas_status add_child(void *arg, const struct index_node *child) {
  struct summing *summing = arg;
  struct index_node then = *child, *sums = &summing->sums;
  if (child->first_group > summing->store->moment) return CAS_OK;
  if (child->last_group > summing->store->moment)
    STATUS_TRY(sum_up(summing->store, child->path, &then, summing->error));
  if (sums->instances == 0 || then.first_arrival_ns < sums->first_arrival_ns)
    sums->first_arrival_ns = then.first_arrival_ns;
  if (sums->instances == 0 || then.last_arrival_ns > sums->last_arrival_ns)
    sums->last_arrival_ns = then.last_arrival_ns;
  sums->instances += then.instances;
  sums->bytes += then.bytes;
  return CAS_OK;
}

/* Recursion ends at the series: instances do not change. */
static cas_status sum_up(struct cas_store *store, const char *path, struct index_node *sums, struct cas_error *error) {
  struct summing summing = {.store = store, .error = error};
  struct moment_sums kept;
  if (!moment_memo_get(store->moment_memo, store->moment, path, &kept)) {
    STATUS_TRY(index_list(store->index, path, NULL, add_child, &summing, error));
    kept = (struct moment_sums){.first_arrival_ns = summing.sums.first_arrival_ns,
                                .last_arrival_ns = summing.sums.last_arrival_ns,
                                .instances = summing.sums.instances,
                                .bytes = summing.sums.bytes};
    moment_memo_put(store->moment_memo, store->moment, path, &kept);
  }
  sums->first_arrival_ns = kept.first_arrival_ns;
  sums->last_arrival_ns = kept.last_arrival_ns;
  sums->instances = kept.instances;
  sums->bytes = kept.bytes;
  return CAS_OK;
}

cas_status moment_apply(struct cas_store *store, struct index_node *node, struct cas_error *error) {
  if (node->first_group > store->moment) return CAS_NOT_FOUND;
  if (node->last_group <= store->moment || node->level == CAS_LEVEL_INSTANCE) return CAS_OK;
  return sum_up(store, node->path, node, error);
}

bool moment_has_date(const struct cas_store *store, const struct index_node *study) {
  return study->date_group <= store->moment;
}
