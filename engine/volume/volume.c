/*
 * Owns the files that are open for reading, at most `capacity` of them, the least recently used going first.
 *
 * Invariants
 *  1. A slot with users is neither closed nor given to another segment. Where all slots are in use, a read opens its
 * file for itself.
 *  2. The lock is never held across I/O.
 *  3. A file of the cold place that fails is closed: when the place comes back, the file is another one.
 */
#include "base/status.h"
#include "volume/volume_private.h"

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
  cas_buffer_fini(&volume->marker);
  free(volume);
}

cas_status volume_use_cold(struct volume *volume, struct cas_slice marker) {
  volume->marker.size = 0;
  return cas_buffer_append(&volume->marker, marker);
}

cas_status volume_open_staged(struct io_disk *disk, enum volume_tier tier, struct volume **volume,
                              struct cas_error *error) {
  STATUS_TRY(volume_open(disk, 1, volume, error));
  (*volume)->is_staged = true;
  (*volume)->staged_tier = tier;
  return CAS_OK;
}

struct io_disk *volume_disk(struct volume *volume) {
  return volume->disk;
}

/* --- writing --- */

static cas_status make_folder(struct volume *volume, const char *name, struct cas_error *error) {
  struct cas_error detail = {0};
  cas_status status = volume->disk->ops->make_folder(volume->disk, name, &detail);
  if (status == CAS_OK || status == CAS_EXISTS) return CAS_OK;
  if (error != NULL) *error = detail;
  return status;
}

static cas_status make_folders(struct volume *volume, uint32_t number, enum volume_tier tier, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  /* The cold place is there, or is not: it is not made here. */
  if (tier == VOLUME_HOT) STATUS_TRY(make_folder(volume, volume_root(tier), error));
  volume_folder_name(number, tier, name);
  return make_folder(volume, name, error);
}

cas_status volume_create(struct volume *volume, uint32_t number, struct io_file **file, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  STATUS_TRY(make_folders(volume, number, VOLUME_HOT, error));
  volume_name(number, VOLUME_HOT, name);
  return volume->disk->ops->open(volume->disk, name, IO_CREATE, file, error);
}

cas_status volume_open_append(struct volume *volume, uint32_t number, struct io_file **file, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  volume_name(number, VOLUME_HOT, name);
  return volume->disk->ops->open(volume->disk, name, IO_APPEND, file, error);
}

cas_status volume_remove_new(struct volume *volume, uint64_t segment, enum volume_tier tier, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  volume_new_name(segment, tier, name);
  return volume->disk->ops->remove(volume->disk, name, error);
}

cas_status volume_create_new(struct volume *volume, uint64_t segment, enum volume_tier tier, struct io_file **file,
                             struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  struct cas_error reason = {0};
  if (tier == VOLUME_COLD && volume_cold_state(volume, &reason) != VOLUME_COLD_HERE)
    return volume_fail_away(segment_file_number(segment), &reason, error);
  STATUS_TRY(make_folders(volume, segment_file_number(segment), tier, error));
  volume_new_name(segment, tier, name);
  cas_status status = volume->disk->ops->open(volume->disk, name, IO_CREATE, file, error);
  if (status != CAS_EXISTS) return status;
  STATUS_TRY(volume_remove_new(volume, segment, tier, error));
  return volume->disk->ops->open(volume->disk, name, IO_CREATE, file, error);
}

cas_status volume_publish(struct volume *volume, uint64_t segment, enum volume_tier tier, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES], own_name[VOLUME_NAME_BYTES];
  volume_new_name(segment, tier, name);
  volume_name(segment, tier, own_name);
  STATUS_TRY(volume->disk->ops->rename(volume->disk, name, own_name, error));
  volume_let_go(volume, segment, tier);
  return CAS_OK;
}

/* --- reading --- */

static struct slot *find(struct volume *volume, uint64_t segment) {
  for (size_t i = 0; i < volume->capacity; i++)
    if (volume->slots[i].segment == segment && !volume->slots[i].discarded) return &volume->slots[i];
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
  enum volume_tier tier;
  struct slot *slot; /* NULL: the reader's own */
};

/* Puts a file that was just opened into a slot, and says in *unneeded what is to be closed. */
static struct loan lend_new(struct volume *volume, uint64_t segment, enum volume_tier tier, struct io_file *file,
                            struct io_file **unneeded) {
  struct slot *slot = find(volume, segment);
  if (slot != NULL) {
    *unneeded = file; /* another reader was faster */
  } else {
    slot = find_unused(volume);
    if (slot == NULL) return (struct loan){file, tier, NULL};
    *unneeded = slot->file;
    *slot = (struct slot){.segment = segment, .tier = tier, .file = file};
  }
  slot->users++;
  slot->used_last = ++volume->clock;
  return (struct loan){slot->file, slot->tier, slot};
}

static cas_status open_in(struct volume *volume, uint64_t segment, enum volume_tier tier, struct io_file **file,
                          struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  if (volume->is_staged)
    volume_new_name(segment, volume->staged_tier, name);
  else
    volume_name(segment, tier, name);
  return volume->disk->ops->open(volume->disk, name, IO_READ, file, error);
}

