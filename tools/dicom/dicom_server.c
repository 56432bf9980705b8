/*
 * Owns the listening socket, the thread that accepts, and a slot for each connection.
 *
 * Each connection is served by a thread of its own, from its first byte on, so that neither a slow negotiation nor a
 * slow sender keeps others waiting. Slots are reused; a thread frees its slot as its last act.
 *
 * Invariants:
 *  1. lock guards slots and connections; a slot's fd is a duplicate that only the server closes, so that stop can
 *     shut a connection down without meeting a reused number.
 *  2. stop_fd becomes readable once and stays so.
 */
#include "dicom_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "association.h"
#include "commitment_desk.h"
#include "find_scp.h"
#include "listener.h"
#include "monotonic.h"
#include "node_views.h"

/* Of a connection's thread: DCMTK's negotiation and the engine's ingest stay far below it. */
#define STACK_BYTES (1u << 20)

/* Pause after accept() failed for want of descriptors or memory, so as not to spin. */
#define ACCEPT_PAUSE_MS 100

struct slot {
  struct dicom_server *server;
  bool used, tls;
  int fd;   /* what the thread serves and closes */
  int hold; /* our duplicate */
  char peer[INET6_ADDRSTRLEN];
};

struct dicom_server {
  struct dicom_node node;
  char aet[DICOM_AE_TITLE_TEXT_MAX];
  int listen_fd, tls_fd; /* -1: none */
  uint16_t port;
  pthread_t acceptor;
  pthread_mutex_t lock;
  pthread_cond_t gone; /* a connection ended */
  size_t connections;  /* slots in use */
  size_t slot_count;
  struct slot *slots;
};

static cas_status fail(struct cas_error *error, cas_status status, int system_errno, const char *what) {
  if (error != NULL) {
    error->status = status;
    error->system_errno = system_errno;
    char reason[128] = "";
    if (system_errno != 0) snprintf(reason, sizeof reason, ": %s", strerrordesc_np(system_errno));
    snprintf(error->message, sizeof error->message, "%s%s", what, reason);
  }
  return status;
}

static void say(const struct dicom_server *server, enum cas_log_level level, const char *line) {
  if (server->node.options.log != NULL) server->node.options.log(server->node.options.log_arg, level, line);
}

/* --- connections --- */

static void *connection_main(void *arg) {
  struct slot *slot = arg;
  struct dicom_server *server = slot->server;
  pthread_setname_np(pthread_self(), "dicom");
  association_serve(&server->node, slot->fd, slot->tls ? server->node.options.tls : NULL, slot->peer);
  pthread_mutex_lock(&server->lock);
  close(slot->hold);
  slot->used = false;
  server->connections--;
  pthread_cond_broadcast(&server->gone);
  pthread_mutex_unlock(&server->lock);
  return NULL;
}

static struct slot *take_slot(struct dicom_server *server) {
  struct slot *taken = NULL;
  pthread_mutex_lock(&server->lock);
  for (size_t i = 0; i < server->slot_count && taken == NULL; i++) {
    if (!server->slots[i].used) taken = &server->slots[i];
  }
  if (taken != NULL) {
    taken->used = true;
    taken->hold = -1;
    server->connections++;
  }
  pthread_mutex_unlock(&server->lock);
  return taken;
}

static void give_slot_back(struct dicom_server *server, struct slot *slot) {
  pthread_mutex_lock(&server->lock);
  if (slot->hold >= 0) close(slot->hold);
  slot->used = false;
  server->connections--;
  pthread_mutex_unlock(&server->lock);
}

static bool start_thread(struct slot *slot) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_t thread;
  const bool started = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
                       pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
                       pthread_create(&thread, &attributes, connection_main, slot) == 0;
  pthread_attr_destroy(&attributes);
  return started;
}

static void format_peer(const struct sockaddr_storage *address, socklen_t size, char peer[INET6_ADDRSTRLEN]) {
  if (getnameinfo((const struct sockaddr *)address, size, peer, INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST) != 0) {
    snprintf(peer, INET6_ADDRSTRLEN, "unknown");
  }
}

