/* The control socket over a real store: what is answered, what is refused, and what a rude client can do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "control_client.h"
#include "control_server.h"
#include "control_wire.h"

#include <fcntl.h>

struct fixture {
  char folder[200]; /* with the store, longer than a socket's address can be */
  struct cas_store *store;
  struct control_server *server;
};

static json_t *state(void *arg) {
  (void)arg;
  return json_pack("{ss}", "version", "test");
}

static void start(struct fixture *fixture) {
  struct cas_error error = {0};
  const struct cas_store_options options = {.mode = CAS_OPEN_WRITE, .workers = 2};
  if (cas_store_open(fixture->folder, &options, &fixture->store, &error) != CAS_OK) fail_msg("%s", error.message);
  const struct control_server_options control = {.state = state};
  if (control_server_start(fixture->store, &control, &fixture->server, &error) != CAS_OK) fail_msg("%s", error.message);
}

static int setup(void **arg) {
  struct fixture *fixture = calloc(1, sizeof *fixture);
  snprintf(fixture->folder, sizeof fixture->folder, "/tmp/test_control.XXXXXX");
  if (mkdtemp(fixture->folder) == NULL) return -1;
  strcat(fixture->folder, "/");
  memset(fixture->folder + strlen(fixture->folder), 'x', 130);
  struct cas_error error = {0};
  if (cas_store_init(fixture->folder, &error) != CAS_OK) return -1;
  start(fixture);
  *arg = fixture;
  return 0;
}

static int teardown(void **arg) {
  struct fixture *fixture = *arg;
  control_server_stop(fixture->server, 5);
  cas_store_close(fixture->store);
  char command[300];
  *strrchr(fixture->folder, '/') = '\0';
  snprintf(command, sizeof command, "rm -rf '%s'", fixture->folder);
  const int removed = system(command);
  free(fixture);
  return removed;
}

/* --- files --- */

static void put(FILE *file, unsigned group, unsigned element, const char *value) {
  const size_t size = strlen(value);
  const size_t even = size + size % 2;
  const unsigned char head[8] = {(unsigned char)group,
                                 (unsigned char)(group >> 8),
                                 (unsigned char)element,
                                 (unsigned char)(element >> 8),
                                 (unsigned char)even,
                                 0,
                                 0,
                                 0};
  fwrite(head, 1, sizeof head, file);
  fwrite(value, 1, size, file);
  if (size % 2) fputc(0, file);
}

/* An unlinked file with a small implicit VR data set without preamble, which import takes. */
static int make_file(unsigned number) {
  FILE *file = tmpfile();
  assert_non_null(file);
  char uid[32];
  snprintf(uid, sizeof uid, "2.25.%u", 1000 + number);
  put(file, 0x0008, 0x0016, "1.2.840.10008.5.1.4.1.1.2");
  put(file, 0x0008, 0x0018, uid);
  put(file, 0x0010, 0x0010, "Control^Test");
  put(file, 0x0010, 0x0020, "CT1");
  put(file, 0x0020, 0x000D, "2.25.1");
  put(file, 0x0020, 0x000E, "2.25.2");
  fflush(file);
  const int fd = dup(fileno(file));
  fclose(file);
  return fd;
}

struct tally {
  unsigned stored, duplicates, refused, lost;
  char last[128];
};

static void count(void *arg, cas_status status, const struct cas_ingest_result *result, const struct cas_error *error) {
  struct tally *tally = arg;
  if (status == CAS_OK) {
    assert_true(result->version == 1 && result->bytes > 0);
    if (result->outcome == CAS_STORED) tally->stored++;
    if (result->outcome == CAS_DUPLICATE) tally->duplicates++;
    return;
  }
  snprintf(tally->last, sizeof tally->last, "%.100s", error->message);
  if (status == CAS_REFUSED) tally->refused++;
  if (status == CAS_IO) tally->lost++;
}

static struct control_client *connect_to(const struct fixture *fixture) {
  struct control_client *client;
  struct cas_error error = {0};
  if (control_connect(fixture->folder, &client, &error) != CAS_OK) fail_msg("%s", error.message);
  return client;
}

static void import_one(struct control_client *client, int fd, struct tally *tally) {
  struct cas_error error = {0};
  if (control_import(client, fd, "/a/\xff/file", count, tally, &error) != CAS_OK) fail_msg("%s", error.message);
  close(fd);
}

/* --- tests --- */

static void imports_many_at_once(void **arg) {
  struct control_client *client = connect_to(*arg);
  struct tally tally = {0};
  struct cas_error error = {0};
  for (unsigned i = 0; i < 2 * CONTROL_CLIENT_WINDOW + 10; i++) import_one(client, make_file(i), &tally);
  assert_int_equal(control_finish(client, &error), CAS_OK);
  assert_int_equal(tally.stored, 2 * CONTROL_CLIENT_WINDOW + 10);
  import_one(client, make_file(0), &tally);
  assert_int_equal(control_finish(client, &error), CAS_OK);
  assert_int_equal(tally.duplicates, 1);

  char *json;
  assert_int_equal(control_status(client, &json, &error), CAS_OK);
  assert_non_null(strstr(json, "\"version\":\"test\""));
  assert_non_null(strstr(json, "\"imports\":267"));
  free(json);
  control_close(client);
}

