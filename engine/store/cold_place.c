/*
 * Order matters in making a cold place: marker, note, link. With the note and without the link it is away; a link
 * without the note would make it none when it is not mounted.
 */
#include "store/cold_place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "cassette/tier.h"
#include "store/paths.h"
#include "store/store.h"

#define FOLDER_BYTES_MAX 250u

static cas_status format_checked(const char *body, struct cas_buffer *text) {
  char checksum[40];
  int size = snprintf(checksum, sizeof checksum, "checksum: %016" PRIx64 "\n", XXH3_64bits(body, strlen(body)));
  STATUS_TRY(cas_buffer_append(text, slice_of(body, strlen(body))));
  return cas_buffer_append(text, slice_of(checksum, (size_t)size));
}

cas_status cold_marker_format(const struct segment_store_key *key, struct cas_buffer *text) {
  char uuid[37], body[256];
  superblock_uuid_text(key->uuid, uuid);
  snprintf(body, sizeof body,
           "Cassette store: the cold place of an archive of medical images. Do not edit.\nformat: %u\nuuid: %s\n",
           SUPERBLOCK_FORMAT_VERSION, uuid);
  return format_checked(body, text);
}

cas_status cold_note_format(const char *folder, struct cas_buffer *text) {
  char body[512];
  snprintf(body, sizeof body, "Cassette store: it has a cold place. Do not edit.\nformat: %u\nfolder: %s\n",
           SUPERBLOCK_FORMAT_VERSION, folder);
  return format_checked(body, text);
}

struct setting {
  char store[PATH_MAX], folder[PATH_MAX]; /* without links */
  struct superblock superblock;
  struct io_disk *disk, *cold_disk;
  struct cas_buffer marker;
  struct cas_error *error;
};

