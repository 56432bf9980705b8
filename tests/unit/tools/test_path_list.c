/* Does a list of paths come apart as it should, in whatever pieces it arrives? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "cassette/file_walk.h"

struct writer {
  int fd;
  const char *bytes;
  size_t size, piece;
};

static void *write_pieces(void *arg) {
  struct writer *writer = arg;
  for (size_t at = 0; at < writer->size; at += writer->piece) {
    size_t size = writer->size - at < writer->piece ? writer->size - at : writer->piece;
    if (write(writer->fd, writer->bytes + at, size) != (ssize_t)size) break;
  }
  close(writer->fd);
  return NULL;
}

struct seen {
  char text[8192];
  int count, most;
};

static bool see(void *arg, const char *path) {
  struct seen *seen = arg;
  size_t length = strlen(seen->text);
  snprintf(seen->text + length, sizeof seen->text - length, "<%.40s>", path);
  return ++seen->count != seen->most;
}

/* Reads `bytes`, written in pieces of that size, and gives what came out. */
static bool read_list(const char *bytes, size_t size, size_t piece, char separator, struct seen *seen,
                      const char **problem) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  struct writer writer = {ends[1], bytes, size, piece};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, write_pieces, &writer), 0);
  bool whole = path_list_read(ends[0], separator, -1, see, seen, problem);
  char rest[4096];
  while (read(ends[0], rest, sizeof rest) > 0) continue;
  pthread_join(thread, NULL);
  close(ends[0]);
  return whole;
}

static void lines_in_pieces(void **state) {
  (void)state;
  const char text[] = "a\nb c\n\n\n/d/e\nlast";
  for (size_t piece = 1; piece < sizeof text; piece++) {
    struct seen seen = {0};
    const char *problem = NULL;
    assert_true(read_list(text, sizeof text - 1, piece, '\n', &seen, &problem));
    assert_string_equal(seen.text, "<a><b c></d/e><last>");
    assert_null(problem);
  }
}

static void nul_separated(void **state) {
  (void)state;
  struct seen seen = {0};
  const char *problem = NULL;
  assert_true(read_list("a\nb\0c\0", 6, 1, '\0', &seen, &problem));
  assert_string_equal(seen.text, "<a\nb><c>");
}

static void many_paths(void **state) {
  (void)state;
  size_t size = 200000;
  char *text = malloc(size);
  for (size_t i = 0; i < size; i++) text[i] = i % 10 == 9 ? '\n' : 'x';
  struct seen seen = {0};
  const char *problem = NULL;
  assert_true(read_list(text, size, 4099, '\n', &seen, &problem));
  assert_int_equal(seen.count, size / 10);
  assert_null(problem);
  free(text);
}

static void stops_when_told(void **state) {
  (void)state;
  struct seen seen = {.most = 2};
  const char *problem = NULL;
  assert_false(read_list("a\nb\nc\n", 6, 6, '\n', &seen, &problem));
  assert_string_equal(seen.text, "<a><b>");
}

static void a_path_too_long_is_a_problem(void **state) {
  (void)state;
  size_t size = 3 * PATH_MAX;
  char *text = malloc(size);
  memset(text, 'x', size);
  memcpy(text, "good\n", 5);
  struct seen seen = {0};
  const char *problem = NULL;
  read_list(text, size, size, '\n', &seen, &problem);
  assert_int_equal(seen.count, 1);
  assert_non_null(problem);
  free(text);
}

static void an_interruption_ends_the_wait(void **state) {
  (void)state;
  int list[2], interrupt[2];
  assert_int_equal(pipe(list), 0);
  assert_int_equal(pipe(interrupt), 0);
  assert_int_equal(write(interrupt[1], "", 1), 1);
  struct seen seen = {0};
  const char *problem = NULL;
  assert_false(path_list_read(list[0], '\n', interrupt[0], see, &seen, &problem));
  assert_int_equal(seen.count, 0);
  for (int i = 0; i < 2; i++) {
    close(list[i]);
    close(interrupt[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_in_pieces),
      cmocka_unit_test(nul_separated),
      cmocka_unit_test(many_paths),
      cmocka_unit_test(stops_when_told),
      cmocka_unit_test(a_path_too_long_is_a_problem),
      cmocka_unit_test(an_interruption_ends_the_wait),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
