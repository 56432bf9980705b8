/*
 * Buffers for answers to read requests, kept for the next one: the kernel asks for up to 1 MiB at a time, and fresh
 * memory of that size costs more than the copy into it.
 *
 * Threads: any.
 */
#ifndef FUSE_READ_BUFFERS_H
#define FUSE_READ_BUFFERS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* The largest read request; also the mount option max_read. */
#define READ_BUFFER_BYTES (1u << 20)

/* As many as there can be threads. */
#define READ_BUFFERS_MAX 64

struct read_buffers {
  pthread_mutex_t lock; /* guards all below; innermost */
  uint8_t *kept[READ_BUFFERS_MAX];
  size_t count;
};

void read_buffers_init(struct read_buffers *buffers);
void read_buffers_fini(struct read_buffers *buffers);

/* READ_BUFFER_BYTES, to be given back; NULL without memory. */
uint8_t *read_buffers_get(struct read_buffers *buffers);
void read_buffers_put(struct read_buffers *buffers, uint8_t *buffer);

#endif
