/*
 * Owns the facts "deleted" and "deleted/TIME/UID#VERSION". Invariants:
 *  1. Such a fact is there if and only if the node of that version has the state CAS_STATE_DELETED, since TIME.
 *  2. A record discards only what is deleted when it is written, was so before its group, and is shown by no snapshot:
 *     those that come later do not show it either.
 *  3. A version that is discarded can be described without the blobs that it does not use any more.
 *  4. How long ago a version was deleted is what the log says of it as a whole (timeline.h), as a clock may have been
 *     wrong; so no single time lets bytes go too early, or keeps them for ever.
 */
#include "store/discard.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/describe.h"
#include "store/ledger.h"
#include "store/manifest_read.h"
#include "store/placement.h"
#include "store/snapshot_record.h"
#include "store/state_apply.h"
#include "store/state_change.h"
#include "store/timeline.h"

#define SUM_FACT "deleted"
#define FACT_PREFIX "deleted/"
#define FACT_NAME_BYTES (sizeof FACT_PREFIX + 16 + 1 + CAS_UID_TEXT_MAX + 11)
#define FACT_BYTES 24

/* --- the facts --- */

struct sum {
  uint64_t versions, bytes;
};

static bool is_deleted(struct cas_slice states) { return states_at(states, STORE_MOMENT_NOW) == CAS_STATE_DELETED; }

static cas_status take_sum(cas_status status, const struct cas_buffer *value, struct sum *sum) {
  if (status != CAS_NOT_FOUND) STATUS_TRY(status);
  *sum = value->size == 16 ? (struct sum){load_u64(value->data), load_u64(value->data + 8)} : (struct sum){0};
  return CAS_OK;
}

static cas_status change_sum(struct index_batch *batch, bool more, uint64_t bytes, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  struct sum sum;
  uint8_t changed[16];
  STATUS_TRY(take_sum(index_batch_get_fact(batch, SUM_FACT, &value, error), &value, &sum));
  store_u64(changed, more ? sum.versions + 1 : sum.versions - 1);
  store_u64(changed + 8, more ? sum.bytes + bytes : sum.bytes - bytes);
  return index_batch_put_fact(batch, SUM_FACT, slice_of(changed, sizeof changed), error);
}

cas_status discard_waiting(struct index *index, uint64_t *versions, uint64_t *bytes, struct cas_error *error) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  struct sum sum;
  STATUS_TRY(take_sum(index_get_fact(index, SUM_FACT, &value, error), &value, &sum));
  *versions = sum.versions;
  *bytes = sum.bytes;
  return CAS_OK;
}

static void fact_name(struct cas_slice states, const char *identity, char name[FACT_NAME_BYTES]) {
  int64_t time_ns = 0;
  (void)states_changed_at(states, STORE_MOMENT_NOW, &time_ns);
  snprintf(name, FACT_NAME_BYTES, FACT_PREFIX "%016" PRIx64 "/%s", (uint64_t)time_ns, identity);
}

cas_status discard_note(struct index_batch *batch, struct cas_slice before, const struct index_node *node,
                        struct cas_error *error) {
  struct cas_slice now = slice_of_buffer(&node->states);
  char name[FACT_NAME_BYTES];
  uint8_t value[FACT_BYTES];
  if (is_deleted(before)) {
    fact_name(before, node->identity, name);
    index_batch_delete_fact(batch, name);
    STATUS_TRY(change_sum(batch, false, node->bytes, error));
  }
  if (!is_deleted(now)) return CAS_OK;
  fact_name(now, node->identity, name);
  store_u64(value, node->bytes);
  store_u64(value + 8, node->first_group);
  store_u64(value + 16, states_changed_in(now));
  STATUS_TRY(index_batch_put_fact(batch, name, slice_of(value, sizeof value), error));
  return change_sum(batch, true, node->bytes, error);
}

/* --- what it uses --- */

static bool cannot_be_read(cas_status status) {
  return status == CAS_CORRUPT || status == CAS_IO || status == CAS_NOT_FOUND || status == CAS_AWAY;
}

cas_status discard_release(struct cas_store *store, struct index_batch *batch, const struct index_node *node,
                           struct cas_error *error) {
  struct manifest manifest;
  cas_status status = manifest_read_at(store, node->manifest, &manifest, NULL);
  if (cannot_be_read(status)) return CAS_OK;
  STATUS_TRY(status);
  bool *needed = calloc(manifest.blob_count + 1, sizeof *needed);
  status = needed != NULL ? describe_needs(store, batch, &manifest, needed, NULL) : CAS_NO_MEMORY;
  if (status == CAS_OK) {
    size_t count = 0;
    for (size_t i = 0; i < manifest.blob_count; i++)
      if (!needed[i]) manifest.blobs[count++] = manifest.blobs[i];
    manifest.blob_count = count;
    status = ledger_disuse(batch, &manifest, error);
  }
  free(needed);
  manifest_fini(&manifest);
  return cannot_be_read(status) ? CAS_OK : status;
}

/* --- which --- */

