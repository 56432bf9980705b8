/* Any bytes as a configuration file: taken, or refused with a reason that names the line; and its keys as flags. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(cas_status status, const struct cas_error *error) {
  if (status != CAS_OK && error->message[0] == '\0') abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct config config = {0};
  struct cas_error error = {0};
  char path[32];
  int fd = memfd_create("cassetted.conf", MFD_CLOEXEC);
  if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size)) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  cas_status status = config_load(&config, path, &error);
  check(status, &error);
  close(fd);
  /* "section NUL key NUL value" as a flag. */
  char *text = malloc(size + 3);
  if (text == NULL) abort();
  if (size > 0) memcpy(text, data, size);
  memset(text + size, 0, 3);
  const char *key = text + strlen(text) + 1, *end = text + size + 2;
  if (key < end && key + strlen(key) + 1 <= end) {
    error = (struct cas_error){0};
    check(config_set(&config, text, key, key + strlen(key) + 1, &error), &error);
  }
  free(text);
  if (status == CAS_OK) {
    error = (struct cas_error){0};
    check(config_complete(&config, &error), &error);
  }
  config_fini(&config);
  return 0;
}
