/*
 * Owns the files that are open for reading, at most `capacity` of them, the least recently used going first.
 *
 * Invariants
 *  1. A slot with users is neither closed nor given to another segment. Where all slots are in use, a read opens its
 * file for itself.
 *  2. The lock is never held across I/O.
 */
#include "volume/volume.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "base/status.h"

static const char root[] = "segments";
static const uint32_t segments_per_folder = 1000;
static const char new_suffix[] = ".new";

struct slot {
  uint64_t segment; /* 0: free */
  bool discarded;   /* closed with its last user */
  uint32_t users;
  uint64_t used_last;
  struct io_file *file;
};

struct volume {
  struct io_disk *disk;
  pthread_mutex_t lock;
  /* All below under lock. */
  uint64_t clock;
  size_t capacity;
  struct slot slots[];
};

void volume_name(uint64_t segment, char name[VOLUME_NAME_BYTES]) {
  uint32_t number = segment_file_number(segment), generation = segment_file_generation(segment);
  char suffix[16] = "";
  if (generation > 0) snprintf(suffix, sizeof suffix, "-%" PRIu32, generation);
  snprintf(name, VOLUME_NAME_BYTES, "%s/%02" PRIu32 "/%08" PRIu32 "%s.seg", root, number / segments_per_folder, number,
           suffix);
}

/* Of a file that counts for nothing yet. */
static void new_name(uint64_t segment, char name[VOLUME_NAME_BYTES]) {
  volume_name(segment, name);
  size_t size = strlen(name);
  snprintf(name + size, VOLUME_NAME_BYTES - size, "%s", new_suffix);
}

static void folder_name(uint32_t folder, char name[VOLUME_NAME_BYTES]) {
  snprintf(name, VOLUME_NAME_BYTES, "%s/%02" PRIu32, root, folder);
}

cas_status volume_open(struct io_disk *disk, size_t open_files_max, struct volume **volume, struct cas_error *error) {
  size_t capacity = open_files_max == 0 ? 1 : open_files_max;
  struct volume *made = calloc(1, sizeof *made + capacity * sizeof made->slots[0]);
  if (made == NULL) return status_fail(error, CAS_NO_MEMORY, "no memory for a volume");
  made->disk = disk;
  made->capacity = capacity;
  pthread_mutex_init(&made->lock, NULL);
  *volume = made;
  return CAS_OK;
}

void volume_close(struct volume *volume) {
  if (volume == NULL) return;
  for (size_t i = 0; i < volume->capacity; i++)
    if (volume->slots[i].file != NULL) volume->slots[i].file->ops->close(volume->slots[i].file);
  pthread_mutex_destroy(&volume->lock);
  free(volume);
}

const char *volume_tier(const struct volume *volume) {
  (void)volume; /* a folder is the only kind */
  return "local";
}

struct io_disk *volume_disk(struct volume *volume) {
  return volume->disk;
}

/* --- listing --- */

struct segments {
  uint64_t *values; /* owned */
  size_t count, capacity;
  uint32_t folder; /* which is listed */
  const char *suffix;
};

