/*
 * Owns the listening socket, libmicrohttpd's daemon, and the thread in which that runs. libmicrohttpd knows a limit
 * only for silence; so what a connection may take in all is watched here.
 *
 * Invariants:
 *  1. All but stop_fd belongs to the thread.
 *  2. `open` has the connections that libmicrohttpd has told of and not yet taken back, none twice.
 */
#include "metrics_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "listener.h"

#define PAGE_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define TEXT_TYPE "text/plain; charset=utf-8"
#define REASON_BYTES 640

/* Scrapes give way to whoever sends or asks for images. */
#define NICE 10

struct connection {
  struct MHD_Connection *http; /* NULL: a free place */
  int64_t due_ms;
};

struct metrics_server {
  struct metrics_server_options options; /* without bind */
  int listen_fd, stop_fd;
  struct MHD_Daemon *http;
  struct connection open[METRICS_CONNECTIONS_MAX];
  uint64_t ended; /* connections so far */
  pthread_t thread;
};

static cas_status fail(struct cas_error *error, int system_errno, const char *what) {
  if (error != NULL) {
    *error = (struct cas_error){.status = CAS_IO, .system_errno = system_errno};
    snprintf(error->message, sizeof error->message, "metrics: %s: %s", what, strerrordesc_np(system_errno));
  }
  return CAS_IO;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- answers --- */

/* Takes the response over. */
static enum MHD_Result send_response(struct MHD_Connection *http, unsigned code, const char *type,
                                     struct MHD_Response *response) {
  if (response == NULL) return MHD_NO;
  enum MHD_Result result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
  if (result == MHD_YES) result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
  if (result == MHD_YES) result = MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  if (result == MHD_YES && code == MHD_HTTP_METHOD_NOT_ALLOWED)
    result = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  if (result == MHD_YES) result = MHD_queue_response(http, code, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result send_line(struct MHD_Connection *http, unsigned code, const char *line) {
  char text[REASON_BYTES + 2];
  const int size = snprintf(text, sizeof text, "%s\n", line);
  return send_response(http, code, TEXT_TYPE,
                       MHD_create_response_from_buffer((size_t)size, text, MHD_RESPMEM_MUST_COPY));
}

static enum MHD_Result send_page(const struct metrics_server *server, struct MHD_Connection *http) {
  struct cas_buffer page = {0};
  if (server->options.page(server->options.arg, &page) == CAS_OK) {
    struct MHD_Response *response = MHD_create_response_from_buffer(page.size, page.data, MHD_RESPMEM_MUST_FREE);
    if (response != NULL) return send_response(http, MHD_HTTP_OK, PAGE_TYPE, response);
  }
  cas_buffer_fini(&page);
  return send_line(http, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
}

static enum MHD_Result send_health(const struct metrics_server *server, struct MHD_Connection *http) {
  char reason[REASON_BYTES] = "";
  const bool healthy = server->options.healthy(server->options.arg, reason, sizeof reason);
  for (char *at = reason; *at != '\0'; at++)
    if (*at == '\n' || *at == '\r') *at = ' ';
  return send_line(http, healthy ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, healthy ? "ok" : reason);
}

/* Called when the header of a request is there; a body is of no interest, and not read. */
static enum MHD_Result answer(void *arg, struct MHD_Connection *http, const char *url, const char *method,
                              const char *version, const char *body, size_t *body_size, void **kept) {
  const struct metrics_server *server = arg;
  (void)version;
  (void)body;
  (void)body_size;
  (void)kept;
  if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
    return send_line(http, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET");
  if (strcmp(url, "/metrics") == 0) return send_page(server, http);
  if (strcmp(url, "/health") == 0) return send_health(server, http);
  return send_line(http, MHD_HTTP_NOT_FOUND, "there are /metrics and /health");
}

/* Paths are compared as they came. */
static size_t keep_escapes(void *arg, struct MHD_Connection *http, char *text) {
  (void)arg;
  (void)http;
  return strlen(text);
}

/* --- connections --- */

static void note_connection(void *arg, struct MHD_Connection *http, void **kept,
                            enum MHD_ConnectionNotificationCode what) {
  struct metrics_server *server = arg;
  const bool begins = what == MHD_CONNECTION_NOTIFY_STARTED;
  struct MHD_Connection *wanted = begins ? NULL : http;
  (void)kept;
  server->ended += !begins;
  size_t place = 0;
  while (place < METRICS_CONNECTIONS_MAX && server->open[place].http != wanted) place++;
  if (place == METRICS_CONNECTIONS_MAX) return;
  server->open[place] =
      (struct connection){.http = begins ? http : NULL, .due_ms = now_ms() + METRICS_SECONDS_MAX * INT64_C(1000)};
}

/* Cuts off who had its time; returns how long nobody else is due, in milliseconds, -1: for ever. */
static int cut_off_overdue(struct metrics_server *server) {
  const int64_t now = now_ms();
  int64_t wait_ms = -1;
  for (size_t i = 0; i < METRICS_CONNECTIONS_MAX; i++) {
    struct connection *connection = &server->open[i];
    if (connection->http == NULL) continue;
    if (connection->due_ms <= now) {
      const union MHD_ConnectionInfo *info =
          MHD_get_connection_info(connection->http, MHD_CONNECTION_INFO_CONNECTION_FD);
      if (info != NULL) (void)shutdown(info->connect_fd, SHUT_RDWR);
      connection->due_ms = now + 1000; /* libmicrohttpd sees the end, and says so */
    }
    const int64_t left_ms = connection->due_ms - now;
    if (wait_ms < 0 || left_ms < wait_ms) wait_ms = left_ms;
  }
  return (int)wait_ms;
}

/* At its limit libmicrohttpd looks at the listening socket no more until it runs with a place free. */
static void run(struct metrics_server *server) {
  uint64_t ended;
  do {
    ended = server->ended;
    (void)MHD_run(server->http);
  } while (ended != server->ended);
}

static void *serve(void *arg) {
  struct metrics_server *server = arg;
  pthread_setname_np(pthread_self(), "metrics");
  (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->http, MHD_DAEMON_INFO_EPOLL_FD);
  for (;;) {
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    int wait_ms = cut_off_overdue(server);
    if (MHD_get_timeout(server->http, &timeout_ms) == MHD_YES && (wait_ms < 0 || timeout_ms < (unsigned)wait_ms))
      wait_ms = (int)timeout_ms;
    struct pollfd entries[] = {{.fd = server->stop_fd, .events = POLLIN}, {.fd = info->epoll_fd, .events = POLLIN}};
    (void)poll(entries, 2, wait_ms);
    if (entries[0].revents != 0) return NULL;
    run(server);
  }
}

/* --- start, stop --- */

static cas_status open_parts(struct metrics_server *server, const char *address, struct cas_error *error) {
  const cas_status status = listener_open(address, server->options.port, &server->listen_fd, error);
  if (status != CAS_OK) return status;
  server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (server->stop_fd < 0) return fail(error, errno, "eventfd");
  server->http =
      MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, server, MHD_OPTION_LISTEN_SOCKET, server->listen_fd,
                       MHD_OPTION_CONNECTION_LIMIT, METRICS_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                       (size_t)METRICS_REQUEST_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)METRICS_SECONDS_MAX,
                       MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_CONNECTION, note_connection,
                       server, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
  if (server->http == NULL) return fail(error, errno != 0 ? errno : ENOMEM, "libmicrohttpd does not start");
  server->listen_fd = -1; /* closed with it */
  const int failure = pthread_create(&server->thread, NULL, serve, server);
  return failure != 0 ? fail(error, failure, "no thread") : CAS_OK;
}

static void free_server(struct metrics_server *server) {
  if (server->http != NULL) MHD_stop_daemon(server->http);
  if (server->listen_fd >= 0) close(server->listen_fd);
  if (server->stop_fd >= 0) close(server->stop_fd);
  free(server);
}

cas_status metrics_server_start(const struct metrics_server_options *options, struct metrics_server **server,
                                struct cas_error *error) {
  struct metrics_server *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  made->options = *options;
  made->options.bind = NULL;
  made->listen_fd = made->stop_fd = -1;
  const cas_status status = open_parts(made, options->bind, error);
  if (status != CAS_OK) {
    free_server(made);
    return status;
  }
  *server = made;
  return CAS_OK;
}

uint16_t metrics_server_port(const struct metrics_server *server) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->http, MHD_DAEMON_INFO_LISTEN_FD);
  return info != NULL ? listener_port(info->listen_fd) : 0;
}

void metrics_server_stop(struct metrics_server *server) {
  if (server == NULL) return;
  const uint64_t one = 1;
  while (write(server->stop_fd, &one, sizeof one) < 0 && errno == EINTR) {
  }
  pthread_join(server->thread, NULL);
  free_server(server);
}
