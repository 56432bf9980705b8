/*
 * Owns the listening socket, the thread that accepts, and the connections' slots.
 *
 * Invariants: lock guards slots and connections; a slot's thread closes the slot's fd under the lock, so that stop
 * never shuts a reused number down.
 */
#include "control_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control_client.h"
#include "control_session.h"
#include "control_wire.h"
#include "monotonic.h"

struct slot {
  struct control_server *server;
  int fd; /* -1: free */
};

struct control_server {
  struct control_node node;
  char *store_path;
  int listen_fd, stop_fd;
  pthread_t acceptor;
  pthread_mutex_t lock;
  pthread_cond_t gone;
  size_t connections;
  struct slot slots[CONTROL_CONNECTIONS_MAX];
};

static void *connection_main(void *arg) {
  struct slot *slot = arg;
  struct control_server *server = slot->server;
  pthread_setname_np(pthread_self(), "control");
  control_session_serve(&server->node, slot->fd);
  pthread_mutex_lock(&server->lock);
  close(slot->fd);
  slot->fd = -1;
  server->connections--;
  pthread_cond_broadcast(&server->gone);
  pthread_mutex_unlock(&server->lock);
  return NULL;
}

/* Starts a thread for the connection; false if there is no slot or thread for it. */
static bool serve_connection(struct control_server *server, int fd) {
  bool started = false;
  pthread_mutex_lock(&server->lock);
  for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX && !started; i++) {
    struct slot *slot = &server->slots[i];
    if (slot->fd >= 0) continue;
    *slot = (struct slot){.server = server, .fd = fd};
    pthread_t thread;
    if (pthread_create(&thread, NULL, connection_main, slot) != 0) {
      slot->fd = -1;
      break;
    }
    pthread_detach(thread);
    server->connections++;
    started = true;
  }
  pthread_mutex_unlock(&server->lock);
  return started;
}

static void *acceptor_main(void *arg) {
  struct control_server *server = arg;
  pthread_setname_np(pthread_self(), "control-accept");
  for (;;) {
    struct pollfd entries[] = {{.fd = server->listen_fd, .events = POLLIN}, {.fd = server->stop_fd, .events = POLLIN}};
    if (poll(entries, 2, -1) < 0) continue;
    if (entries[1].revents != 0) return NULL;
    const int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
      (void)poll(&entries[1], 1, 100);
    if (fd < 0 || serve_connection(server, fd)) continue;
    static const char busy[] =
        "{\"id\":0,\"ok\":false,\"status\":\"busy\",\"message\":\"too many control connections\"}\n";
    (void)control_send(fd, busy, sizeof busy - 1, -1);
    close(fd);
    const struct control_server_options *options = &server->node.options;
    if (options->log != NULL) options->log(options->log_arg, CAS_LOG_WARNING, "control socket: too many connections");
  }
}

static cas_status fail_errno(struct cas_error *error, int system_errno) {
  const cas_status status = system_errno == ENOMEM ? CAS_NO_MEMORY : CAS_IO;
  if (error != NULL) {
    error->status = status;
    error->system_errno = system_errno;
    snprintf(error->message, sizeof error->message, "control socket: %s", strerrordesc_np(system_errno));
  }
  return status;
}

static void free_server(struct control_server *server) {
  if (server->listen_fd >= 0) close(server->listen_fd);
  if (server->stop_fd >= 0) close(server->stop_fd);
  pthread_cond_destroy(&server->gone);
  pthread_mutex_destroy(&server->lock);
  free(server->store_path);
  free(server);
}

static cas_status open_server(struct control_server *server, struct cas_error *error) {
  server->stop_fd = eventfd(0, EFD_CLOEXEC);
  if (server->stop_fd < 0 || server->store_path == NULL)
    return fail_errno(error, server->store_path == NULL ? ENOMEM : errno);
  struct cas_error reason = {0};
  server->listen_fd = control_socket_listen(server->store_path, server->node.options.mode, &reason);
  if (server->listen_fd < 0) {
    if (error != NULL) *error = reason;
    return reason.status;
  }
  const int failed = pthread_create(&server->acceptor, NULL, acceptor_main, server);
  if (failed == 0) return CAS_OK;
  control_socket_remove(server->store_path);
  return fail_errno(error, failed);
}

cas_status control_server_start(struct cas_store *store, const struct control_server_options *options,
                                struct control_server **server, struct cas_error *error) {
  struct control_server *made = calloc(1, sizeof *made);
  if (made == NULL) return fail_errno(error, ENOMEM);
  made->node.store = store;
  made->node.options = *options;
  if (made->node.options.mode == 0) made->node.options.mode = 0600;
  made->listen_fd = made->stop_fd = -1;
  for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) made->slots[i].fd = -1;
  pthread_mutex_init(&made->lock, NULL);
  monotonic_condition_init(&made->gone);
  struct cas_store_info info;
  cas_store_info(store, &info);
  made->store_path = strdup(info.path);
  const cas_status status = open_server(made, error);
  if (status != CAS_OK) {
    free_server(made);
    return status;
  }
  *server = made;
  return CAS_OK;
}

/* Ends reading (SHUT_RD) or everything (SHUT_RDWR) on all connections; the lock is held. */
static void shut_connections(struct control_server *server, int how) {
  for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
    if (server->slots[i].fd >= 0) (void)shutdown(server->slots[i].fd, how);
  }
}

void control_server_stop(struct control_server *server, unsigned grace_seconds) {
  if (server == NULL) return;
  const uint64_t one = 1;
  while (write(server->stop_fd, &one, sizeof one) < 0 && errno == EINTR) {
  }
  pthread_join(server->acceptor, NULL);
  control_socket_remove(server->store_path);
  atomic_store(&server->node.stopping, true);
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += (time_t)grace_seconds;
  pthread_mutex_lock(&server->lock);
  shut_connections(server, SHUT_RD);
  while (server->connections > 0 && pthread_cond_timedwait(&server->gone, &server->lock, &end) != ETIMEDOUT) {
  }
  atomic_store(&server->node.cutting, true);
  shut_connections(server, SHUT_RDWR);
  while (server->connections > 0) pthread_cond_wait(&server->gone, &server->lock);
  pthread_mutex_unlock(&server->lock);
  free_server(server);
}