static cas_status add_segment(struct segments *segments, uint64_t value) {
  if (segments->count == segments->capacity) {
    size_t capacity = segments->capacity == 0 ? 64 : 2 * segments->capacity;
    uint64_t *grown = realloc(segments->values, capacity * sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    segments->values = grown;
    segments->capacity = capacity;
  }
  segments->values[segments->count++] = value;
  return CAS_OK;
}

/* Takes the names that volume_name() gives, with the suffix that is looked for, and no others. */
static cas_status each_segment(void *arg, const char *name) {
  struct segments *segments = arg;
  char *rest, expected[VOLUME_NAME_BYTES];
  unsigned long long number = strtoull(name, &rest, 10), generation = 0;
  if (*rest == '-') generation = strtoull(rest + 1, &rest, 10);
  if (number == 0 || number > UINT32_MAX || number / segments_per_folder != segments->folder || generation > UINT32_MAX)
    return CAS_OK;
  uint64_t segment = segment_file((uint32_t)number, (uint32_t)generation);
  volume_name(segment, expected);
  const char *own_name = strrchr(expected, '/') + 1;
  size_t size = strlen(own_name);
  if (strncmp(own_name, name, size) != 0 || strcmp(name + size, segments->suffix) != 0) return CAS_OK;
  return add_segment(segments, segment);
}

static cas_status each_folder(void *arg, const char *name) {
  char *rest;
  unsigned long value = strtoul(name, &rest, 10);
  if (rest == name || strcmp(rest, "/") != 0 || value > UINT32_MAX / segments_per_folder) return CAS_OK;
  char expected[VOLUME_NAME_BYTES];
  folder_name((uint32_t)value, expected);
  const char *own_name = strrchr(expected, '/') + 1;
  size_t size = strlen(own_name);
  if (strncmp(own_name, name, size) != 0 || name[size] != '/') return CAS_OK;
  return add_segment(arg, value);
}

/* By number, then by generation. */
static int compare_segments(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  x = x << 32 | x >> 32;
  y = y << 32 | y >> 32;
  return x < y ? -1 : x > y;
}

static cas_status list_folder(struct volume *volume, struct segments *segments, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  folder_name(segments->folder, name);
  return volume->disk->ops->list(volume->disk, name, each_segment, segments, error);
}

/* All generations of all segments. */
static cas_status list_all(struct volume *volume, struct segments *segments, struct cas_error *error) {
  struct segments folders = {0};
  cas_status status = volume->disk->ops->list(volume->disk, root, each_folder, &folders, error);
  for (size_t i = 0; i < folders.count && status == CAS_OK; i++) {
    segments->folder = (uint32_t)folders.values[i];
    status = list_folder(volume, segments, error);
  }
  if (status == CAS_NOT_FOUND && folders.count == 0) status = CAS_OK; /* nothing was written yet */
  free(folders.values);
  if (status != CAS_OK) {
    free(segments->values);
    *segments = (struct segments){0};
    return status == CAS_NO_MEMORY ? status_fail(error, status, "no memory to list segments") : status;
  }
  if (segments->count > 1) qsort(segments->values, segments->count, sizeof *segments->values, compare_segments);
  return CAS_OK;
}

static bool is_highest(const struct segments *segments, size_t i) {
  return i + 1 == segments->count ||
         segment_file_number(segments->values[i + 1]) != segment_file_number(segments->values[i]);
}

cas_status volume_list(struct volume *volume, uint64_t **segments, size_t *count, struct cas_error *error) {
  struct segments all = {.suffix = ""};
  size_t kept = 0;
  STATUS_TRY(list_all(volume, &all, error));
  for (size_t i = 0; i < all.count; i++)
    if (is_highest(&all, i)) all.values[kept++] = all.values[i];
  *segments = all.values;
  *count = kept;
  return CAS_OK;
}

cas_status volume_find(struct volume *volume, uint32_t number, uint64_t *segment, struct cas_error *error) {
  struct segments all = {.suffix = "", .folder = number / segments_per_folder};
  bool found = false;
  cas_status status = list_folder(volume, &all, error);
  for (size_t i = 0; i < all.count && status == CAS_OK; i++) {
    if (segment_file_number(all.values[i]) != number || (found && all.values[i] < *segment)) continue;
    *segment = all.values[i];
    found = true;
  }
  free(all.values);
  return status == CAS_OK && !found ? CAS_NOT_FOUND : status;
}

/* --- writing --- */

static cas_status make_folder(struct volume *volume, const char *name, struct cas_error *error) {
  struct cas_error detail = {0};
  cas_status status = volume->disk->ops->make_folder(volume->disk, name, &detail);
  if (status == CAS_OK || status == CAS_EXISTS) return CAS_OK;
  if (error != NULL) *error = detail;
  return status;
}

cas_status volume_create(struct volume *volume, uint32_t number, struct io_file **file, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  STATUS_TRY(make_folder(volume, root, error));
  folder_name(number / segments_per_folder, name);
  STATUS_TRY(make_folder(volume, name, error));
  volume_name(number, name);
  return volume->disk->ops->open(volume->disk, name, IO_CREATE, file, error);
}

cas_status volume_open_append(struct volume *volume, uint32_t number, struct io_file **file, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  volume_name(number, name);
  return volume->disk->ops->open(volume->disk, name, IO_APPEND, file, error);
}

cas_status volume_remove_new(struct volume *volume, uint64_t segment, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  new_name(segment, name);
  return volume->disk->ops->remove(volume->disk, name, error);
}

cas_status volume_create_new(struct volume *volume, uint64_t segment, struct io_file **file, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  new_name(segment, name);
  cas_status status = volume->disk->ops->open(volume->disk, name, IO_CREATE, file, error);
  if (status != CAS_EXISTS) return status;
  STATUS_TRY(volume_remove_new(volume, segment, error));
  return volume->disk->ops->open(volume->disk, name, IO_CREATE, file, error);
}

cas_status volume_publish(struct volume *volume, uint64_t segment, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES], own_name[VOLUME_NAME_BYTES];
  new_name(segment, name);
  volume_name(segment, own_name);
  return volume->disk->ops->rename(volume->disk, name, own_name, error);
}

