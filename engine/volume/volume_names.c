#include "volume/volume_names.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/status.h"

static const uint32_t segments_per_folder = 1000;
static const char new_suffix[] = ".new";

static void name_folder(uint32_t folder, const char *root, char name[VOLUME_NAME_BYTES]) {
  snprintf(name, VOLUME_NAME_BYTES, "%s%s%02" PRIu32, root, root[0] != '\0' ? "/" : "", folder);
}

const char *volume_root(enum volume_tier tier) { return tier == VOLUME_HOT ? "segments" : "cold"; }

void volume_folder_name(uint32_t number, enum volume_tier tier, char name[VOLUME_NAME_BYTES]) {
  name_folder(number / segments_per_folder, volume_root(tier), name);
}

void volume_name(uint64_t segment, enum volume_tier tier, char name[VOLUME_NAME_BYTES]) {
  uint32_t number = segment_file_number(segment), generation = segment_file_generation(segment);
  char suffix[16] = "";
  if (generation > 0) snprintf(suffix, sizeof suffix, "-%" PRIu32, generation);
  snprintf(name, VOLUME_NAME_BYTES, "%s/%02" PRIu32 "/%08" PRIu32 "%s.seg", volume_root(tier),
           number / segments_per_folder, number, suffix);
}

void volume_new_name(uint64_t segment, enum volume_tier tier, char name[VOLUME_NAME_BYTES]) {
  volume_name(segment, tier, name);
  size_t size = strlen(name);
  snprintf(name + size, VOLUME_NAME_BYTES - size, "%s", new_suffix);
}

struct listing {
  struct volume_files files; /* owned */
  size_t capacity;
  const char *root;
  uint32_t folder; /* which is listed */
  const char *suffix;
};

static cas_status add_file(struct listing *listing, uint64_t value) {
  if (listing->files.count == listing->capacity) {
    size_t capacity = listing->capacity == 0 ? 64 : 2 * listing->capacity;
    uint64_t *grown = realloc(listing->files.values, capacity * sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    listing->files.values = grown;
    listing->capacity = capacity;
  }
  listing->files.values[listing->files.count++] = value;
  return CAS_OK;
}

/* Takes the names that volume_name() gives, with the suffix that is looked for, and no others. */
static cas_status each_file(void *arg, const char *name) {
  struct listing *listing = arg;
  char *rest, expected[VOLUME_NAME_BYTES];
  unsigned long long number = strtoull(name, &rest, 10), generation = 0;
  if (*rest == '-') generation = strtoull(rest + 1, &rest, 10);
  if (number == 0 || number > UINT32_MAX || number / segments_per_folder != listing->folder || generation > UINT32_MAX)
    return CAS_OK;
  uint64_t segment = segment_file((uint32_t)number, (uint32_t)generation);
  volume_name(segment, VOLUME_HOT, expected); /* the same in both tiers, but for the folder */
  const char *own_name = strrchr(expected, '/') + 1;
  size_t size = strlen(own_name);
  if (strncmp(own_name, name, size) != 0 || strcmp(name + size, listing->suffix) != 0) return CAS_OK;
  return add_file(listing, segment);
}

static cas_status each_folder(void *arg, const char *name) {
  char *rest;
  unsigned long value = strtoul(name, &rest, 10);
  if (rest == name || strcmp(rest, "/") != 0 || value > UINT32_MAX / segments_per_folder) return CAS_OK;
  char expected[VOLUME_NAME_BYTES];
  name_folder((uint32_t)value, "", expected);
  size_t size = strlen(expected);
  if (strncmp(expected, name, size) != 0 || name[size] != '/') return CAS_OK;
  return add_file(arg, value);
}

/* By number, then by generation. */
static uint64_t order_of(uint64_t segment) { return segment << 32 | segment >> 32; }

static int compare_segments(const void *a, const void *b) {
  uint64_t x = order_of(*(const uint64_t *)a), y = order_of(*(const uint64_t *)b);
  return x < y ? -1 : x > y;
}

static cas_status list_folder(struct io_disk *disk, struct listing *listing, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  name_folder(listing->folder, listing->root, name);
  return disk->ops->list(disk, name, each_file, listing, error);
}

static cas_status list_folders(struct io_disk *disk, struct listing *listing, struct cas_error *error) {
  struct listing folders = {0};
  cas_status status = disk->ops->list(disk, listing->root, each_folder, &folders, error);
  for (size_t i = 0; i < folders.files.count && status == CAS_OK; i++) {
    listing->folder = (uint32_t)folders.files.values[i];
    status = list_folder(disk, listing, error);
  }
  if (status == CAS_NOT_FOUND && folders.files.count == 0) status = CAS_OK; /* nothing was written yet */
  free(folders.files.values);
  return status;
}

/* Hands over what was listed, or frees it. */
static cas_status end_listing(struct listing *listing, cas_status status, struct volume_files *files,
                              struct cas_error *error) {
  if (status != CAS_OK) {
    free(listing->files.values);
    return status == CAS_NO_MEMORY ? status_fail(error, status, "no memory to list segments") : status;
  }
  if (listing->files.count > 1)
    qsort(listing->files.values, listing->files.count, sizeof *listing->files.values, compare_segments);
  *files = listing->files;
  return CAS_OK;
}

cas_status volume_names_list(struct io_disk *disk, enum volume_tier tier, bool new_files, struct volume_files *files,
                             struct cas_error *error) {
  struct listing listing = {.root = volume_root(tier), .suffix = new_files ? new_suffix : ""};
  return end_listing(&listing, list_folders(disk, &listing, error), files, error);
}

cas_status volume_names_list_root(struct io_disk *disk, struct volume_files *files, struct cas_error *error) {
  struct listing listing = {.root = "", .suffix = ""};
  return end_listing(&listing, list_folders(disk, &listing, error), files, error);
}

cas_status volume_names_list_folder(struct io_disk *disk, enum volume_tier tier, uint32_t number,
                                    struct volume_files *files, struct cas_error *error) {
  struct listing listing = {.root = volume_root(tier), .suffix = "", .folder = number / segments_per_folder};
  return end_listing(&listing, list_folder(disk, &listing, error), files, error);
}

cas_status volume_files_merge(struct volume_files *files, struct volume_files *more, struct cas_error *error) {
  size_t count = files->count + more->count, kept = 0;
  uint64_t *grown = count > 0 ? reallocarray(files->values, count, sizeof *grown) : files->values;
  if (count > 0 && grown == NULL) return status_fail(error, CAS_NO_MEMORY, "no memory to list segments");
  if (more->count > 0) memcpy(grown + files->count, more->values, more->count * sizeof *grown);
  if (count > 1) qsort(grown, count, sizeof *grown, compare_segments);
  for (size_t i = 0; i < count; i++)
    if (kept == 0 || grown[kept - 1] != grown[i]) grown[kept++] = grown[i];
  *files = (struct volume_files){.values = grown, .count = kept};
  free(more->values);
  *more = (struct volume_files){0};
  return CAS_OK;
}

bool volume_files_have(const struct volume_files *files, uint64_t segment) {
  return files->count > 0 &&
         bsearch(&segment, files->values, files->count, sizeof *files->values, compare_segments) != NULL;
}

uint64_t volume_files_highest(const struct volume_files *files, uint32_t number) {
  size_t low = 0, high = files->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (segment_file_number(files->values[middle]) <= number)
      low = middle + 1;
    else
      high = middle;
  }
  return low > 0 && segment_file_number(files->values[low - 1]) == number ? files->values[low - 1] : 0;
}
