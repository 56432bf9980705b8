/* Owns nothing. */
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static cas_status fail(struct cas_error *error, cas_status status, int system_errno, const char *address,
                       const char *port) {
  if (error != NULL) {
    *error = (struct cas_error){.status = status, .system_errno = system_errno};
    snprintf(error->message, sizeof error->message, "cannot listen on %.64s port %s: %s", address, port,
             system_errno != 0 ? strerrordesc_np(system_errno) : "not a numeric IP address");
  }
  return status;
}

cas_status listener_open(const char *address, uint16_t port, int *fd, struct cas_error *error) {
  char service[8];
  snprintf(service, sizeof service, "%u", (unsigned)port);
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
  struct addrinfo *found = NULL;
  if (getaddrinfo(address, service, &hints, &found) != 0) return fail(error, CAS_INVALID, 0, address, service);
  const int on = 1, made = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const bool listens = made >= 0 && setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                       bind(made, found->ai_addr, found->ai_addrlen) == 0 && listen(made, SOMAXCONN) == 0;
  const int reason = errno;
  freeaddrinfo(found);
  if (listens) {
    *fd = made;
    return CAS_OK;
  }
  if (made >= 0) close(made);
  return fail(error, reason == EADDRINUSE ? CAS_BUSY : CAS_IO, reason, address, service);
}

uint16_t listener_port(int fd) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  char port[8];
  if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) return 0;
  if (getnameinfo((struct sockaddr *)&address, size, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0) return 0;
  return (uint16_t)strtoul(port, NULL, 10);
}
