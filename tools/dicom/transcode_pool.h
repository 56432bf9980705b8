/*
 * Objects from one transfer syntax to another, as transcoder.h does it, but in processes of their own
 * (transcode_child.h): an object whose pixels crash a decoder, or keep it busy for ever, fails alone (P7).
 *
 * Bounded (P6): one process for each object that is transcoded at the moment, and TRANSCODE_IDLE_MAX that wait for the
 * next one; after TRANSCODE_OBJECTS_MAX objects a process ends, so that what a decoder lost on them is given back.
 *
 * Threads: any number of jobs at once; each belongs to one thread at a time.
 */
#ifndef TRANSCODE_POOL_H
#define TRANSCODE_POOL_H

#include <pthread.h>
#include <sys/types.h>

#include "transcoder.h"

#define TRANSCODE_IDLE_MAX 4u
#define TRANSCODE_OBJECTS_MAX 500u

/* Decoding, encoding and writing may take what transcode_pool_init() says, and a second more for every so many bytes of
 * pixels: a small part of what the slowest codec does in it. */
#define TRANSCODE_BYTES_PER_SECOND (2u << 20)

struct transcode_process {
  pid_t pid;
  int fd;
  unsigned objects; /* that it had so far */
};

struct transcode_pool {
  pthread_mutex_t lock; /* guards idle and idle_count */
  struct transcode_process idle[TRANSCODE_IDLE_MAX];
  size_t idle_count;
  unsigned seconds, memory_mib; /* immutable; of a step of an object, address space of a process */
};

struct transcode_job;

void transcode_pool_init(struct transcode_pool *pool, unsigned seconds, unsigned memory_mib);

/* All jobs are destroyed before. */
void transcode_pool_fini(struct transcode_pool *pool);

/* These are transcoder.h's. Where the process ends or takes too long, they are CAS_REFUSED and say so. */
CAS_MUST_USE cas_status transcode_job_create(struct transcode_pool *pool, const char *from, const char *to,
                                             uint64_t inflated_max, struct transcode_job **job,
                                             struct cas_error *error);
CAS_MUST_USE cas_status transcode_job_put(struct transcode_job *job, struct cas_slice bytes, bool last,
                                          struct cas_error *error);
uint64_t transcode_job_pixel_bytes(const struct transcode_job *job);
CAS_MUST_USE cas_status transcode_job_convert(struct transcode_job *job, struct cas_error *error);
CAS_MUST_USE cas_status transcode_job_write(struct transcode_job *job, transcoder_write_fn write, void *arg,
                                            struct cas_error *error);

/* NULL is allowed. */
void transcode_job_destroy(struct transcode_job *job);

#endif