cas_status volume_clean(struct volume *volume, struct cas_error *error) {
  struct segments all = {.suffix = ""}, unnamed = {.suffix = new_suffix};
  STATUS_TRY(list_all(volume, &all, error));
  cas_status status = CAS_OK;
  for (size_t i = 0; i < all.count && status == CAS_OK; i++)
    if (!is_highest(&all, i)) status = volume_discard(volume, all.values[i], error);
  free(all.values);
  STATUS_TRY(status);
  STATUS_TRY(list_all(volume, &unnamed, error));
  for (size_t i = 0; i < unnamed.count && status == CAS_OK; i++)
    status = volume_remove_new(volume, unnamed.values[i], error);
  free(unnamed.values);
  return status;
}

/* --- reading --- */

static struct slot *find(struct volume *volume, uint64_t segment) {
  for (size_t i = 0; i < volume->capacity; i++)
    if (volume->slots[i].segment == segment) return &volume->slots[i];
  return NULL;
}

/* A slot that nobody uses, a free one first; NULL if all are in use. */
static struct slot *find_unused(struct volume *volume) {
  struct slot *oldest = NULL;
  for (size_t i = 0; i < volume->capacity; i++) {
    struct slot *slot = &volume->slots[i];
    if (slot->segment == 0) return slot;
    if (slot->users == 0 && (oldest == NULL || slot->used_last < oldest->used_last)) oldest = slot;
  }
  return oldest;
}

/* A file borrowed for one read: a slot's, or the reader's own. */
struct loan {
  struct io_file *file;
  struct slot *slot; /* NULL: the reader's own */
};

/* Puts a file that was just opened into a slot, and says in *unneeded what is to be closed. */
static struct loan lend_new(struct volume *volume, uint64_t segment, struct io_file *file, struct io_file **unneeded) {
  struct slot *slot = find(volume, segment);
  if (slot != NULL) {
    *unneeded = file; /* another reader was faster */
  } else {
    slot = find_unused(volume);
    if (slot == NULL) return (struct loan){file, NULL};
    *unneeded = slot->file;
    *slot = (struct slot){.segment = segment, .file = file};
  }
  slot->users++;
  slot->used_last = ++volume->clock;
  return (struct loan){slot->file, slot};
}

