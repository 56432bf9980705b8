/*
 * Changes of states that become durable together with an instance: what a rejection note hides, what a correction
 * replaces.
 *
 * Threads: one at a time.
 */
#ifndef STORE_INSTANCE_STATES_H
#define STORE_INSTANCE_STATES_H

#include "cassette/state.h"

struct instance_states {
  struct cas_change change; /* its texts and targets are the following */
  char who[CAS_WHO_MAX + 1];
  char why[CAS_WHY_MAX + 1];
  struct cas_target *targets; /* with UIDs that are owned, too */
};

/* No targets yet. NULL without memory. */
struct instance_states *instance_states_create(enum cas_action action, enum cas_reason reason, const char *who,
                                               const char *why);
CAS_MUST_USE cas_status instance_states_add(struct instance_states *states, const char *uid, uint32_t version);
void instance_states_destroy(struct instance_states *states); /* NULL is allowed */

#endif