struct moments {
  uint64_t *groups; /* the last that each snapshot shows */
  size_t count;
};

static cas_status add_moment(void *arg, const char *name, struct cas_slice value) {
  struct moments *moments = arg;
  struct snapshot_record snapshot;
  uint64_t *grown = reallocarray(moments->groups, moments->count + 1, sizeof *grown);
  (void)name;
  if (grown == NULL) return CAS_NO_MEMORY;
  moments->groups = grown;
  return snapshot_decode_fact(value, &moments->groups[moments->count++], &snapshot) ? CAS_OK : CAS_CORRUPT;
}

static cas_status list_moments(struct cas_store *store, struct moments *moments, struct cas_error *error) {
  return index_list_facts(store->index, SNAPSHOT_FACT_PREFIX, NULL, add_moment, moments, error);
}

/* Whether a snapshot has a version that was first durable in group `born` and deleted in group `deleted`. */
static bool is_in_snapshot(const struct moments *moments, uint64_t born, uint64_t deleted) {
  for (size_t i = 0; i < moments->count; i++)
    if (born <= moments->groups[i] && moments->groups[i] < deleted) return true;
  return false;
}

struct candidate {
  char uid[CAS_UID_TEXT_MAX];
  uint32_t version;
};

struct discarding {
  struct commit_record record; /* first */
  struct cas_store *store;
  int64_t before_ns;
  struct timeline line;
  struct moments moments;
  char last[FACT_NAME_BYTES]; /* looked at so far */
  bool in_future;             /* looking at times behind the present one */
  struct candidate candidates[DISCARD_TARGETS_MAX];
  size_t count;
  struct state_record state;
  struct cas_error *error;
};

/* "deleted/TIME/UID#VERSION" in parts. */
static bool parse_name(const char *name, int64_t *time_ns, struct candidate *candidate) {
  const char *uid = strchr(name + strlen(FACT_PREFIX), '/');
  const char *sign = uid != NULL ? strrchr(uid, '#') : NULL;
  if (sign == NULL || (size_t)(sign - uid) > sizeof candidate->uid) return false;
  *time_ns = (int64_t)strtoull(name + strlen(FACT_PREFIX), NULL, 16);
  candidate->version = (uint32_t)strtoul(sign + 1, NULL, 10);
  snprintf(candidate->uid, sizeof candidate->uid, "%.*s", (int)(sign - uid - 1), uid + 1);
  return true;
}

/* In the order of their times; those that were before 1970 come last. */
static cas_status take_fact(void *arg, const char *name, struct cas_slice value) {
  struct discarding *discarding = arg;
  struct candidate candidate;
  int64_t time_ns;
  if (!parse_name(name, &time_ns, &candidate) || value.size != FACT_BYTES)
    return status_fail(discarding->error, CAS_CORRUPT,
                       "the index entry of a deleted version is damaged: rebuild the index");
  const uint64_t born = load_u64(value.data + 8), deleted = load_u64(value.data + 16);
  if (time_ns >= discarding->before_ns && !discarding->in_future) return CAS_END;
  snprintf(discarding->last, sizeof discarding->last, "%s", name);
  if (timeline_settle(&discarding->line, deleted, time_ns) >= discarding->before_ns) return CAS_OK;
  if (is_in_snapshot(&discarding->moments, born, deleted)) return CAS_OK;
  discarding->candidates[discarding->count++] = candidate;
  return discarding->count == DISCARD_TARGETS_MAX ? CAS_END : CAS_OK;
}

/* --- whether it can be done without them --- */

static cas_status can_be_described(struct cas_store *store, const struct manifest *manifest, bool *can,
                                   struct cas_error *error) {
  CLEANUP_FREE bool *needed = calloc(manifest->blob_count + 1, sizeof *needed);
  if (needed == NULL) return CAS_NO_MEMORY;
  STATUS_TRY(describe_needs(store, NULL, manifest, needed, error));
  return describe_can_do_with(store, manifest, needed, can, error);
}

/* Invariant 3. */
static cas_status check_candidate(struct discarding *discarding, const struct candidate *candidate, bool *can) {
  struct cas_store *store = discarding->store;
  struct record_cookie cookie;
  struct manifest manifest;
  struct cas_error detail = {0};
  *can = false;
  cas_status status = placement_find(store->index, candidate->uid, candidate->version, &cookie, &detail);
  if (status == CAS_OK) status = manifest_read_at(store, cookie, &manifest, &detail);
  if (status == CAS_OK) {
    status = can_be_described(store, &manifest, can, &detail);
    manifest_fini(&manifest);
  }
  if (status == CAS_OK || cannot_be_read(status)) return CAS_OK;
  if (discarding->error != NULL) *discarding->error = detail;
  return status;
}

static cas_status check_candidates(struct discarding *discarding) {
  size_t count = 0;
  for (size_t i = 0; i < discarding->count; i++) {
    bool can;
    STATUS_TRY(check_candidate(discarding, &discarding->candidates[i], &can));
    if (can) discarding->candidates[count++] = discarding->candidates[i];
  }
  discarding->count = count;
  return CAS_OK;
}