static cas_status borrow(struct volume *volume, uint64_t segment, struct loan *loan, struct cas_error *error) {
  if (segment_file_number(segment) == 0)
    return status_fail(error, CAS_NOT_FOUND, "there is no segment 0"); /* it marks a free slot */
  pthread_mutex_lock(&volume->lock);
  struct slot *slot = find(volume, segment);
  if (slot != NULL) {
    slot->users++;
    slot->used_last = ++volume->clock;
    *loan = (struct loan){slot->file, slot};
  }
  pthread_mutex_unlock(&volume->lock);
  if (slot != NULL) return CAS_OK;
  char name[VOLUME_NAME_BYTES];
  struct io_file *file, *unneeded = NULL;
  volume_name(segment, name);
  STATUS_TRY(volume->disk->ops->open(volume->disk, name, IO_READ, &file, error));
  pthread_mutex_lock(&volume->lock);
  *loan = lend_new(volume, segment, file, &unneeded);
  pthread_mutex_unlock(&volume->lock);
  if (unneeded != NULL) unneeded->ops->close(unneeded);
  return CAS_OK;
}

static void give_back(struct volume *volume, struct loan loan) {
  struct io_file *unneeded = loan.slot == NULL ? loan.file : NULL;
  if (loan.slot != NULL) {
    pthread_mutex_lock(&volume->lock);
    if (--loan.slot->users == 0 && loan.slot->discarded) {
      unneeded = loan.slot->file;
      *loan.slot = (struct slot){0};
    }
    pthread_mutex_unlock(&volume->lock);
  }
  if (unneeded != NULL) unneeded->ops->close(unneeded);
}

cas_status volume_read(struct volume *volume, uint64_t segment, uint64_t offset, uint8_t *bytes, size_t size,
                       size_t *got, struct cas_error *error) {
  struct loan loan;
  STATUS_TRY(borrow(volume, segment, &loan, error));
  cas_status status = loan.file->ops->read(loan.file, offset, bytes, size, got, error);
  give_back(volume, loan);
  return status;
}

cas_status volume_size(struct volume *volume, uint64_t segment, uint64_t *size, struct cas_error *error) {
  struct loan loan;
  STATUS_TRY(borrow(volume, segment, &loan, error));
  cas_status status = loan.file->ops->size(loan.file, size, error);
  give_back(volume, loan);
  return status;
}

cas_status volume_remove(struct volume *volume, uint64_t segment, struct cas_error *error) {
  struct io_file *file = NULL;
  pthread_mutex_lock(&volume->lock);
  struct slot *slot = find(volume, segment);
  bool busy = slot != NULL && slot->users > 0;
  if (slot != NULL && !busy) {
    file = slot->file;
    *slot = (struct slot){0};
  }
  pthread_mutex_unlock(&volume->lock);
  char name[VOLUME_NAME_BYTES];
  volume_name(segment, name);
  if (file != NULL) file->ops->close(file);
  if (busy) return status_fail(error, CAS_BUSY, "%s is being read", name);
  return volume->disk->ops->remove(volume->disk, name, error);
}

/* The name first: nobody opens the file any more then. */
cas_status volume_discard(struct volume *volume, uint64_t segment, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  struct io_file *unneeded = NULL;
  volume_name(segment, name);
  STATUS_TRY(volume->disk->ops->remove(volume->disk, name, error));
  pthread_mutex_lock(&volume->lock);
  struct slot *slot = find(volume, segment);
  if (slot != NULL && slot->users > 0) {
    slot->discarded = true;
  } else if (slot != NULL) {
    unneeded = slot->file;
    *slot = (struct slot){0};
  }
  pthread_mutex_unlock(&volume->lock);
  if (unneeded != NULL) unneeded->ops->close(unneeded);
  return CAS_OK;
}

void volume_close_unused(struct volume *volume) {
  for (size_t i = 0; i < volume->capacity; i++) {
    struct slot *slot = &volume->slots[i];
    struct io_file *file = NULL;
    pthread_mutex_lock(&volume->lock);
    if (slot->users == 0) {
      file = slot->file;
      *slot = (struct slot){0};
    }
    pthread_mutex_unlock(&volume->lock);
    if (file != NULL) file->ops->close(file);
  }
}