static void refuses_what_is_no_file(void **arg) {
  struct control_client *client = connect_to(*arg);
  struct tally tally = {0};
  struct cas_error error = {0};
  int pipe_fds[2];
  assert_int_equal(pipe(pipe_fds), 0);
  import_one(client, pipe_fds[0], &tally);
  import_one(client, open("/tmp", O_RDONLY), &tally);
  FILE *text = tmpfile();
  fputs("no DICOM at all, but text of some length, so that nothing can be read into it", text);
  fflush(text);
  import_one(client, dup(fileno(text)), &tally);
  fclose(text);
  import_one(client, make_file(5000), &tally);
  assert_int_equal(control_finish(client, &error), CAS_OK);
  assert_int_equal(tally.refused, 3);
  assert_int_equal(tally.stored, 1);
  close(pipe_fds[1]);
  control_close(client);
}

static void tells_when_nobody_is_there(void **arg) {
  (void)arg;
  struct control_client *client;
  struct cas_error error = {0};
  assert_int_equal(control_connect("/tmp", &client, &error), CAS_NOT_FOUND);
  assert_int_equal(control_connect("/nonexistent", &client, &error), CAS_NOT_FOUND);
}

static void serves_a_limited_number_at_once(void **arg) {
  struct control_client *clients[CONTROL_CONNECTIONS_MAX];
  for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) clients[i] = connect_to(*arg);
  struct control_client *one_more;
  struct cas_error error = {0};
  assert_int_equal(control_connect(((struct fixture *)*arg)->folder, &one_more, &error), CAS_BUSY);
  for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) control_close(clients[i]);
}

/* Sends bytes on a connection of its own and reads one line of answer, "" if the server closes. */
static void talk(const struct fixture *fixture, const char *bytes, size_t size, int descriptor, char *answer,
                 size_t answer_size) {
  struct cas_error error = {0};
  const int fd = control_socket_dial(fixture->folder, &error);
  assert_true(fd >= 0);
  (void)control_send(fd, bytes, size, descriptor);
  (void)shutdown(fd, SHUT_WR);
  struct control_reader reader;
  control_reader_init(&reader, fd);
  char *line;
  answer[0] = '\0';
  if (control_reader_next(&reader, &line) == CAS_OK) snprintf(answer, answer_size, "%s", line);
  control_reader_fini(&reader);
  close(fd);
}

static void outlives_rude_clients(void **arg) {
  const struct fixture *fixture = *arg;
  char answer[1000];
  static const char unknown[] = "{\"id\":1,\"command\":\"fly\"}\n", nothing[] = "{}\n", words[] = "hello\n";
  static const char no_file[] = "{\"id\":2,\"command\":\"import\",\"name\":\"x\"}\n";
  talk(fixture, unknown, strlen(unknown), -1, answer, sizeof answer);
  assert_non_null(strstr(answer, "unsupported"));
  talk(fixture, nothing, strlen(nothing), -1, answer, sizeof answer);
  assert_non_null(strstr(answer, "unsupported"));
  talk(fixture, words, strlen(words), -1, answer, sizeof answer);
  assert_string_equal(answer, "");
  talk(fixture, no_file, strlen(no_file), -1, answer, sizeof answer);
  assert_non_null(strstr(answer, "invalid"));
  char *flood = malloc(100000);
  memset(flood, 'x', 100000);
  talk(fixture, flood, 100000, -1, answer, sizeof answer);
  assert_string_equal(answer, "");
  memset(flood, '[', CONTROL_LINE_BYTES_MAX - 1);
  flood[CONTROL_LINE_BYTES_MAX - 1] = '\n';
  talk(fixture, flood, CONTROL_LINE_BYTES_MAX, STDERR_FILENO, answer,
       sizeof answer); /* deep nesting, a stray descriptor */
  assert_string_equal(answer, "");
  free(flood);
  struct control_client *client = connect_to(fixture);
  control_close(client);
}

static void a_client_that_never_reads_blocks_nobody(void **arg) {
  const struct fixture *fixture = *arg;
  struct cas_error error = {0};
  const int fd = control_socket_dial(fixture->folder, &error);
  assert_true(fd >= 0);
  static const char ping[] = "{\"id\":1,\"command\":\"ping\"}\n";
  for (unsigned i = 0; i < 100000; i++) {
    if (send(fd, ping, strlen(ping), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) break;
  }
  struct control_client *client = connect_to(fixture);
  struct tally tally = {0};
  import_one(client, make_file(6000), &tally);
  assert_int_equal(control_finish(client, &error), CAS_OK);
  assert_int_equal(tally.stored, 1);
  control_close(client);
  close(fd);
}

static void ends_what_is_under_way_when_the_server_stops(void **arg) {
  struct fixture *fixture = *arg;
  struct control_client *client = connect_to(fixture);
  struct tally tally = {0};
  struct cas_error error = {0};
  import_one(client, make_file(7000), &tally);
  assert_int_equal(control_finish(client, &error), CAS_OK);
  control_server_stop(fixture->server, 5);
  fixture->server = NULL;
  const int fd = make_file(7001);
  if (control_import(client, fd, "late", count, &tally, &error) == CAS_OK) {
    assert_int_equal(control_finish(client, &error), CAS_IO);
    assert_int_equal(tally.lost, 1);
  }
  close(fd);
  control_close(client);
  struct control_client *other;
  assert_int_equal(control_connect(fixture->folder, &other, &error), CAS_NOT_FOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(imports_many_at_once, setup, teardown),
      cmocka_unit_test_setup_teardown(refuses_what_is_no_file, setup, teardown),
      cmocka_unit_test(tells_when_nobody_is_there),
      cmocka_unit_test_setup_teardown(serves_a_limited_number_at_once, setup, teardown),
      cmocka_unit_test_setup_teardown(outlives_rude_clients, setup, teardown),
      cmocka_unit_test_setup_teardown(a_client_that_never_reads_blocks_nobody, setup, teardown),
      cmocka_unit_test_setup_teardown(ends_what_is_under_way_when_the_server_stops, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
