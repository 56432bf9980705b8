/*
 * What a replay of the log finds damaged. It is said at the end: what came again further on was healed, and is no loss.
 *
 * Threads: one.
 */
#ifndef STORE_REPLAY_DAMAGE_H
#define STORE_REPLAY_DAMAGE_H

#include "segment/segment.h"
#include "store/store.h"

/* Zero is empty. */
struct replay_damage {
  struct replay_damage_line *lines;
  size_t count, capacity;
};
void replay_damage_fini(struct replay_damage *damage);

/* Takes note of a damage, of which `format` says all; it lies where the event does, or, where that is NULL, in no one
 * place. Above REPLAY_DAMAGES_MAX, and without memory, it is said at once. */
void replay_damage_note(struct replay_damage *damage, const struct cas_store *store, const struct segment_event *event,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Says in the store's log what was not healed, as the index knows, and forgets all. */
void replay_damage_tell(struct replay_damage *damage, const struct cas_store *store);

#endif
