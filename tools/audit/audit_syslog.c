/* Owns the connection to the collector. */
#include "audit_syslog.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The longest that fits a datagram of IPv4. */
#define DATAGRAM_BYTES_MAX 65507u

static cas_status fail(struct cas_error *error, cas_status status, const char *what, const char *why) {
  *error = (struct cas_error){.status = status};
  snprintf(error->message, sizeof error->message, "%s: %.400s", what, why);
  return status;
}

static int await(int fd, short events) {
  struct pollfd entry = {.fd = fd, .events = events};
  int ready;
  do ready = poll(&entry, 1, AUDIT_SECONDS * 1000);
  while (ready < 0 && errno == EINTR);
  return ready == 0 ? ETIMEDOUT : ready < 0 ? errno : 0;
}

static int connect_one(const struct addrinfo *address, int *fd) {
  const int made = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made < 0) return errno;
  int failed = connect(made, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
  if (failed == EINPROGRESS) {
    failed = await(made, POLLOUT);
    socklen_t size = sizeof failed;
    if (failed == 0 && getsockopt(made, SOL_SOCKET, SO_ERROR, &failed, &size) < 0) failed = errno;
  }
  if (failed != 0) {
    close(made);
    return failed;
  }
  *fd = made;
  return 0;
}

static cas_status shake_hands(struct audit_syslog *syslog, struct cas_error *error) {
  syslog->session = tls_session_create(syslog->tls, syslog->fd, false);
  if (syslog->session == NULL) return CAS_NO_MEMORY;
  for (;;) {
    struct cas_error reason = {0};
    const int done = tls_session_handshake(syslog->session, &reason);
    if (done > 0) return CAS_OK;
    if (done < 0) return fail(error, CAS_REFUSED, "audit collector", reason.message);
    const int failed = await(syslog->fd, tls_session_events(syslog->session));
    if (failed != 0) return fail(error, CAS_IO, "audit collector: TLS handshake", strerrordesc_np(failed));
  }
}

cas_status audit_syslog_connect(struct audit_syslog *syslog, struct cas_error *error) {
  if (syslog->fd >= 0) return CAS_OK;
  char port[8];
  snprintf(port, sizeof port, "%u", (unsigned)syslog->port);
  const struct addrinfo hints = {.ai_socktype = syslog->transport == AUDIT_UDP ? SOCK_DGRAM : SOCK_STREAM,
                                 .ai_flags = AI_NUMERICSERV};
  struct addrinfo *addresses = NULL;
  const int unknown = getaddrinfo(syslog->host, port, &hints, &addresses);
  if (unknown != 0) return fail(error, CAS_IO, "audit collector", gai_strerror(unknown));
  int failed = ENOENT;
  for (const struct addrinfo *at = addresses; at != NULL && failed != 0; at = at->ai_next)
    failed = connect_one(at, &syslog->fd);
  freeaddrinfo(addresses);
  if (failed != 0) return fail(error, CAS_IO, "audit collector", strerrordesc_np(failed));
  if (syslog->transport != AUDIT_TLS) return CAS_OK;
  const cas_status status = shake_hands(syslog, error);
  if (status != CAS_OK) audit_syslog_close(syslog);
  return status;
}

/* A collector sends nothing; so what can be read is the end of the connection. */
static bool is_gone(const struct audit_syslog *syslog) {
  char byte;
  const ssize_t got =
      syslog->session != NULL ? tls_session_read(syslog->session, &byte, 1) : recv(syslog->fd, &byte, 1, MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static int send_all(const struct audit_syslog *syslog, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    const ssize_t sent = syslog->session != NULL ? tls_session_write(syslog->session, bytes, size)
                                                 : send(syslog->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes += sent;
      size -= (size_t)sent;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      const short events = syslog->session != NULL ? tls_session_events(syslog->session) : POLLOUT;
      const int failed = await(syslog->fd, events);
      if (failed != 0) return failed;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

cas_status audit_syslog_send(struct audit_syslog *syslog, struct cas_slice message, struct cas_error *error) {
  int failed = is_gone(syslog) ? ECONNRESET : 0;
  if (syslog->transport == AUDIT_UDP) {
    const size_t size = message.size < DATAGRAM_BYTES_MAX ? message.size : DATAGRAM_BYTES_MAX;
    if (failed == 0) failed = send_all(syslog, message.data, size);
  } else {
    char head[24];
    const int head_size = snprintf(head, sizeof head, "%zu ", message.size);
    if (failed == 0) failed = send_all(syslog, (const uint8_t *)head, (size_t)head_size);
    if (failed == 0) failed = send_all(syslog, message.data, message.size);
  }
  if (failed == 0) return CAS_OK;
  audit_syslog_close(syslog);
  return fail(error, CAS_IO, "audit collector", strerrordesc_np(failed));
}

void audit_syslog_close(struct audit_syslog *syslog) {
  tls_session_destroy(syslog->session);
  syslog->session = NULL;
  if (syslog->fd >= 0) close(syslog->fd);
  syslog->fd = -1;
}
