/*
 * Copying an instance out of the store through the one read path, in pieces of bounded size.
 *
 * Threads: any number of copies at once.
 */
#ifndef INSTANCE_COPY_H
#define INSTANCE_COPY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "cassette/reader.h"

/* Takes the next bytes; another status than CAS_OK stops the copy and is returned. May fill in `error`. */
typedef cas_status (*instance_write_fn)(void *arg, struct cas_slice bytes, struct cas_error *error);

/* Reads the whole instance of `reader`, piece by piece. `stop` (NULL: never) becoming true ends with CAS_END. */
CAS_MUST_USE cas_status instance_copy(struct cas_reader *reader, const atomic_bool *stop, instance_write_fn write,
                                      void *arg, struct cas_error *error);

/* Writes all bytes to the descriptor that `arg` points to: an instance_write_fn. */
CAS_MUST_USE cas_status instance_write_fd(void *arg, struct cas_slice bytes, struct cas_error *error);

/* Compares the instance with the rest of an open file; *same tells. CAS_IO where the file cannot be read. */
CAS_MUST_USE cas_status instance_compare_fd(struct cas_reader *reader, int fd, bool *same, struct cas_error *error);

/* Fills in an error of the operating system; returns its status. */
cas_status instance_fail_errno(struct cas_error *error, int system_errno);

static inline void instance_cleanup_reader(struct cas_reader **reader) { cas_reader_close(*reader); }
#define INSTANCE_READER __attribute__((cleanup(instance_cleanup_reader)))

#endif
