#include "index/index_reached.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include <xxhash.h>

#include "io/folder.h"

#define REACHED_NAME "REACHED"
#define REACHED_BYTES_MAX 128

static struct cas_slice format(uint64_t sequence, char text[REACHED_BYTES_MAX]) {
  int line = snprintf(text, REACHED_BYTES_MAX, "reached: %" PRIu64 "\n", sequence);
  int size = line + snprintf(text + line, REACHED_BYTES_MAX - (size_t)line, "checksum: %016" PRIx64 "\n",
                             XXH3_64bits(text, (size_t)line));
  return slice_of(text, (size_t)size);
}

cas_status index_reached_write(const char *path, uint64_t sequence, struct cas_error *error) {
  char text[REACHED_BYTES_MAX];
  struct folder folder;
  STATUS_TRY(folder_open(path, &folder, error));
  cas_status status = folder_replace(&folder, REACHED_NAME, format(sequence, text), error);
  folder_close(&folder);
  return status;
}

static size_t read_text(const char *path, char text[REACHED_BYTES_MAX]) {
  struct folder folder;
  size_t got = 0;
  int fd;
  if (folder_open(path, &folder, NULL) != CAS_OK) return 0;
  if (folder_open_file(&folder, REACHED_NAME, IO_READ, &fd, NULL) == CAS_OK) {
    cas_status status = folder_read(fd, REACHED_NAME, 0, (uint8_t *)text, REACHED_BYTES_MAX - 1, &got, NULL);
    if (status != CAS_OK && status != CAS_END) got = 0;
    close(fd);
  }
  folder_close(&folder);
  return got;
}

uint64_t index_reached_read(const char *path) {
  char text[REACHED_BYTES_MAX] = "", again[REACHED_BYTES_MAX];
  size_t size = read_text(path, text);
  uint64_t sequence = 0;
  if (sscanf(text, "reached: %" SCNu64, &sequence) != 1) return 0;
  return slice_equal(format(sequence, again), slice_of(text, size)) ? sequence : 0;
}
