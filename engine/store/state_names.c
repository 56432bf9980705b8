/* What actions, reasons and states are called, in commands, answers and dumps. */
#include <string.h>

#include "cassette/state.h"

static const char *const reasons[] = {"other", "quality", "safety", "worklist", "retention"};
#define REASON_COUNT (sizeof reasons / sizeof *reasons)

const char *cas_action_name(enum cas_action action) {
  switch (action) {
  case CAS_ACTION_DELETE: return "delete";
  case CAS_ACTION_HIDE: return "hide";
  case CAS_ACTION_SHOW: return "show";
  case CAS_ACTION_REPLACE: return "replace";
  case CAS_ACTION_DISCARD: return "discard";
  case CAS_ACTION_UNDELETE: return "undelete";
  }
  return "unknown";
}

const char *cas_reason_name(enum cas_reason reason) {
  return (size_t)reason < REASON_COUNT ? reasons[reason] : "unknown";
}

bool cas_reason_by_name(const char *name, enum cas_reason *reason) {
  for (size_t i = 0; i < REASON_COUNT; i++) {
    if (strcmp(name, reasons[i]) != 0) continue;
    *reason = (enum cas_reason)i;
    return true;
  }
  return false;
}

const char *cas_state_name(enum cas_state state) {
  switch (state) {
  case CAS_STATE_SHOWN: return "shown";
  case CAS_STATE_DELETED: return "deleted";
  case CAS_STATE_REPLACED: return "replaced";
  case CAS_STATE_DISCARDED: return "discarded";
  case CAS_STATE_HIDDEN_OTHER: return "hidden: other";
  case CAS_STATE_HIDDEN_QUALITY: return "hidden: quality";
  case CAS_STATE_HIDDEN_SAFETY: return "hidden: safety";
  case CAS_STATE_HIDDEN_WORKLIST: return "hidden: worklist";
  case CAS_STATE_HIDDEN_RETENTION: return "hidden: retention";
  }
  return "unknown";
}
