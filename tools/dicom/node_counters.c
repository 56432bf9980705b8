/* Owns nothing: the counts are the node's. */
#include "node_counters.h"

#include <time.h>

static void add(atomic_ullong *count, uint64_t more) { atomic_fetch_add_explicit(count, more, memory_order_relaxed); }

static uint64_t get(const atomic_ullong *count) { return atomic_load_explicit(count, memory_order_relaxed); }

static enum node_operation operation_of(uint16_t field) {
  switch (field) {
  case DIMSE_C_ECHO_RQ: return NODE_ECHO;
  case DIMSE_C_STORE_RQ: return NODE_STORE;
  case DIMSE_C_FIND_RQ: return NODE_FIND;
  case DIMSE_C_GET_RQ: return NODE_GET;
  case DIMSE_C_MOVE_RQ: return NODE_MOVE;
  case DIMSE_N_ACTION_RQ: return NODE_COMMITMENT;
  default: return NODE_OTHER;
  }
}

/* PS3.7 C. */
static enum node_answer answer_of(enum dimse_status status) {
  if (status == DIMSE_SUCCESS) return NODE_SUCCESS;
  if (status == DIMSE_CANCELLED) return NODE_CANCELLED;
  return (status & 0xF000) == 0xB000 ? NODE_WARNING : NODE_FAILURE;
}

void node_count(struct node_counters *counters, enum node_counter counter, uint64_t more) {
  add(&counters->counts[counter], more);
}

int64_t node_counters_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void node_count_request(struct node_counters *counters, uint16_t field, int64_t began_ns) {
  if ((field & DIMSE_RESPONSE_BIT) != 0 || field == DIMSE_C_CANCEL_RQ) return;
  add(&counters->requests[operation_of(field)], 1);
  add(&counters->request_ns[operation_of(field)], (uint64_t)(node_counters_now_ns() - began_ns));
}

void node_count_answer(struct node_counters *counters, const struct dimse_command *request, enum dimse_status status) {
  if (status == DIMSE_PENDING || status == DIMSE_PENDING_UNSUPPORTED_KEYS) return;
  add(&counters->answers[operation_of(request->field)][answer_of(status)], 1);
}

void node_counters_read(const struct node_counters *counters, struct dicom_counters *now) {
  *now = (struct dicom_counters){.associations_open = atomic_load(&counters->associations_open),
                                 .queries_open = atomic_load(&counters->queries_open)};
  for (size_t i = 0; i < NODE_COUNTERS; i++) now->counts[i] = get(&counters->counts[i]);
  for (size_t i = 0; i < NODE_OPERATIONS; i++) {
    now->requests[i] = get(&counters->requests[i]);
    now->request_ns[i] = get(&counters->request_ns[i]);
    for (size_t j = 0; j < NODE_ANSWERS; j++) now->answers[i][j] = get(&counters->answers[i][j]);
  }
}

uint64_t dicom_counters_rejected(const struct dicom_counters *now) {
  return now->counts[NODE_REJECTED_ADDRESS] + now->counts[NODE_REJECTED_CALLING] + now->counts[NODE_REJECTED_CALLED] +
         now->counts[NODE_REJECTED_LIMIT];
}
