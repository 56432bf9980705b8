#include "store/pressure.h"

uint64_t pressure_add(struct pressure *pressure, int64_t now_ns, uint64_t bytes) {
  int_fast64_t now = now_ns / PRESSURE_WINDOW_NS;
  int_fast64_t window = atomic_load_explicit(&pressure->window, memory_order_relaxed);
  if (window != now && atomic_compare_exchange_strong(&pressure->window, &window, now)) {
    uint64_t ended = atomic_exchange(&pressure->bytes, 0);
    atomic_store(&pressure->bytes_last, window + 1 == now ? ended : 0);
  }
  uint64_t present = atomic_fetch_add_explicit(&pressure->bytes, bytes, memory_order_relaxed) + bytes;
  uint64_t last = atomic_load_explicit(&pressure->bytes_last, memory_order_relaxed);
  return present > last ? present : last;
}
