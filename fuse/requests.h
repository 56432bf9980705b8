/*
 * How often the kernel asked a mount for what. What it answers by itself does not come here, so these counts tell
 * whether its caches work.
 *
 * Threads: any.
 */
#ifndef FUSE_REQUESTS_H
#define FUSE_REQUESTS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "cassette/bytes.h"
#include "cassette/status.h"

/* More than the kernel has kinds of requests: they are numbered (enum fuse_opcode of linux/fuse.h). */
#define REQUESTS_KINDS 64u

struct requests {
  atomic_uint_fast64_t counts[REQUESTS_KINDS];
};

/* Counts a request, of which these are the first bytes as the kernel sent them. */
void requests_note(struct requests *requests, const void *bytes, size_t size);

/* Calls `each` with each kind that came, by its name in linux/fuse.h in lower case: "lookup". */
void requests_each(const struct requests *requests, void (*each)(void *arg, const char *kind, uint64_t count),
                   void *arg);

/* Appends the same as text: "lookup=12 getattr=3". CAS_NO_MEMORY. */
CAS_MUST_USE cas_status requests_format(const struct requests *requests, struct cas_buffer *text);

#endif
