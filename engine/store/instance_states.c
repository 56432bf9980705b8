#include "store/instance_states.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

struct instance_states *instance_states_create(enum cas_action action, enum cas_reason reason, const char *who,
                                               const char *why) {
  struct instance_states *states = calloc(1, sizeof *states);
  if (states == NULL) return NULL;
  snprintf(states->who, sizeof states->who, "%s", who != NULL ? who : "");
  snprintf(states->why, sizeof states->why, "%s", why != NULL ? why : "");
  states->change = (struct cas_change){.action = action, .reason = reason, .who = states->who, .why = states->why};
  return states;
}

cas_status instance_states_add(struct instance_states *states, const char *uid, uint32_t version) {
  size_t count = states->change.target_count;
  char *copy = strdup(uid);
  struct cas_target *grown = copy == NULL ? NULL : reallocarray(states->targets, count + 1, sizeof *grown);
  if (grown == NULL) {
    free(copy);
    return CAS_NO_MEMORY;
  }
  grown[count] = (struct cas_target){.uid = copy, .version = version};
  states->change.targets = states->targets = grown;
  states->change.target_count = count + 1;
  return CAS_OK;
}

void instance_states_destroy(struct instance_states *states) {
  if (states == NULL) return;
  for (size_t i = 0; i < states->change.target_count; i++) free((char *)states->targets[i].uid);
  free(states->targets);
  free(states);
}