static void serve_connection(struct dicom_server *server, int fd, bool tls, const struct sockaddr_storage *address,
                             socklen_t size) {
  struct slot *slot = take_slot(server);
  if (slot == NULL) {
    close(fd);
    node_count(&server->node.counters, NODE_CONNECTIONS_TURNED_AWAY, 1);
    say(server, CAS_LOG_WARNING, "connection closed at once: too many are open");
    return;
  }
  slot->server = server;
  slot->tls = tls;
  slot->fd = fd;
  format_peer(address, size, slot->peer);
  pthread_mutex_lock(&server->lock);
  slot->hold = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  const bool held = slot->hold >= 0;
  pthread_mutex_unlock(&server->lock);
  if (!held || !start_thread(slot)) {
    close(fd);
    give_slot_back(server, slot);
    node_count(&server->node.counters, NODE_CONNECTIONS_TURNED_AWAY, 1);
    say(server, CAS_LOG_ERROR, "connection closed at once: no descriptor or thread for it");
  }
}

static void accept_one(struct dicom_server *server, bool tls) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  const int fd = accept4(tls ? server->tls_fd : server->listen_fd, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
  if (fd >= 0) {
    serve_connection(server, fd, tls, &address, size);
  } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    say(server, CAS_LOG_ERROR, "cannot accept a connection: out of descriptors or memory");
    struct pollfd stop = {.fd = server->node.stop_fd, .events = POLLIN};
    (void)poll(&stop, 1, ACCEPT_PAUSE_MS);
  }
}

static void *acceptor_main(void *arg) {
  struct dicom_server *server = arg;
  pthread_setname_np(pthread_self(), "dicom-accept");
  for (;;) {
    struct pollfd entries[] = {{.fd = server->node.stop_fd, .events = POLLIN},
                               {.fd = server->listen_fd, .events = POLLIN},
                               {.fd = server->tls_fd, .events = POLLIN}};
    if (poll(entries, 3, -1) < 0) continue;
    if (entries[0].revents != 0) return NULL;
    if (entries[1].revents != 0) accept_one(server, false);
    if (entries[2].revents != 0) accept_one(server, true);
  }
}

/* --- start --- */

static cas_status check_title(const char *aet, struct cas_error *error) {
  const size_t size = strlen(aet);
  if (size == 0 || size >= DICOM_AE_TITLE_TEXT_MAX)
    return fail(error, CAS_INVALID, 0, "the AE title has not 1 to 16 characters");
  for (size_t i = 0; i < size; i++) {
    if (aet[i] < ' ' || aet[i] >= 0x7F || aet[i] == '\\')
      return fail(error, CAS_INVALID, 0, "the AE title has a character that is not allowed");
  }
  return CAS_OK;
}

static void fill_defaults(struct dicom_server_options *options) {
  if (options->aet == NULL) options->aet = "CASSETTE";
  if (options->bind == NULL) options->bind = "127.0.0.1";
  if (options->associations_max == 0) options->associations_max = 64;
  if (options->pdu_bytes_max == 0) options->pdu_bytes_max = DICOM_PDU_BYTES_MAX;
  if (options->negotiation_seconds == 0) options->negotiation_seconds = 30;
  if (options->message_seconds == 0) options->message_seconds = 60;
  if (options->idle_seconds == 0) options->idle_seconds = 600;
  if (options->move_associations == 0) options->move_associations = 1;
  if (options->transcode_mib == 0) options->transcode_mib = (unsigned)(TRANSCODE_BYTES_DEFAULT >> 20);
  if (options->find_attributes == NULL) options->find_attributes = FIND_ATTRIBUTES_DEFAULT;
  if (options->find_matches_max == 0) options->find_matches_max = FIND_MATCHES_MAX;
  if (options->find_seconds_max == 0) options->find_seconds_max = FIND_SECONDS_MAX;
  if (options->find_queries_max == 0) options->find_queries_max = FIND_QUERIES_MAX;
}

static cas_status listen_on_all(struct dicom_server *server, struct cas_error *error) {
  const struct dicom_server_options *options = &server->node.options;
  cas_status status = CAS_OK;
  if (!options->no_plain) status = listener_open(options->bind, options->port, &server->listen_fd, error);
  if (status == CAS_OK && options->tls_port != 0)
    status = listener_open(options->bind, options->tls_port, &server->tls_fd, error);
  if (status == CAS_OK && server->listen_fd >= 0) server->port = listener_port(server->listen_fd);
  return status;
}

