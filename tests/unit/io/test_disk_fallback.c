/*
 * What the disk does where the system gives less: no io_uring (a container's seccomp profile), or no memory to lock.
 * Each case runs in a process of its own, since neither can be taken back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/disk.h"
#include "support/test_folder.h"

static bool forbid_io_uring(void) {
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof rules / sizeof rules[0], rules};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Also takes root's privilege to lock more than the limit. */
static bool forbid_locking(void) {
  struct rlimit none = {64u << 10, 64u << 10};
  if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) return false;
  return geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0);
}

/* In the child: 0 all is well, 77 the restriction cannot be had here, else the line that failed. */
#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) _exit((__LINE__ % 70) + 1);                                                                      \
  } while (0)

static void write_and_read(struct io_disk *disk) {
  struct io_file *file;
  struct io_block *block;
  static uint8_t back[WRITE_BUFFER_BYTES];
  size_t got;
  CHECK(disk->ops->open(disk, "a", IO_CREATE, &file, NULL) == CAS_OK);
  for (uint64_t i = 0; i < 20; i++) {
    CHECK(disk->ops->block_take(disk, &block, NULL) == CAS_OK);
    memset(block->data, (int)i + 1, block->capacity);
    CHECK(file->ops->submit(file, i * WRITE_BUFFER_BYTES, block, WRITE_BUFFER_BYTES, NULL) == CAS_OK);
  }
  CHECK(file->ops->sync(file, NULL) == CAS_OK);
  for (uint64_t i = 0; i < 20; i++) {
    CHECK(file->ops->read(file, i * WRITE_BUFFER_BYTES, back, sizeof back, &got, NULL) == CAS_OK);
    CHECK(back[0] == i + 1 && back[sizeof back - 1] == i + 1);
  }
  file->ops->close(file);
}

static void child(const char *folder, bool (*restrict_self)(void), const char *expected, const char *unexpected) {
  struct io_disk *disk;
  struct cas_error error = {0};
  if (!restrict_self()) _exit(77);
  if (io_disk_open(folder, false, &disk, &error) != CAS_OK) {
    print_error("%s\n", error.message);
    _exit(76);
  }
  print_message("%s\n", disk->ops->describe(disk));
  CHECK(strstr(disk->ops->describe(disk), expected) != NULL);
  CHECK(unexpected == NULL || strstr(disk->ops->describe(disk), unexpected) == NULL);
  write_and_read(disk);
  disk->ops->close(disk);
  _exit(0);
}

static void run(bool (*restrict_self)(void), const char *expected, const char *unexpected) {
  struct test_folder folder;
  assert_true(test_folder_make(&folder, NULL));
  assert_int_equal(chmod(folder.path, 0777), 0);
  fflush(NULL);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) child(folder.path, restrict_self, expected, unexpected);
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  test_folder_remove(&folder);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    print_message("not possible here\n");
    skip();
  }
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_io_uring_is_forbidden(void **state) {
  (void)state;
  run(forbid_io_uring, "pwrite, page cache: no io_uring (Operation not permitted)", NULL);
}

static void test_no_memory_may_be_locked(void **state) {
  (void)state;
  run(forbid_locking, "", "registered buffers");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_io_uring_is_forbidden),
      cmocka_unit_test(test_no_memory_may_be_locked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
