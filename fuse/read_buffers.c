/*
 * Owns the buffers that nobody uses at the moment.
 */
#include <stdlib.h>

#include "fuse/read_buffers.h"

void read_buffers_init(struct read_buffers *buffers) {
  *buffers = (struct read_buffers){.count = 0};
  pthread_mutex_init(&buffers->lock, NULL);
}

void read_buffers_fini(struct read_buffers *buffers) {
  while (buffers->count > 0) free(buffers->kept[--buffers->count]);
  pthread_mutex_destroy(&buffers->lock);
}

uint8_t *read_buffers_get(struct read_buffers *buffers) {
  pthread_mutex_lock(&buffers->lock);
  uint8_t *buffer = buffers->count > 0 ? buffers->kept[--buffers->count] : NULL;
  pthread_mutex_unlock(&buffers->lock);
  return buffer != NULL ? buffer : malloc(READ_BUFFER_BYTES);
}

void read_buffers_put(struct read_buffers *buffers, uint8_t *buffer) {
  pthread_mutex_lock(&buffers->lock);
  if (buffers->count < READ_BUFFERS_MAX) {
    buffers->kept[buffers->count++] = buffer;
    buffer = NULL;
  }
  pthread_mutex_unlock(&buffers->lock);
  free(buffer);
}
