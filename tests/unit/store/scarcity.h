/*
 * Memory and descriptors that run out. The linker leads what the engine's own code asks for here (--wrap in
 * tests/CMakeLists.txt), so that one request after the other can be refused; RocksDB's are not among them, since C++
 * ends the process where it has no memory. One file of a program includes this.
 */
#ifndef TESTS_STORE_SCARCITY_H
#define TESTS_STORE_SCARCITY_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>
#include <zstd_errors.h>

enum scarce {
  SCARCE_MEMORY,
  SCARCE_DESCRIPTORS,
  SCARCE_IN_PROCESS, /* descriptors, of RocksDB as well: the nth and all behind it, counted by what is open at once */
};

#define IN_PROCESS_MAX 30u /* more than an operation takes */

static struct {
  atomic_int kind;
  atomic_ullong asked, first, last; /* those from the first to the last one are refused */
} scarcity;

/* So many more files may be opened than now. */
static inline void scarcity_limit(uint64_t more) {
  struct rlimit limit;
  int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(lowest);
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = more == UINT64_MAX ? limit.rlim_max : (rlim_t)lowest + more;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/* Refuses `count` requests from the nth on, which is 1 or more. */
static inline void scarcity_begin(enum scarce kind, uint64_t nth, uint64_t count) {
  if (kind == SCARCE_IN_PROCESS) scarcity_limit(nth - 1);
  atomic_store(&scarcity.kind, (int)kind);
  atomic_store(&scarcity.asked, 0);
  atomic_store(&scarcity.last, count > UINT64_MAX - nth ? UINT64_MAX : nth + count - 1);
  atomic_store(&scarcity.first, nth);
}

/* Returns whether something was refused. */
static inline bool scarcity_end(void) {
  uint64_t nth = atomic_exchange(&scarcity.first, UINT64_MAX);
  if (atomic_load(&scarcity.kind) == SCARCE_IN_PROCESS) {
    scarcity_limit(UINT64_MAX);
    return nth <= IN_PROCESS_MAX;
  }
  return atomic_load(&scarcity.asked) >= nth;
}

static inline bool is_refused(enum scarce kind) {
  uint64_t first = atomic_load(&scarcity.first);
  if (first == 0 || first == UINT64_MAX || atomic_load(&scarcity.kind) != (int)kind) return false;
  uint64_t nth = atomic_fetch_add(&scarcity.asked, 1) + 1;
  if (nth < first || nth > atomic_load(&scarcity.last)) return false;
  errno = kind == SCARCE_MEMORY ? ENOMEM : EMFILE;
  return true;
}

/* A function that the linker calls in place of `name`, which it calls __real_name. */
#define SCARCE(kind, type, name, failure, declared, passed)                                                            \
  type __real_##name declared;                                                                                         \
  type __wrap_##name declared;                                                                                         \
  type __wrap_##name declared { return is_refused(kind) ? (failure) : __real_##name passed; }

/* The linker wants what libraries ask for by these names as well to be seen by them; they get the real ones. */
#pragma GCC visibility push(default)

#define ZSTD_NO_MEMORY ((size_t)-ZSTD_error_memory_allocation)

SCARCE(SCARCE_MEMORY, void *, malloc, NULL, (size_t size), (size))
SCARCE(SCARCE_MEMORY, void *, calloc, NULL, (size_t count, size_t size), (count, size))
SCARCE(SCARCE_MEMORY, void *, realloc, NULL, (void *old, size_t size), (old, size))
SCARCE(SCARCE_MEMORY, void *, reallocarray, NULL, (void *old, size_t count, size_t size), (old, count, size))
SCARCE(SCARCE_MEMORY, void *, aligned_alloc, NULL, (size_t alignment, size_t size), (alignment, size))
SCARCE(SCARCE_MEMORY, char *, strdup, NULL, (const char *text), (text))
SCARCE(SCARCE_MEMORY, XXH3_state_t *, XXH3_createState, NULL, (void), ())
SCARCE(SCARCE_MEMORY, ZSTD_CCtx *, ZSTD_createCCtx, NULL, (void), ())
SCARCE(SCARCE_MEMORY, ZSTD_DCtx *, ZSTD_createDCtx, NULL, (void), ())
SCARCE(SCARCE_MEMORY, size_t, ZSTD_compress, ZSTD_NO_MEMORY,
       (void *to, size_t room, const void *from, size_t size, int level), (to, room, from, size, level))
SCARCE(SCARCE_MEMORY, size_t, ZSTD_compress2, ZSTD_NO_MEMORY,
       (ZSTD_CCtx * context, void *to, size_t room, const void *from, size_t size), (context, to, room, from, size))
SCARCE(SCARCE_MEMORY, size_t, ZSTD_decompress, ZSTD_NO_MEMORY, (void *to, size_t room, const void *from, size_t size),
       (to, room, from, size))
SCARCE(SCARCE_MEMORY, size_t, ZSTD_decompressDCtx, ZSTD_NO_MEMORY,
       (ZSTD_DCtx * context, void *to, size_t room, const void *from, size_t size), (context, to, room, from, size))
SCARCE(SCARCE_DESCRIPTORS, DIR *, opendir, NULL, (const char *path), (path))
SCARCE(SCARCE_DESCRIPTORS, FILE *, fopen64, NULL, (const char *path, const char *mode), (path, mode))
struct io_uring;
SCARCE(SCARCE_DESCRIPTORS, int, io_uring_queue_init, -EMFILE, (unsigned entries, struct io_uring *ring, unsigned flags),
       (entries, ring, flags))

int __real_openat64(int folder, const char *path, int flags, ...);
int __wrap_openat64(int folder, const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

int __wrap_openat64(int folder, const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  const mode_t mode = va_arg(args, mode_t); /* unspecified where there is none, and then not looked at */
  va_end(args);
  return is_refused(SCARCE_DESCRIPTORS) ? -1 : __real_openat64(folder, path, flags, mode);
}

int __wrap_open64(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  const mode_t mode = va_arg(args, mode_t);
  va_end(args);
  return is_refused(SCARCE_DESCRIPTORS) ? -1 : __real_openat64(AT_FDCWD, path, flags, mode);
}

/* Nothing here loses power: a sync would only take time. */
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd) { return fd < 0 ? -1 : 0; }
int __wrap_fsync(int fd) { return fd < 0 ? -1 : 0; }

#pragma GCC visibility pop

#endif
