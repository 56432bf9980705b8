/*
 * Owns the files that are open for reading, at most `capacity` of them, the least recently used going first.
 *
 * Invariants
 *  1. A slot with users is neither closed nor given to another segment. Where all slots are in use, a read opens its
 * file for itself.
 *  2. The lock is never held across I/O.
 */
#include "volume/volume.h"

#include <pthread.h>

#include "base/status.h"

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

static bool is_highest(const struct volume_files *files, size_t i) {
  return i + 1 == files->count || segment_file_number(files->values[i + 1]) != segment_file_number(files->values[i]);
}

cas_status volume_list(struct volume *volume, uint64_t **segments, size_t *count, struct cas_error *error) {
  struct volume_files all;
  size_t kept = 0;
  STATUS_TRY(volume_names_list(volume->disk, false, &all, error));
  for (size_t i = 0; i < all.count; i++)
    if (is_highest(&all, i)) all.values[kept++] = all.values[i];
  *segments = all.values;
  *count = kept;
  return CAS_OK;
}

cas_status volume_list_generations(struct volume *volume, uint64_t **segments, size_t *count, struct cas_error *error) {
  struct volume_files all;
  STATUS_TRY(volume_names_list(volume->disk, false, &all, error));
  *segments = all.values;
  *count = all.count;
  return CAS_OK;
}

cas_status volume_find(struct volume *volume, uint32_t number, uint64_t *segment, struct cas_error *error) {
  struct volume_files all;
  bool found = false;
  STATUS_TRY(volume_names_list_folder(volume->disk, number, &all, error));
  for (size_t i = 0; i < all.count; i++) {
    if (segment_file_number(all.values[i]) != number) continue;
    *segment = all.values[i]; /* the highest is the last */
    found = true;
  }
  free(all.values);
  return found ? CAS_OK : CAS_NOT_FOUND;
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
  STATUS_TRY(make_folder(volume, VOLUME_ROOT, error));
  volume_folder_name(number, name);
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
  volume_new_name(segment, name);
  return volume->disk->ops->remove(volume->disk, name, error);
}

cas_status volume_create_new(struct volume *volume, uint64_t segment, struct io_file **file, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  volume_new_name(segment, name);
  cas_status status = volume->disk->ops->open(volume->disk, name, IO_CREATE, file, error);
  if (status != CAS_EXISTS) return status;
  STATUS_TRY(volume_remove_new(volume, segment, error));
  return volume->disk->ops->open(volume->disk, name, IO_CREATE, file, error);
}

cas_status volume_publish(struct volume *volume, uint64_t segment, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES], own_name[VOLUME_NAME_BYTES];
  volume_new_name(segment, name);
  volume_name(segment, own_name);
  return volume->disk->ops->rename(volume->disk, name, own_name, error);
}

cas_status volume_clean(struct volume *volume, struct cas_error *error) {
  struct volume_files all, unnamed;
  STATUS_TRY(volume_names_list(volume->disk, false, &all, error));
  cas_status status = CAS_OK;
  for (size_t i = 0; i < all.count && status == CAS_OK; i++)
    if (!is_highest(&all, i)) status = volume_discard(volume, all.values[i], error);
  free(all.values);
  STATUS_TRY(status);
  STATUS_TRY(volume_names_list(volume->disk, true, &unnamed, error));
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

void volume_will_need(struct volume *volume, uint64_t segment, uint64_t offset, uint64_t size) {
  struct loan loan;
  if (borrow(volume, segment, &loan, NULL) != CAS_OK) return; /* reading will say why */
  loan.file->ops->will_need(loan.file, offset, size);
  give_back(volume, loan);
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
