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

struct slot {
  uint32_t number; /* 0: free */
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

void volume_name(uint32_t number, char name[VOLUME_NAME_BYTES]) {
  snprintf(name, VOLUME_NAME_BYTES, "%s/%02" PRIu32 "/%08" PRIu32 ".seg", root, number / segments_per_folder, number);
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

struct numbers {
  uint32_t *values; /* owned */
  size_t count, capacity;
  uint32_t folder; /* which is listed */
};

static cas_status add_number(struct numbers *numbers, uint32_t value) {
  if (numbers->count == numbers->capacity) {
    size_t capacity = numbers->capacity == 0 ? 64 : 2 * numbers->capacity;
    uint32_t *grown = realloc(numbers->values, capacity * sizeof *grown);
    if (grown == NULL) return CAS_NO_MEMORY;
    numbers->values = grown;
    numbers->capacity = capacity;
  }
  numbers->values[numbers->count++] = value;
  return CAS_OK;
}

/* Takes the names that volume_name() gives and no others. */
static cas_status each_segment(void *arg, const char *name) {
  struct numbers *segments = arg;
  char *rest;
  unsigned long long value = strtoull(name, &rest, 10);
  if (value == 0 || value > UINT32_MAX || value / segments_per_folder != segments->folder) return CAS_OK;
  char expected[VOLUME_NAME_BYTES];
  volume_name((uint32_t)value, expected);
  if (strcmp(strrchr(expected, '/') + 1, name) != 0) return CAS_OK;
  return add_number(segments, (uint32_t)value);
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
  return add_number(arg, (uint32_t)value);
}

static int compare_numbers(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static cas_status list_folders(struct volume *volume, const struct numbers *folders, struct numbers *segments,
                               struct cas_error *error) {
  for (size_t i = 0; i < folders->count; i++) {
    char name[VOLUME_NAME_BYTES];
    segments->folder = folders->values[i];
    folder_name(segments->folder, name);
    STATUS_TRY(volume->disk->ops->list(volume->disk, name, each_segment, segments, error));
  }
  return CAS_OK;
}

cas_status volume_list(struct volume *volume, uint32_t **numbers, size_t *count, struct cas_error *error) {
  struct numbers folders = {0}, segments = {0};
  cas_status status = volume->disk->ops->list(volume->disk, root, each_folder, &folders, error);
  if (status == CAS_OK)
    status = list_folders(volume, &folders, &segments, error);
  else if (status == CAS_NOT_FOUND)
    status = CAS_OK; /* nothing was written yet */
  free(folders.values);
  if (status != CAS_OK) {
    free(segments.values);
    return status == CAS_NO_MEMORY ? status_fail(error, status, "no memory to list segments") : status;
  }
  if (segments.count > 1) qsort(segments.values, segments.count, sizeof *segments.values, compare_numbers);
  *numbers = segments.values;
  *count = segments.count;
  return CAS_OK;
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

/* --- reading --- */

static struct slot *find(struct volume *volume, uint32_t number) {
  for (size_t i = 0; i < volume->capacity; i++)
    if (volume->slots[i].number == number) return &volume->slots[i];
  return NULL;
}

/* A slot that nobody uses, a free one first; NULL if all are in use. */
static struct slot *find_unused(struct volume *volume) {
  struct slot *oldest = NULL;
  for (size_t i = 0; i < volume->capacity; i++) {
    struct slot *slot = &volume->slots[i];
    if (slot->number == 0) return slot;
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
static struct loan lend_new(struct volume *volume, uint32_t number, struct io_file *file, struct io_file **unneeded) {
  struct slot *slot = find(volume, number);
  if (slot != NULL) {
    *unneeded = file; /* another reader was faster */
  } else {
    slot = find_unused(volume);
    if (slot == NULL) return (struct loan){file, NULL};
    *unneeded = slot->file;
    *slot = (struct slot){.number = number, .file = file};
  }
  slot->users++;
  slot->used_last = ++volume->clock;
  return (struct loan){slot->file, slot};
}

static cas_status borrow(struct volume *volume, uint32_t number, struct loan *loan, struct cas_error *error) {
  if (number == 0) return status_fail(error, CAS_NOT_FOUND, "there is no segment 0"); /* it marks a free slot */
  pthread_mutex_lock(&volume->lock);
  struct slot *slot = find(volume, number);
  if (slot != NULL) {
    slot->users++;
    slot->used_last = ++volume->clock;
    *loan = (struct loan){slot->file, slot};
  }
  pthread_mutex_unlock(&volume->lock);
  if (slot != NULL) return CAS_OK;
  char name[VOLUME_NAME_BYTES];
  struct io_file *file, *unneeded = NULL;
  volume_name(number, name);
  STATUS_TRY(volume->disk->ops->open(volume->disk, name, IO_READ, &file, error));
  pthread_mutex_lock(&volume->lock);
  *loan = lend_new(volume, number, file, &unneeded);
  pthread_mutex_unlock(&volume->lock);
  if (unneeded != NULL) unneeded->ops->close(unneeded);
  return CAS_OK;
}

static void give_back(struct volume *volume, struct loan loan) {
  if (loan.slot == NULL) {
    loan.file->ops->close(loan.file);
    return;
  }
  pthread_mutex_lock(&volume->lock);
  loan.slot->users--;
  pthread_mutex_unlock(&volume->lock);
}

cas_status volume_read(struct volume *volume, uint32_t number, uint64_t offset, uint8_t *bytes, size_t size,
                       size_t *got, struct cas_error *error) {
  struct loan loan;
  STATUS_TRY(borrow(volume, number, &loan, error));
  cas_status status = loan.file->ops->read(loan.file, offset, bytes, size, got, error);
  give_back(volume, loan);
  return status;
}

cas_status volume_size(struct volume *volume, uint32_t number, uint64_t *size, struct cas_error *error) {
  struct loan loan;
  STATUS_TRY(borrow(volume, number, &loan, error));
  cas_status status = loan.file->ops->size(loan.file, size, error);
  give_back(volume, loan);
  return status;
}

cas_status volume_remove(struct volume *volume, uint32_t number, struct cas_error *error) {
  struct io_file *file = NULL;
  pthread_mutex_lock(&volume->lock);
  struct slot *slot = find(volume, number);
  bool busy = slot != NULL && slot->users > 0;
  if (slot != NULL && !busy) {
    file = slot->file;
    *slot = (struct slot){0};
  }
  pthread_mutex_unlock(&volume->lock);
  char name[VOLUME_NAME_BYTES];
  volume_name(number, name);
  if (file != NULL) file->ops->close(file);
  if (busy) return status_fail(error, CAS_BUSY, "%s is being read", name);
  return volume->disk->ops->remove(volume->disk, name, error);
}
