/*
 * Owns the mappings and the buffers of the objects, each released once, by object_set_fini().
 */
#include "object_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static cas_status fail_system(struct cas_error *error, const char *path) {
  const int code = errno;
  *error = (struct cas_error){.status = CAS_IO, .system_errno = code};
  snprintf(error->message, sizeof error->message, "%.300s: %s", path, strerrordesc_np(code));
  return CAS_IO;
}

static void release(struct object *object) {
  object_layout_fini(&object->layout);
  /* The slice borrows what is ours to free. */
  void *bytes = (void *)(uintptr_t)object->bytes.data;
  if (object->mapped)
    munmap(bytes, object->bytes.size);
  else
    free(bytes);
}

/* Takes the object's bytes over. */
static cas_status add(struct object_set *set, struct object *object, struct cas_error *error) {
  cas_status status = CAS_OK;
  if (set->count == set->capacity) {
    const size_t capacity = set->capacity > 0 ? 2 * set->capacity : 64;
    struct object *grown = reallocarray(set->objects, capacity, sizeof *grown);
    status = grown != NULL ? CAS_OK : CAS_NO_MEMORY;
    if (grown != NULL) set->objects = grown;
    if (grown != NULL) set->capacity = capacity;
  }
  if (status == CAS_OK) status = object_layout_parse(object->bytes, &object->layout, error);
  if (status != CAS_OK) {
    release(object);
    return status;
  }
  set->objects[set->count++] = *object;
  set->bytes += object->bytes.size;
  return CAS_OK;
}

cas_status object_set_add_file(struct object_set *set, const char *path, struct cas_error *error) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  struct stat facts;
  if (fd < 0) return fail_system(error, path);
  if (fstat(fd, &facts) != 0) {
    const cas_status status = fail_system(error, path);
    close(fd);
    return status;
  }
  struct object object = {.mapped = facts.st_size > 0, .bytes.size = (size_t)facts.st_size};
  if (object.mapped) {
    void *bytes = mmap(NULL, object.bytes.size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
      const cas_status status = fail_system(error, path);
      close(fd);
      return status;
    }
    (void)madvise(bytes, object.bytes.size, MADV_WILLNEED);
    object.bytes.data = bytes;
  }
  close(fd);
  return add(set, &object, error);
}

cas_status object_set_add_bytes(struct object_set *set, struct cas_buffer *bytes, struct cas_error *error) {
  struct object object = {.bytes = {.data = bytes->data, .size = bytes->size}};
  *bytes = (struct cas_buffer){0};
  return add(set, &object, error);
}

void object_set_fini(struct object_set *set) {
  for (size_t i = 0; i < set->count; i++) release(&set->objects[i]);
  free(set->objects);
  *set = (struct object_set){0};
}