static cas_status open_server(struct dicom_server *server, struct cas_error *error) {
  struct dicom_server_options *options = &server->node.options;
  server->slot_count = (size_t)options->associations_max + DICOM_PENDING_MAX;
  server->slots = calloc(server->slot_count, sizeof *server->slots);
  if (server->slots == NULL) return fail(error, CAS_NO_MEMORY, 0, "DICOM server");
  cas_status status = find_attributes_parse(options->find_attributes, &server->node.find_attributes, error);
  if (status != CAS_OK) return status;
  options->find_attributes = NULL; /* the caller's string; not needed any more */
  status = access_init(&server->node.access, options->peers, options->peer_count, options->open);
  if (status != CAS_OK) return fail(error, status, 0, "DICOM server");
  status = node_views_open(&server->node);
  if (status != CAS_OK) return fail(error, status, 0, "DICOM server");
  server->node.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (server->node.stop_fd < 0) return fail(error, CAS_IO, errno, "eventfd");
  status = listen_on_all(server, error);
  if (status == CAS_OK) {
    status = dicom_network_create(options->pdu_bytes_max, options->log, options->log_arg, &server->node.network, error);
  }
  if (status == CAS_OK && options->commitments != NULL)
    status = commitment_desk_open(&server->node, options->commitments, &server->node.commitments, error);
  if (status != CAS_OK) return status;
  const int failed = pthread_create(&server->acceptor, NULL, acceptor_main, server);
  if (failed != 0) return fail(error, CAS_IO, failed, "the thread that accepts connections");
  return CAS_OK;
}

static void free_server(struct dicom_server *server) {
  commitment_desk_close(server->node.commitments);
  dicom_network_destroy(server->node.network);
  if (server->listen_fd >= 0) close(server->listen_fd);
  if (server->tls_fd >= 0) close(server->tls_fd);
  if (server->node.stop_fd >= 0) close(server->node.stop_fd);
  access_fini(&server->node.access);
  node_views_close(&server->node);
  transcode_budget_fini(&server->node.transcoding);
  pthread_cond_destroy(&server->gone);
  pthread_mutex_destroy(&server->lock);
  free(server->slots);
  free(server);
}

cas_status dicom_server_start(struct cas_store *store, const struct dicom_server_options *options,
                              struct dicom_server **server, struct cas_error *error) {
  struct dicom_server_options filled = *options;
  fill_defaults(&filled);
  const cas_status valid = check_title(filled.aet, error);
  if (valid != CAS_OK) return valid;
  struct dicom_server *made = calloc(1, sizeof *made);
  if (made == NULL) return fail(error, CAS_NO_MEMORY, 0, "DICOM server");
  made->listen_fd = made->tls_fd = made->node.stop_fd = -1;
  pthread_mutex_init(&made->lock, NULL);
  monotonic_condition_init(&made->gone);
  transcode_budget_init(&made->node.transcoding, (uint64_t)filled.transcode_mib << 20, filled.message_seconds);
  made->node.store = store;
  made->node.options = filled;
  snprintf(made->aet, sizeof made->aet, "%s", filled.aet);
  made->node.options.aet = made->aet;
  const cas_status status = open_server(made, error);
  if (status != CAS_OK) {
    free_server(made);
    return status;
  }
  made->node.options.bind = NULL; /* the caller's string; not needed any more */
  *server = made;
  return CAS_OK;
}

uint16_t dicom_server_port(const struct dicom_server *server) { return server->port; }

void dicom_server_counters(struct dicom_server *server, struct dicom_counters *counters) {
  node_counters_read(&server->node.counters, counters);
  if (server->node.commitments != NULL) counters->commitments_waiting = commitment_desk_count(server->node.commitments);
}

/* --- stop --- */

/* Waits until no connection is left or the time is over; the lock is held. */
static bool wait_for_connections(struct dicom_server *server, unsigned seconds) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += (time_t)seconds;
  while (server->connections > 0) {
    if (pthread_cond_timedwait(&server->gone, &server->lock, &end) == ETIMEDOUT) return false;
  }
  return true;
}

void dicom_server_stop(struct dicom_server *server, unsigned grace_seconds) {
  if (server == NULL) return;
  const uint64_t one = 1;
  while (write(server->node.stop_fd, &one, sizeof one) < 0 && errno == EINTR) {
  }
  pthread_join(server->acceptor, NULL);
  pthread_mutex_lock(&server->lock);
  if (!wait_for_connections(server, grace_seconds)) {
    say(server, CAS_LOG_WARNING, "stopping: objects that were under way are cut off");
    for (size_t i = 0; i < server->slot_count; i++) {
      if (server->slots[i].used && server->slots[i].hold >= 0) (void)shutdown(server->slots[i].hold, SHUT_RDWR);
    }
    while (server->connections > 0) pthread_cond_wait(&server->gone, &server->lock);
  }
  pthread_mutex_unlock(&server->lock);
  free_server(server);
}
