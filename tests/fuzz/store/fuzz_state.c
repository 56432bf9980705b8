/* Any bytes as a change of states: decoded or refused, and what is decoded encodes to the same bytes. Then its targets
 * as a history: what state a version is in depends on nothing but the steps, in whatever order they came. */
#include <stdlib.h>
#include <string.h>

#include "store/state_history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_history(const struct state_record *state, struct cas_slice head) {
  struct cas_buffer up = {0}, down = {0}, states = {0}, others = {0};
  uint32_t count = state->target_count < 64 ? state->target_count : 64;
  for (uint32_t i = 0; i < 2 * count; i++) {
    uint32_t at = i < count ? i : 2 * count - 1 - i;
    struct state_step step = {.group = 1 + head.data[at % head.size] % 8,
                              .ordinal = at,
                              .version = state->targets[at].version % 4,
                              .action = (enum cas_action)(1 + head.data[at % head.size] % 4),
                              .reason = state->reason};
    if (state_history_add(i < count ? &up : &down, &step) != CAS_OK) abort();
  }
  if (up.size != down.size || (up.size > 0 && memcmp(up.data, down.data, up.size) != 0)) abort();
  for (uint32_t version = 1; version < 4; version++) {
    if (state_history_states(slice_of_buffer(&up), version, 3, &states) != CAS_OK) abort();
    if (state_history_states(slice_of_buffer(&down), version, 3, &others) != CAS_OK) abort();
    if (states_at(slice_of_buffer(&states), UINT64_MAX) != states_at(slice_of_buffer(&others), UINT64_MAX)) abort();
    if (states_at(slice_of_buffer(&states), 2) != CAS_STATE_SHOWN) abort();
  }
  cas_buffer_fini(&up);
  cas_buffer_fini(&down);
  cas_buffer_fini(&states);
  cas_buffer_fini(&others);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct state_record state, head;
  struct cas_buffer again = {0};
  if (state_record_decode(slice_of(data, size), &state) != CAS_OK) return 0;
  if (state_record_encode(&state, &again) != CAS_OK || again.size != size || memcmp(again.data, data, size) != 0)
    abort();
  if (!state_record_decode_head(slice_of(data, size), &head) || head.target_count != state.target_count) abort();
  try_history(&state, slice_of(data, size));
  state_record_fini(&state);
  cas_buffer_fini(&again);
  return 0;
}