/* --- the record --- */

struct looking {
  struct discarding *discarding;
  struct record_group *group;
  const struct candidate *candidate;
};

/* Invariant 2. */
static bool may_go(const struct looking *looking, const struct index_node *node) {
  struct cas_slice states = slice_of_buffer(&node->states);
  uint64_t deleted = states_changed_in(states);
  return node->version == looking->candidate->version && is_deleted(states) &&
         deleted < segment_writer_group(looking->group->writer) &&
         !is_in_snapshot(&looking->discarding->moments, node->first_group, deleted);
}

static cas_status look_at_path(void *arg, const char *path) {
  struct looking *looking = arg;
  struct state_record *state = &looking->discarding->state;
  struct index_node node = {0};
  STATUS_TRY(index_batch_get_node(looking->group->batch, path, &node, looking->group->error));
  if (may_go(looking, &node) && state->target_count < DISCARD_TARGETS_MAX) {
    struct state_target *target = &state->targets[state->target_count++];
    target->version = node.version;
    snprintf(target->uid, sizeof target->uid, "%s", looking->candidate->uid);
  }
  index_node_fini(&node);
  return CAS_OK;
}

static cas_status append(struct commit_record *record, struct record_group *group) {
  struct discarding *discarding = (struct discarding *)record;
  discarding->moments.count = 0;
  STATUS_TRY(list_moments(group->store, &discarding->moments, group->error));
  for (size_t i = 0; i < discarding->count; i++) {
    CLEANUP_BUFFER struct cas_buffer history = {0};
    struct looking looking = {discarding, group, &discarding->candidates[i]};
    STATUS_TRY(state_get_history(group->batch, looking.candidate->uid, &history, group->error));
    if (history.size >= (size_t)STATE_STEPS_MAX * STATE_STEP_BYTES) continue;
    STATUS_TRY(index_batch_find_uid(group->batch, CAS_LEVEL_INSTANCE, looking.candidate->uid, look_at_path, &looking,
                                    group->error));
  }
  return discarding->state.target_count > 0 ? state_change_write(group, &discarding->state) : CAS_OK;
}

static cas_status commit(struct discarding *discarding, uint64_t *versions) {
  discarding->state = (struct state_record){.action = CAS_ACTION_DISCARD, .time_ns = clock_now_ns()};
  discarding->state.targets = calloc(DISCARD_TARGETS_MAX, sizeof *discarding->state.targets);
  if (discarding->state.targets == NULL) return CAS_NO_MEMORY;
  discarding->record = (struct commit_record){.append = append};
  cas_status status = commit_record_wait(discarding->store, &discarding->record, discarding->error);
  if (status == CAS_OK) *versions += discarding->state.target_count;
  state_record_fini(&discarding->state);
  return status;
}

static cas_status discard_behind(struct discarding *discarding, cas_status (*look)(void *arg), void *arg,
                                 uint64_t *versions) {
  struct cas_store *store = discarding->store;
  bool more = true;
  while (more) {
    const char *after = discarding->last[0] != '\0' ? discarding->last : NULL;
    discarding->count = 0;
    STATUS_TRY(look(arg));
    cas_status status = index_list_facts(store->index, FACT_PREFIX, after, take_fact, discarding, discarding->error);
    if (status != CAS_END) STATUS_TRY(status);
    more = discarding->count == DISCARD_TARGETS_MAX;
    STATUS_TRY(check_candidates(discarding));
    if (discarding->count > 0) STATUS_TRY(commit(discarding, versions));
  }
  return CAS_OK;
}

/* What is not due by its own time is due by that of others only if its own is in the future. */
static cas_status discard_all(struct discarding *discarding, cas_status (*look)(void *arg), void *arg,
                              uint64_t *versions) {
  struct index *index = discarding->store->index;
  STATUS_TRY(list_moments(discarding->store, &discarding->moments, discarding->error));
  STATUS_TRY(timeline_load(index, clock_now_ns(), &discarding->line, discarding->error));
  STATUS_TRY(discard_behind(discarding, look, arg, versions));
  if (discarding->before_ns > discarding->line.now_ns) return CAS_OK;
  discarding->in_future = true;
  snprintf(discarding->last, sizeof discarding->last, FACT_PREFIX "%016" PRIx64, (uint64_t)discarding->line.now_ns);
  return discard_behind(discarding, look, arg, versions);
}

cas_status discard_deleted(struct cas_store *store, int64_t before_ns, cas_status (*look)(void *arg), void *arg,
                           uint64_t *versions, struct cas_error *error) {
  struct discarding *discarding = calloc(1, sizeof *discarding);
  if (discarding == NULL) return CAS_NO_MEMORY;
  discarding->store = store;
  discarding->before_ns = before_ns;
  discarding->error = error;
  cas_status status = discard_all(discarding, look, arg, versions);
  timeline_fini(&discarding->line);
  free(discarding->moments.groups);
  free(discarding);
  return status;
}
