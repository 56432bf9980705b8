/*
 * Which files there are, in both tiers, and what crashes left of them.
 *
 * A segment may move from one tier to the other while one looks: it is in the new one before it leaves the old one. So
 * what is not found in the store, and not in the cold place, is looked for in the store once more.
 */
#include <inttypes.h>

#include "base/status.h"
#include "volume/volume_private.h"

enum volume_cold volume_cold_state(const struct volume *volume, struct cas_error *reason) {
  if (volume->marker.size == 0) return VOLUME_COLD_NONE;
  return volume_cold_look(volume->disk, slice_of_buffer(&volume->marker), reason);
}

cas_status volume_fail_away(uint32_t number, const struct cas_error *reason, struct cas_error *error) {
  return status_fail(error, reason->status, "segment %" PRIu32 ": %s", number, reason->message);
}

cas_status volume_is_away(struct volume *volume, uint32_t number, bool *away, struct cas_error *error) {
  struct volume_files hot;
  STATUS_TRY(volume_names_list(volume->disk, VOLUME_HOT, false, &hot, error));
  *away = hot.count > 0 && segment_file_number(hot.values[hot.count - 1]) > number &&
          volume_files_highest(&hot, number) == 0;
  free(hot.values);
  return CAS_OK;
}

/* --- listing --- */

static bool is_highest(const struct volume_files *files, size_t i) {
  return i + 1 == files->count || segment_file_number(files->values[i + 1]) != segment_file_number(files->values[i]);
}

static cas_status add_tier(struct volume *volume, enum volume_tier tier, struct volume_files *all,
                           struct cas_error *error) {
  struct volume_files more = {0};
  STATUS_TRY(volume_names_list(volume->disk, tier, false, &more, error));
  cas_status status = volume_files_merge(all, &more, error);
  free(more.values);
  return status;
}

/* What is in the cold place, and what came from there meanwhile. A cold place that cannot be listed is away. */
static cas_status add_cold(struct volume *volume, struct volume_files *all, bool *whole, struct cas_error *error) {
  struct cas_error reason = {0};
  enum volume_cold cold = volume_cold_state(volume, &reason);
  if (cold == VOLUME_COLD_UNKNOWN) return status_fail(error, reason.status, "%s", reason.message);
  *whole = cold != VOLUME_COLD_AWAY;
  if (cold != VOLUME_COLD_HERE) return CAS_OK;
  cas_status status = add_tier(volume, VOLUME_COLD, all, error);
  *whole = status == CAS_OK;
  if (status_is_scarcity(status)) return status;
  return status == CAS_OK ? add_tier(volume, VOLUME_HOT, all, error) : CAS_OK;
}

static cas_status list_both(struct volume *volume, struct volume_files *all, bool *whole, struct cas_error *error) {
  *all = (struct volume_files){0};
  *whole = true;
  cas_status status = add_tier(volume, VOLUME_HOT, all, error);
  if (status == CAS_OK) status = add_cold(volume, all, whole, error);
  if (status != CAS_OK) free(all->values);
  return status;
}

cas_status volume_list(struct volume *volume, uint64_t **segments, size_t *count, bool *whole,
                       struct cas_error *error) {
  struct volume_files all;
  size_t kept = 0;
  bool is_whole;
  STATUS_TRY(list_both(volume, &all, &is_whole, error));
  for (size_t i = 0; i < all.count; i++)
    if (is_highest(&all, i)) all.values[kept++] = all.values[i];
  *segments = all.values;
  *count = kept;
  if (whole != NULL) *whole = is_whole;
  return CAS_OK;
}

cas_status volume_list_generations(struct volume *volume, uint64_t **segments, size_t *count, struct cas_error *error) {
  struct volume_files all;
  bool is_whole;
  STATUS_TRY(list_both(volume, &all, &is_whole, error));
  *segments = all.values;
  *count = all.count;
  return CAS_OK;
}

/* Raises *segment to the highest generation in a tier; 0 stays where there is none. */
static cas_status find_in(struct volume *volume, enum volume_tier tier, uint32_t number, uint64_t *segment,
                          struct cas_error *error) {
  struct volume_files files;
  cas_status status = volume_names_list_folder(volume->disk, tier, number, &files, error);
  if (status == CAS_NOT_FOUND) return CAS_OK;
  STATUS_TRY(status);
  for (size_t i = 0; i < files.count; i++)
    if (segment_file_number(files.values[i]) == number && files.values[i] >= *segment) *segment = files.values[i];
  free(files.values);
  return CAS_OK;
}

