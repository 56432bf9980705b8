/*
 * Owns two small tables under `lock`: counts by segment, of which few are pinned at once, and the doomed as a hash set
 * with open addressing.
 */
#include "store/pins.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct pinned {
  uint32_t segment, count;
};

struct doomed {
  struct blob_id id;
  bool there;
};

struct pins {
  pthread_mutex_t lock;
  /* All below under lock. */
  struct pinned *pinned;
  size_t pinned_count, pinned_capacity;
  uint32_t doomed_segment; /* that all the doomed lie in */
  struct doomed *doomed;
  size_t doomed_count, doomed_capacity; /* a power of two, at least twice the count; pardoned ones stay as holes */
};

cas_status pins_create(struct pins **pins) {
  struct pins *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  pthread_mutex_init(&created->lock, NULL);
  *pins = created;
  return CAS_OK;
}

void pins_destroy(struct pins *pins) {
  if (pins == NULL) return;
  assert(pins->pinned_count == 0);
  pthread_mutex_destroy(&pins->lock);
  free(pins->pinned);
  free(pins->doomed);
  free(pins);
}

/* --- under lock --- */

static struct pinned *find_pinned(struct pins *pins, uint32_t segment) {
  for (size_t i = 0; i < pins->pinned_count; i++)
    if (pins->pinned[i].segment == segment) return &pins->pinned[i];
  return NULL;
}

static bool pin(struct pins *pins, uint32_t segment) {
  struct pinned *pinned = find_pinned(pins, segment);
  if (pinned == NULL && pins->pinned_count == pins->pinned_capacity) {
    size_t capacity = pins->pinned_capacity == 0 ? 16 : 2 * pins->pinned_capacity;
    struct pinned *grown = realloc(pins->pinned, capacity * sizeof *grown);
    if (grown == NULL) return false;
    pins->pinned = grown;
    pins->pinned_capacity = capacity;
  }
  if (pinned == NULL) {
    pinned = &pins->pinned[pins->pinned_count++];
    *pinned = (struct pinned){.segment = segment};
  }
  pinned->count++;
  return true;
}

/* The blob's slot, or the free one where it would be. A hole keeps its name and is not there. */
static struct doomed *find_doomed(const struct pins *pins, const struct blob_id *id) {
  static const struct blob_id nobody = {0};
  size_t at = load_u32(id->hash.bytes) & (pins->doomed_capacity - 1);
  for (;; at = (at + 1) & (pins->doomed_capacity - 1)) {
    struct doomed *slot = &pins->doomed[at];
    if (blob_id_equal(&slot->id, id) || (!slot->there && blob_id_equal(&slot->id, &nobody))) return slot;
  }
}

static bool is_doomed(const struct pins *pins, const struct blob_id *id) {
  return pins->doomed_capacity > 0 && find_doomed(pins, id)->there;
}

static bool grow_doomed(struct pins *pins) {
  if (2 * (pins->doomed_count + 1) <= pins->doomed_capacity) return true;
  size_t old_capacity = pins->doomed_capacity;
  struct doomed *old = pins->doomed;
  size_t capacity = old_capacity == 0 ? 1024 : 2 * old_capacity;
  struct doomed *grown = calloc(capacity, sizeof *grown);
  if (grown == NULL) return false;
  pins->doomed = grown;
  pins->doomed_capacity = capacity;
  pins->doomed_count = 0;
  for (size_t i = 0; i < old_capacity; i++) {
    if (!old[i].there) continue;
    *find_doomed(pins, &old[i].id) = old[i];
    pins->doomed_count++;
  }
  free(old);
  return true;
}

/* --- */

bool pins_take(struct pins *pins, uint32_t segment, const struct blob_id *id) {
  pthread_mutex_lock(&pins->lock);
  bool taken = !(segment == pins->doomed_segment && is_doomed(pins, id)) && pin(pins, segment);
  pthread_mutex_unlock(&pins->lock);
  return taken;
}

bool pins_again(struct pins *pins, uint32_t segment) {
  pthread_mutex_lock(&pins->lock);
  bool taken = pin(pins, segment);
  pthread_mutex_unlock(&pins->lock);
  return taken;
}

void pins_release(struct pins *pins, uint32_t segment) {
  pthread_mutex_lock(&pins->lock);
  struct pinned *pinned = find_pinned(pins, segment);
  assert(pinned != NULL && pinned->count > 0);
  if (--pinned->count == 0) *pinned = pins->pinned[--pins->pinned_count];
  pthread_mutex_unlock(&pins->lock);
}

bool pins_doom(struct pins *pins, uint32_t segment, const struct blob_id *id) {
  pthread_mutex_lock(&pins->lock);
  bool doomed = find_pinned(pins, segment) == NULL && grow_doomed(pins);
  if (doomed) {
    struct doomed *slot = find_doomed(pins, id);
    if (!blob_id_equal(&slot->id, id)) pins->doomed_count++;
    *slot = (struct doomed){.id = *id, .there = true};
    pins->doomed_segment = segment;
  }
  pthread_mutex_unlock(&pins->lock);
  return doomed;
}

void pins_pardon(struct pins *pins, const struct blob_id *id) {
  pthread_mutex_lock(&pins->lock);
  if (pins->doomed_capacity > 0) find_doomed(pins, id)->there = false;
  pthread_mutex_unlock(&pins->lock);
}

void pins_end(struct pins *pins) {
  pthread_mutex_lock(&pins->lock);
  free(pins->doomed);
  pins->doomed = NULL;
  pins->doomed_count = pins->doomed_capacity = 0;
  pthread_mutex_unlock(&pins->lock);
}

bool pin_set_add(struct pin_set *set, struct pins *pins, uint32_t segment) {
  if (segment == 0) return true;
  for (size_t i = set->count; i > 0; i--)
    if (set->segments[i - 1] == segment) return true;
  if (set->count == set->capacity) {
    size_t capacity = set->capacity == 0 ? 4 : set->capacity * 2;
    uint32_t *grown = realloc(set->segments, capacity * sizeof *grown);
    if (grown == NULL) return false;
    set->segments = grown;
    set->capacity = capacity;
  }
  if (!pins_again(pins, segment)) return false;
  set->segments[set->count++] = segment;
  return true;
}

void pin_set_fini(struct pin_set *set, struct pins *pins) {
  for (size_t i = 0; i < set->count; i++) pins_release(pins, set->segments[i]);
  free(set->segments);
  *set = (struct pin_set){0};
}
