#include "store/pace.h"

#include <time.h>

#include "base/clock.h"
#include "base/status.h"

cas_status pace_keep(struct pace *pace, uint64_t bytes) {
  pace->progress.bytes_done += bytes;
  for (;;) {
    if (pace->each != NULL) STATUS_TRY(pace->each(pace->arg, &pace->progress));
    if (pace->bytes_per_second == 0) return CAS_OK;
    double due_s = (double)pace->progress.bytes_done / (double)pace->bytes_per_second;
    double early_s = due_s - (double)(clock_now_ns() - pace->started_ns) / 1e9;
    if (early_s <= 0) return CAS_OK;
    struct timespec pause = {.tv_nsec = early_s < 0.05 ? (long)(early_s * 1e9) : 50000000};
    nanosleep(&pause, NULL);
  }
}
