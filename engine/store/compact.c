/*
 * Compacting a store: which segments are worth it, one after the other.
 */
#include "cassette/compact.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/activity.h"
#include "store/compact_change.h"
#include "store/compact_segment.h"
#include "store/dictionaries.h"
#include "store/discard.h"

#define MIN_PERCENT_DEFAULT 5u

/* A segment and what writing it anew would save, about: of what was put off, half goes. */
struct candidate {
  uint64_t segment, size, gain;
};

struct candidates {
  struct compaction *compaction;
  uint32_t last; /* nothing behind it: the last sealed segment */
  struct candidate *list;
  size_t count, capacity;
};

static uint64_t gain_of(const struct ledger_segment *known) { return known->dead_bytes + known->deferred_bytes / 2; }

static bool is_worth_it(const struct compaction *compaction, uint64_t gain, uint64_t size) {
  uint64_t percent = compaction->options->min_percent != 0 ? compaction->options->min_percent : MIN_PERCENT_DEFAULT;
  return gain > 0 && gain * 100 >= size * percent;
}

static cas_status add(struct candidates *candidates, const struct candidate *candidate) {
  if (candidates->count == candidates->capacity) {
    size_t capacity = candidates->capacity == 0 ? 64 : candidates->capacity * 2;
    struct candidate *grown = realloc(candidates->list, capacity * sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    candidates->list = grown;
    candidates->capacity = capacity;
  }
  candidates->list[candidates->count++] = *candidate;
  return CAS_OK;
}

/* One that is not settled waits for the next start: a change of the index failed half way. */
static cas_status consider(void *arg, uint32_t number, const struct ledger_segment *known) {
  struct candidates *candidates = arg;
  struct volume *volume = candidates->compaction->store->volume;
  struct candidate candidate = {.segment = segment_file(number, known->generation), .gain = gain_of(known)};
  if (number > candidates->last || known->settled != known->generation || candidate.gain == 0) return CAS_OK;
  cas_status status = volume_size(volume, candidate.segment, &candidate.size, candidates->compaction->error);
  if (status == CAS_NOT_FOUND || status == CAS_AWAY) return CAS_OK;
  STATUS_TRY(status);
  return is_worth_it(candidates->compaction, candidate.gain, candidate.size) ? add(candidates, &candidate) : CAS_OK;
}

static int by_gain(const void *a, const void *b) {
  const struct candidate *x = a, *y = b;
  return x->gain != y->gain ? (x->gain > y->gain ? -1 : 1) : (x->segment > y->segment) - (x->segment < y->segment);
}

/* Leaves the open segment if it is worth it; *last is the last sealed one then. */
static cas_status seal_if_worth_it(struct compaction *compaction, uint32_t *last) {
  struct cas_store *store = compaction->store;
  struct segment_mark mark;
  struct ledger_segment known;
  STATUS_TRY(mark_get(store->index, &mark, compaction->error));
  if (compaction->options->seal_bytes > 0 && mark.offset > 0) {
    STATUS_TRY(ledger_get_segment(store->index, NULL, mark.segment, &known, compaction->error));
    if (gain_of(&known) >= compaction->options->seal_bytes && is_worth_it(compaction, gain_of(&known), mark.offset)) {
      cas_status status = compact_seal(store, compaction->error);
      if (status != CAS_BUSY) STATUS_TRY(status);
      STATUS_TRY(mark_get(store->index, &mark, compaction->error));
    }
  }
  *last = mark.segment > 0 ? mark.segment - 1 : 0;
  return CAS_OK;
}

/* What cannot be written anew where it lies, in the cold place, keeps none of the others from it. */
static bool is_left_cold(const struct compaction *compaction, uint64_t segment, cas_status status) {
  enum volume_tier tier;
  if (status == CAS_AWAY) return true;
  if (status != CAS_IO && status != CAS_NO_SPACE) return false;
  return volume_tier_of(compaction->store->volume, segment, &tier, NULL) != CAS_OK || tier == VOLUME_COLD;
}

static cas_status compact_all(struct compaction *compaction, struct candidates *candidates) {
  struct cas_store *store = compaction->store;
  struct cas_compact_progress *progress = &compaction->pace.progress;
  struct cas_compact_result *result = compaction->result;
  uint64_t wanted = compaction->options->segments_max != 0 ? compaction->options->segments_max : UINT64_MAX;
  size_t count = candidates->count;
  progress->segments = count < wanted ? count : wanted;
  for (size_t i = 0; i < progress->segments; i++) progress->bytes += candidates->list[i].size;
  /* The mark of an index that a power cut takes back must not lie in a segment that is not what it was. */
  if (count > 0) STATUS_TRY(compact_flush(store, compaction->error));
  dictionaries_settle(store->dictionaries);
  for (size_t i = 0; i < count; i++) {
    if (result->segments >= wanted) {
      result->bytes_left += candidates->list[i].size;
      continue;
    }
    cas_status status = compact_segment(compaction, candidates->list[i].segment);
    progress->segments_done++;
    const bool is_left = is_left_cold(compaction, candidates->list[i].segment, status);
    if (status == CAS_CORRUPT || is_left) {
      result->damaged_segments += !is_left;
      store_log(store, CAS_LOG_WARNING, "%s", compaction->error->message);
      continue;
    }
    STATUS_TRY(status);
  }
  return CAS_OK;
}

static cas_status look(void *arg) {
  struct compaction *compaction = arg;
  const struct cas_compact_options *options = compaction->options;
  return options->progress != NULL ? options->progress(options->arg, &compaction->pace.progress) : CAS_OK;
}

static cas_status discard(struct compaction *compaction) {
  uint64_t *versions = &compaction->result->discarded_versions;
  if (compaction->options->deleted_before_ns == 0) return CAS_OK;
  cas_status status = discard_deleted(compaction->store, compaction->options->deleted_before_ns, look, compaction,
                                      versions, compaction->error);
  if (*versions > 0)
    store_log(compaction->store, CAS_LOG_NOTICE, "the bytes of %" PRIu64 " deleted versions are let go", *versions);
  return status;
}

static cas_status compact(struct compaction *compaction) {
  struct candidates candidates = {.compaction = compaction};
  cas_status status = discard(compaction);
  if (status == CAS_OK) status = seal_if_worth_it(compaction, &candidates.last);
  if (status == CAS_OK) status = ledger_list(compaction->store->index, consider, &candidates, compaction->error);
  if (status == CAS_OK && candidates.count > 1)
    qsort(candidates.list, candidates.count, sizeof *candidates.list, by_gain);
  if (status == CAS_OK) status = compact_all(compaction, &candidates);
  free(candidates.list);
  return status;
}

cas_status cas_store_compact(struct cas_store *store, const struct cas_compact_options *options,
                             struct cas_compact_result *result, struct cas_error *error) {
  static const struct cas_compact_options defaults = {0};
  struct cas_error detail = {0};
  if (options == NULL) options = &defaults;
  struct compaction compaction = {.store = store,
                                  .options = options,
                                  .pace = {.each = options->progress,
                                           .arg = options->arg,
                                           .bytes_per_second = options->bytes_per_second,
                                           .started_ns = clock_now_ns()},
                                  .result = result,
                                  .error = &detail};
  *result = (struct cas_compact_result){0};
  if (store->committer == NULL) return status_fail(error, CAS_INVALID, "the store is not open for writing");
  if (pthread_mutex_trylock(&store->compacting) != 0)
    return status_fail(error, CAS_BUSY, "segments of the store are being written anew already");
  cas_status status = compact(&compaction);
  pthread_mutex_unlock(&store->compacting);
  activity_add_compaction(store->activity, result);
  if (status != CAS_OK && error != NULL) *error = detail;
  return status;
}

uint64_t cas_store_arrived(const struct cas_store *store) {
  return store->pressure == NULL ? 0 : atomic_load_explicit(&store->pressure->total, memory_order_relaxed);
}
