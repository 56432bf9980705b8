/*
 * A folder on a real file system: the part of a disk that is the same however blocks are written.
 *
 * Threads: any.
 */
#ifndef IO_FOLDER_H
#define IO_FOLDER_H

#include "io/disk.h"

struct folder {
  int fd;
  char *path;
};

CAS_MUST_USE cas_status folder_open(const char *path, struct folder *folder, struct cas_error *error);
void folder_close(struct folder *folder);

/* As io_disk_ops.open, with a file descriptor for a result. */
CAS_MUST_USE cas_status folder_open_file(const struct folder *folder, const char *name, enum io_open_mode mode, int *fd,
                                         struct cas_error *error);

/* As the io_disk_ops of the same names. */
CAS_MUST_USE cas_status folder_make(const struct folder *folder, const char *name, struct cas_error *error);
CAS_MUST_USE cas_status folder_remove(const struct folder *folder, const char *name, struct cas_error *error);
CAS_MUST_USE cas_status folder_replace(const struct folder *folder, const char *name, struct cas_slice content,
                                       struct cas_error *error);
CAS_MUST_USE cas_status folder_rename(const struct folder *folder, const char *name, const char *new_name,
                                      struct cas_error *error);
CAS_MUST_USE cas_status folder_list(const struct folder *folder, const char *name, io_name_fn each, void *arg,
                                    struct cas_error *error);
CAS_MUST_USE cas_status folder_space(const struct folder *folder, uint64_t *free_bytes, uint64_t *total_bytes,
                                     struct cas_error *error);

/* Read, announce and write whole ranges, however the system cuts them. */
CAS_MUST_USE cas_status folder_read(int fd, const char *name, uint64_t offset, uint8_t *bytes, size_t size, size_t *got,
                                    struct cas_error *error);
void folder_will_need(int fd, uint64_t offset, uint64_t size);
CAS_MUST_USE cas_status folder_write(int fd, const char *name, uint64_t offset, const uint8_t *bytes, size_t size,
                                     struct cas_error *error);
CAS_MUST_USE cas_status folder_file_size(int fd, const char *name, uint64_t *size, struct cas_error *error);

/* Whether the file system writes an aligned block past the page cache (O_DIRECT). Tried on a file that never has a
 * name; a file system that cannot make one is taken not to. */
bool folder_writes_direct(const struct folder *folder, const uint8_t *block, size_t size);

#endif