/* In the store, in the cold place, and in the store once more, since it may move meanwhile. */
static cas_status open_file(struct volume *volume, uint64_t segment, struct io_file **file, enum volume_tier *tier,
                            struct cas_error *error) {
  struct cas_error reason = {0};
  bool away = false;
  *tier = VOLUME_HOT;
  cas_status status = open_in(volume, segment, VOLUME_HOT, file, error);
  if (status != CAS_NOT_FOUND) return status;
  enum volume_cold cold = volume_cold_state(volume, &reason);
  if (cold == VOLUME_COLD_NONE) return status;
  if (cold == VOLUME_COLD_UNKNOWN) return volume_fail_away(segment_file_number(segment), &reason, error);
  if (cold == VOLUME_COLD_HERE) status = open_in(volume, segment, VOLUME_COLD, file, error);
  if (status == CAS_OK) *tier = VOLUME_COLD;
  if (status != CAS_NOT_FOUND) return status;
  status = open_in(volume, segment, VOLUME_HOT, file, error);
  if (status != CAS_NOT_FOUND || cold == VOLUME_COLD_HERE) return status;
  STATUS_TRY(volume_is_away(volume, segment_file_number(segment), &away, error));
  return away ? volume_fail_away(segment_file_number(segment), &reason, error) : CAS_NOT_FOUND;
}

static cas_status borrow(struct volume *volume, uint64_t segment, struct loan *loan, struct cas_error *error) {
  if (segment_file_number(segment) == 0)
    return status_fail(error, CAS_NOT_FOUND, "there is no segment 0"); /* it marks a free slot */
  pthread_mutex_lock(&volume->lock);
  struct slot *slot = find(volume, segment);
  if (slot != NULL) {
    slot->users++;
    slot->used_last = ++volume->clock;
    *loan = (struct loan){slot->file, slot->tier, slot};
  }
  pthread_mutex_unlock(&volume->lock);
  if (slot != NULL) return CAS_OK;
  struct io_file *file, *unneeded = NULL;
  enum volume_tier tier;
  STATUS_TRY(open_file(volume, segment, &file, &tier, error));
  pthread_mutex_lock(&volume->lock);
  *loan = lend_new(volume, segment, tier, file, &unneeded);
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

static cas_status read_once(struct volume *volume, uint64_t segment, uint64_t offset, uint8_t *bytes, size_t size,
                            size_t *got, enum volume_tier *tier, struct cas_error *error) {
  struct loan loan;
  *tier = VOLUME_HOT;
  STATUS_TRY(borrow(volume, segment, &loan, error));
  cas_status status = loan.file->ops->read(loan.file, offset, bytes, size, got, error);
  *tier = loan.tier;
  give_back(volume, loan);
  return status;
}

cas_status volume_read(struct volume *volume, uint64_t segment, uint64_t offset, uint8_t *bytes, size_t size,
                       size_t *got, struct cas_error *error) {
  enum volume_tier tier;
  cas_status status = read_once(volume, segment, offset, bytes, size, got, &tier, error);
  if (status != CAS_IO || tier != VOLUME_COLD) return status;
  volume_let_go(volume, segment, tier);
  return read_once(volume, segment, offset, bytes, size, got, &tier, error);
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

cas_status volume_tier_of(struct volume *volume, uint64_t segment, enum volume_tier *tier, struct cas_error *error) {
  struct loan loan;
  STATUS_TRY(borrow(volume, segment, &loan, error));
  *tier = loan.tier;
  give_back(volume, loan);
  return CAS_OK;
}

void volume_present_name(struct volume *volume, uint64_t segment, char name[VOLUME_NAME_BYTES]) {
  enum volume_tier tier;
  if (volume_tier_of(volume, segment, &tier, NULL) != CAS_OK) tier = VOLUME_HOT;
  volume_name(segment, tier, name);
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
  volume_name(segment, VOLUME_HOT, name);
  if (file != NULL) file->ops->close(file);
  if (busy) return status_fail(error, CAS_BUSY, "%s is being read", name);
  return volume->disk->ops->remove(volume->disk, name, error);
}

void volume_let_go(struct volume *volume, uint64_t segment, enum volume_tier tier) {
  struct io_file *unneeded = NULL;
  pthread_mutex_lock(&volume->lock);
  struct slot *slot = find(volume, segment);
  if (slot != NULL && slot->tier == tier && slot->users > 0) {
    slot->discarded = true;
  } else if (slot != NULL && slot->tier == tier) {
    unneeded = slot->file;
    *slot = (struct slot){0};
  }
  pthread_mutex_unlock(&volume->lock);
  if (unneeded != NULL) unneeded->ops->close(unneeded);
}

/* The name first: nobody opens the file any more then. */
cas_status volume_discard(struct volume *volume, uint64_t segment, enum volume_tier tier, struct cas_error *error) {
  char name[VOLUME_NAME_BYTES];
  volume_name(segment, tier, name);
  STATUS_TRY(volume->disk->ops->remove(volume->disk, name, error));
  volume_let_go(volume, segment, tier);
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