cas_status volume_find(struct volume *volume, uint32_t number, uint64_t *segment, struct cas_error *error) {
  struct cas_error reason = {0};
  uint64_t found = 0;
  bool away = false;
  STATUS_TRY(find_in(volume, VOLUME_HOT, number, &found, error));
  enum volume_cold cold = volume_cold_state(volume, &reason);
  if (cold == VOLUME_COLD_HERE) {
    STATUS_TRY(find_in(volume, VOLUME_COLD, number, &found, error));
    if (found == 0) STATUS_TRY(find_in(volume, VOLUME_HOT, number, &found, error));
  } else if (cold == VOLUME_COLD_AWAY && found == 0) {
    STATUS_TRY(volume_is_away(volume, number, &away, error));
  }
  if (away || cold == VOLUME_COLD_UNKNOWN) return volume_fail_away(number, &reason, error);
  if (found == 0) return status_fail(error, CAS_NOT_FOUND, "there is no segment %" PRIu32, number);
  *segment = found;
  return CAS_OK;
}

/* --- what crashes left --- */

struct leftovers {
  struct volume *volume;
  struct volume_files hot, cold, all;
  bool cold_is_known;
};

/* The name of what counts is made durable first: whoever gave it may have been killed before it was. */
static cas_status remove_leftover(const struct leftovers *leftovers, uint64_t segment, enum volume_tier tier,
                                  struct cas_error *error) {
  const uint64_t counts = volume_files_highest(&leftovers->all, segment_file_number(segment));
  const bool counts_hot = volume_files_have(&leftovers->hot, counts);
  if (counts == segment && (tier == VOLUME_HOT || !counts_hot)) return CAS_OK;
  if (counts != segment && !counts_hot && !leftovers->cold_is_known) return CAS_OK;
  char name[VOLUME_NAME_BYTES];
  struct io_disk *disk = leftovers->volume->disk;
  volume_name(counts, counts_hot ? VOLUME_HOT : VOLUME_COLD, name);
  STATUS_TRY(disk->ops->rename(disk, name, name, error));
  return volume_discard(leftovers->volume, segment, tier, error);
}

static cas_status clean_tier(const struct leftovers *leftovers, enum volume_tier tier, struct cas_error *error) {
  const struct volume_files *files = tier == VOLUME_HOT ? &leftovers->hot : &leftovers->cold;
  struct volume_files unnamed;
  for (size_t i = 0; i < files->count; i++) STATUS_TRY(remove_leftover(leftovers, files->values[i], tier, error));
  STATUS_TRY(volume_names_list(leftovers->volume->disk, tier, true, &unnamed, error));
  cas_status status = CAS_OK;
  for (size_t i = 0; i < unnamed.count && status == CAS_OK; i++)
    status = volume_remove_new(leftovers->volume, unnamed.values[i], tier, error);
  free(unnamed.values);
  return status;
}

static cas_status list_leftovers(struct leftovers *leftovers, bool *cold_is_here, struct cas_error *error) {
  struct volume *volume = leftovers->volume;
  STATUS_TRY(add_tier(volume, VOLUME_HOT, &leftovers->hot, error));
  struct cas_error reason = {0};
  enum volume_cold cold = volume_cold_state(volume, &reason);
  if (cold == VOLUME_COLD_UNKNOWN) return status_fail(error, reason.status, "%s", reason.message);
  *cold_is_here = cold == VOLUME_COLD_HERE && add_tier(volume, VOLUME_COLD, &leftovers->cold, NULL) == CAS_OK;
  STATUS_TRY(add_tier(volume, VOLUME_HOT, &leftovers->all, error));
  return *cold_is_here ? add_tier(volume, VOLUME_COLD, &leftovers->all, error) : CAS_OK;
}

cas_status volume_clean(struct volume *volume, bool cold_is_known, struct cas_error *error) {
  struct leftovers leftovers = {.volume = volume, .cold_is_known = cold_is_known};
  bool cold_is_here;
  cas_status status = list_leftovers(&leftovers, &cold_is_here, error);
  if (status == CAS_OK) status = clean_tier(&leftovers, VOLUME_HOT, error);
  /* What cannot be removed there takes space, and does no harm. */
  if (status == CAS_OK && cold_is_here) (void)!clean_tier(&leftovers, VOLUME_COLD, NULL);
  free(leftovers.hot.values);
  free(leftovers.cold.values);
  free(leftovers.all.values);
  return status;
}
