/*
 * How the tiers stand, for people.
 */
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cassette/tier.h"
#include "store/paths.h"
#include "store/store.h"

static uint64_t free_bytes_of(const char *path) {
  struct statvfs facts;
  return statvfs(path, &facts) == 0 ? (uint64_t)facts.f_bavail * facts.f_frsize : 0;
}

static void name_folder(const char *link, struct cas_tier_status *status) {
  ssize_t size = readlink(link, status->folder, sizeof status->folder - 1);
  if (size < 0)
    snprintf(status->folder, sizeof status->folder, "%s", link);
  else
    status->folder[size] = '\0';
}

cas_status cas_store_tier_status(struct cas_store *store, struct cas_tier_status *status, struct cas_error *error) {
  struct cas_error reason = {0};
  struct cas_stats stats;
  CLEANUP_FREE char *link = path_join(store->path, volume_root(VOLUME_COLD));
  if (link == NULL) return CAS_NO_MEMORY;
  STATUS_TRY(cas_store_stats(store, &stats, error));
  *status = (struct cas_tier_status){.hot_segments = stats.segments - stats.cold_segments,
                                     .hot_bytes = stats.segment_bytes - stats.cold_bytes,
                                     .cold_segments = stats.cold_segments,
                                     .cold_bytes = stats.cold_bytes,
                                     .away_segments = stats.away_segments,
                                     .hot_free_bytes = stats.free_bytes};
  switch (volume_cold_state(store->volume, &reason)) {
  case VOLUME_COLD_UNKNOWN: return status_fail(error, reason.status, "%s", reason.message);
  case VOLUME_COLD_NONE: return CAS_OK;
  case VOLUME_COLD_HERE:
    status->state = CAS_TIER_HERE;
    status->cold_free_bytes = free_bytes_of(link);
    break;
  case VOLUME_COLD_AWAY:
    status->state = CAS_TIER_AWAY;
    snprintf(status->reason, sizeof status->reason, "%s", reason.message);
    break;
  }
  name_folder(link, status);
  return CAS_OK;
}
