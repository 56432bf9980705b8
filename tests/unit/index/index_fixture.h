/* What the tests of the index share: a folder of their own, short ways to make entries, and a list of what was called
 * back. */
#ifndef INDEX_FIXTURE_H
#define INDEX_FIXTURE_H

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <ftw.h>

#include "index/index.h"

#define assert_ok(expression, error)                                                                                   \
  do {                                                                                                                 \
    cas_status assert_ok_ = (expression);                                                                              \
    if (assert_ok_ != CAS_OK) fail_msg("%s: %s: %s", #expression, cas_status_text(assert_ok_), (error)->message);      \
  } while (0)

struct fixture {
  char folder[64];       /* holds index/ and scratch/ */
  char index_folder[96]; /* the index */
  char scratch[96];      /* a follower's */
  struct index *index;
  struct cas_error error;
};

static inline int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where) {
  (void)about, (void)kind, (void)where;
  return remove(path);
}

static inline void remove_tree(const char *folder) { nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

/* A folder without an index in it. */
static inline int setup_folder(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  if (f == NULL) return -1;
  snprintf(f->folder, sizeof f->folder, "/tmp/cassette-index-XXXXXX");
  if (mkdtemp(f->folder) == NULL) return -1;
  snprintf(f->index_folder, sizeof f->index_folder, "%s/index", f->folder);
  snprintf(f->scratch, sizeof f->scratch, "%s/scratch", f->folder);
  *state = f;
  return mkdir(f->scratch, 0700);
}

static inline int setup(void **state) {
  if (setup_folder(state) != 0) return -1;
  struct fixture *f = *state;
  cas_status status = index_open(f->index_folder, &f->index, &f->error);
  if (status != CAS_OK) fprintf(stderr, "%s\n", f->error.message);
  return status == CAS_OK ? 0 : -1;
}

static inline int teardown(void **state) {
  struct fixture *f = *state;
  index_close(f->index);
  remove_tree(f->folder);
  free(f);
  return 0;
}

static inline void reopen(struct fixture *f) {
  index_close(f->index);
  f->index = NULL;
  assert_ok(index_open(f->index_folder, &f->index, &f->error), &f->error);
}

/* --- another process --- */

/*
 * This program again, with a second argument: a fresh process, because RocksDB's threads do not survive a fork. What it
 * reads from standard input and writes to standard output is the other end of `tell` and `hear`.
 */
struct process {
  pid_t pid;
  int tell, hear;
};

static inline struct process start_process(const char *folder) {
  int tell[2], hear[2];
  assert_int_equal(pipe2(tell, O_CLOEXEC) | pipe2(hear, O_CLOEXEC), 0);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(tell[0], 0);
    dup2(hear[1], 1);
    execl("/proc/self/exe", "test_index", folder, (char *)NULL);
    _exit(127);
  }
  close(tell[0]);
  close(hear[1]);
  return (struct process){.pid = pid, .tell = tell[1], .hear = hear[0]};
}

static inline void kill_process(struct process *process) {
  int status;
  assert_int_equal(kill(process->pid, SIGKILL), 0);
  assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
  assert_true(WIFSIGNALED(status));
}

static inline void close_process(struct process *process) {
  close(process->tell);
  close(process->hear);
}

/* --- entries --- */

static inline struct index_batch *begin(struct fixture *f) {
  struct index_batch *batch;
  assert_ok(index_batch_begin(f->index, &batch, &f->error), &f->error);
  return batch;
}

static inline void apply(struct fixture *f, struct index_batch *batch) {
  assert_ok(index_batch_apply(batch, &f->error), &f->error);
}

static inline enum cas_level level_of(const char *path) {
  unsigned level = 1;
  for (; *path != '\0'; path++) level += *path == '/';
  return (enum cas_level)level;
}

static inline struct blob_id blob_id_of(uint32_t number, uint16_t ordinal) {
  struct blob_id id = {.ordinal = ordinal};
  uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15u;
  memcpy(id.hash.bytes, &mixed, 8);
  memcpy(id.hash.bytes + 8, &number, 4);
  return id;
}

static inline struct index_blob blob_of(uint32_t number, uint8_t codec) {
  struct index_blob blob = {.codec = codec, .raw_size = number * 3 + 1, .stored_size = number + 1};
  memcpy(blob.cookie.bytes, &number, 4);
  blob.cookie.bytes[15] = codec;
  return blob;
}

/* A node whose fields follow from `number`, so that they can be checked again. Borrows the texts. */
static inline struct index_node node_of(const char *path, const char *identity, uint32_t number) {
  struct index_node node = {
      .level = level_of(path),
      .path = (char *)path,
      .identity = (char *)identity,
      .first_arrival_ns = 1700000000000000000 + (int64_t)number,
      .last_arrival_ns = 1700000001000000000 + (int64_t)number,
      .instances = number + 1,
      .bytes = number * 1000ull,
      .attributes = {.data = (uint8_t *)path, .size = strlen(path)},
  };
  if (node.level == CAS_LEVEL_INSTANCE) {
    node.version = number % 7 + 1;
    memset(node.content_hash.bytes, (int)(number & 255), 16);
    memset(node.manifest.bytes, (int)(number >> 8 & 255), 16);
  }
  return node;
}

static inline void assert_node_equal(const struct index_node *a, const struct index_node *b) {
  assert_int_equal(a->level, b->level);
  assert_string_equal(a->path, b->path);
  assert_string_equal(a->identity, b->identity);
  assert_int_equal(a->first_arrival_ns, b->first_arrival_ns);
  assert_int_equal(a->last_arrival_ns, b->last_arrival_ns);
  assert_int_equal(a->instances, b->instances);
  assert_int_equal(a->bytes, b->bytes);
  assert_int_equal(a->attributes.size, b->attributes.size);
  if (a->attributes.size > 0) assert_memory_equal(a->attributes.data, b->attributes.data, a->attributes.size);
  assert_int_equal(a->version, b->version);
  assert_memory_equal(&a->content_hash, &b->content_hash, 16);
  assert_memory_equal(&a->manifest, &b->manifest, 16);
}

static inline void put_node(struct fixture *f, struct index_batch *batch, const char *path, const char *identity,
                            const char *uid, const char *date) {
  struct index_node node = node_of(path, identity, 5);
  assert_ok(index_batch_put_node(batch, &node, uid, date, &f->error), &f->error);
}

/* --- what was called back --- */

struct texts {
  size_t count;
  size_t stop_after; /* 0: never */
  cas_status stop_with;
  char text[64][256];
};

static inline cas_status add_text(void *arg, const char *text) {
  struct texts *texts = arg;
  assert_true(texts->count < 64);
  snprintf(texts->text[texts->count++], sizeof texts->text[0], "%s", text);
  return texts->stop_after != 0 && texts->count >= texts->stop_after ? texts->stop_with : CAS_OK;
}

static inline cas_status add_path(void *arg, const struct index_node *node) { return add_text(arg, node->path); }

#define assert_texts(texts, ...)                                                                                       \
  do {                                                                                                                 \
    const char *expected_[] = {__VA_ARGS__};                                                                           \
    size_t count_ = sizeof expected_ / sizeof *expected_;                                                              \
    assert_int_equal((texts)->count, count_);                                                                          \
    for (size_t i_ = 0; i_ < count_; i_++) assert_string_equal((texts)->text[i_], expected_[i_]);                      \
  } while (0)

#endif