static bool lies_in(const char *path, const char *folder) {
  size_t size = strlen(folder);
  return strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

static cas_status resolve(struct setting *setting, const char *path, const char *folder) {
  struct stat facts;
  if (realpath(path, setting->store) == NULL) return status_fail_errno(setting->error, errno, "%s", path);
  if (realpath(folder, setting->folder) == NULL) return status_fail_errno(setting->error, errno, "%s", folder);
  if (stat(setting->folder, &facts) != 0 || !S_ISDIR(facts.st_mode))
    return status_fail(setting->error, CAS_REFUSED, "%s is no folder", folder);
  if (strlen(setting->folder) > FOLDER_BYTES_MAX || strchr(setting->folder, '\n') != NULL)
    return status_fail(setting->error, CAS_REFUSED, "%s: the path is too long, or has a line break", folder);
  if (lies_in(setting->folder, setting->store))
    return status_fail(setting->error, CAS_REFUSED, "%s lies in the store itself", folder);
  return lies_in(setting->store, setting->folder)
             ? status_fail(setting->error, CAS_REFUSED, "the store lies in %s", folder)
             : CAS_OK;
}

static cas_status read_file(struct io_disk *disk, const char *name, struct cas_buffer *text, struct cas_error *error) {
  struct io_file *file;
  size_t got = 0;
  STATUS_TRY(disk->ops->open(disk, name, IO_READ, &file, error));
  cas_status status = cas_buffer_reserve(text, 1024);
  if (status == CAS_OK) status = file->ops->read(file, 0, text->data, 1024, &got, error);
  file->ops->close(file);
  text->size = got;
  return status == CAS_END ? CAS_OK : status;
}

static cas_status note_entry(void *arg, const char *name) {
  return strcmp(name, "lost+found/") == 0 ? CAS_OK : (*(bool *)arg = true, CAS_END);
}

/* Nothing is in it, or this store's marker. */
static cas_status check_folder(struct setting *setting, bool *is_marked) {
  CLEANUP_BUFFER struct cas_buffer present = {0};
  bool has_entries = false;
  *is_marked = false;
  cas_status status = read_file(setting->cold_disk, VOLUME_COLD_MARKER_NAME, &present, setting->error);
  if (status == CAS_OK) {
    *is_marked = slice_equal(slice_of_buffer(&present), slice_of_buffer(&setting->marker));
    if (*is_marked) return CAS_OK;
    return status_fail(setting->error, CAS_REFUSED, "%s is another store's cold place", setting->folder);
  }
  if (status != CAS_NOT_FOUND) return status;
  status = setting->cold_disk->ops->list(setting->cold_disk, "", note_entry, &has_entries, setting->error);
  if (status != CAS_END) STATUS_TRY(status);
  return has_entries ? status_fail(setting->error, CAS_REFUSED, "%s is not empty", setting->folder) : CAS_OK;
}

/* --- the store had another one --- */

/* The new place must have what the store has not: it went to the old one. `hot` gets what is in the place, too. */
static cas_status check_numbers(const struct setting *setting, struct volume_files *hot) {
  struct volume_files cold;
  const uint32_t last = hot->count > 0 ? segment_file_number(hot->values[hot->count - 1]) : 0;
  STATUS_TRY(volume_names_list_root(setting->cold_disk, &cold, setting->error));
  cas_status status = volume_files_merge(hot, &cold, setting->error);
  free(cold.values);
  STATUS_TRY(status);
  for (uint32_t number = 1; number <= last; number++)
    if (volume_files_highest(hot, number) == 0)
      return status_fail(setting->error, CAS_REFUSED, "segment %" PRIu32 " is neither in the store nor in %s", number,
                         setting->folder);
  return CAS_OK;
}

static cas_status check_moved(const struct setting *setting) {
  struct volume_files hot;
  STATUS_TRY(volume_names_list(setting->disk, VOLUME_HOT, false, &hot, setting->error));
  cas_status status = check_numbers(setting, &hot);
  free(hot.values);
  return status;
}

/* Segments move only where nobody has the store open for writing. The lock is held as long as *fd is open. */
static cas_status lock_store(const struct setting *setting, int *fd) {
  CLEANUP_FREE char *path = path_join(setting->store, SUPERBLOCK_NAME);
  if (path == NULL) return CAS_NO_MEMORY;
  *fd = open(path, O_RDONLY | O_CLOEXEC);
  if (*fd < 0) return status_fail_errno(setting->error, errno, "cannot open %s", path);
  if (flock(*fd, LOCK_EX | LOCK_NB) == 0) return CAS_OK;
  close(*fd);
  *fd = -1;
  return status_fail(setting->error, CAS_BUSY, "another process holds %s; stop it to give the store another cold place",
                     setting->store);
}

/* --- making it --- */

static cas_status put_link(const struct setting *setting) {
  CLEANUP_FREE char *link = path_join(setting->store, "cold"), *fresh = path_join(setting->store, "cold.new");
  struct stat facts;
  if (link == NULL || fresh == NULL) return CAS_NO_MEMORY;
  if (lstat(link, &facts) == 0 && !S_ISLNK(facts.st_mode))
    return status_fail(setting->error, CAS_REFUSED, "%s is there, and is no link", link);
  if (unlink(fresh) != 0 && errno != ENOENT) return status_fail_errno(setting->error, errno, "cannot remove %s", fresh);
  if (symlink(setting->folder, fresh) != 0) return status_fail_errno(setting->error, errno, "cannot make %s", fresh);
  if (rename(fresh, link) != 0) return status_fail_errno(setting->error, errno, "cannot make %s", link);
  return path_sync_parent(link, setting->error);
}

static cas_status make_place(struct setting *setting) {
  CLEANUP_BUFFER struct cas_buffer note = {0};
  bool is_marked;
  STATUS_TRY(check_folder(setting, &is_marked));
  STATUS_TRY(cold_note_format(setting->folder, &note));
  struct io_disk *cold = setting->cold_disk;
  if (!is_marked)
    STATUS_TRY(cold->ops->replace(cold, VOLUME_COLD_MARKER_NAME, slice_of_buffer(&setting->marker), setting->error));
  STATUS_TRY(setting->disk->ops->replace(setting->disk, VOLUME_COLD_NOTE, slice_of_buffer(&note), setting->error));
  return put_link(setting);
}

static cas_status make_or_change(struct setting *setting) {
  CLEANUP_BUFFER struct cas_buffer text = {0};
  int fd = -1;
  STATUS_TRY(read_file(setting->disk, SUPERBLOCK_NAME, &text, setting->error));
  STATUS_TRY(superblock_parse(slice_of_buffer(&text), &setting->superblock, setting->error));
  STATUS_TRY(cold_marker_format(&setting->superblock.key, &setting->marker));
  text.size = 0;
  cas_status status = read_file(setting->disk, VOLUME_COLD_NOTE, &text, NULL);
  bool had_one = status != CAS_NOT_FOUND;
  status = had_one ? lock_store(setting, &fd) : CAS_OK;
  if (status == CAS_OK && had_one) status = check_moved(setting);
  if (status == CAS_OK) status = make_place(setting);
  if (fd >= 0) close(fd);
  return status;
}

cas_status cas_tier_set(const char *path, const char *folder, struct cas_error *error) {
  struct setting *setting = calloc(1, sizeof *setting);
  if (setting == NULL) return CAS_NO_MEMORY;
  setting->error = error;
  cas_status status = resolve(setting, path, folder);
  if (status == CAS_OK) status = io_disk_open_plain(setting->store, false, &setting->disk, error);
  if (status == CAS_OK) status = io_disk_open_plain(setting->folder, false, &setting->cold_disk, error);
  if (status == CAS_OK) status = make_or_change(setting);
  if (setting->disk != NULL) setting->disk->ops->close(setting->disk);
  if (setting->cold_disk != NULL) setting->cold_disk->ops->close(setting->cold_disk);
  cas_buffer_fini(&setting->marker);
  free(setting);
  return status;
}
