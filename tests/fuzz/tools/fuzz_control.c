/*
 * Any bytes on the control socket, with a descriptor beside them: lines as the daemon reads them, answered by the real
 * session over a real store. The first byte says how long the pieces are in which they are sent, and whether there is a
 * file.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "../fuzz_store.h"
#include "control_session.h"
#include "control_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads answers until the session closes, so that it never waits for its peer. */
static void *drain(void *arg) {
  char bytes[4096];
  while (read(*(int *)arg, bytes, sizeof bytes) > 0) continue;
  return NULL;
}

struct serving {
  struct control_node node;
  int fd;
};

static void *serve(void *arg) {
  struct serving *serving = arg;
  control_session_serve(&serving->node, serving->fd);
  shutdown(serving->fd, SHUT_RDWR);
  return NULL;
}

static void send_in_pieces(int fd, const uint8_t *data, size_t size, size_t piece, int file) {
  for (size_t at = 0; at < size; at += piece) {
    size_t part = size - at < piece ? size - at : piece;
    if (!control_send(fd, (const char *)data + at, part, at == 0 ? file : -1)) return;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct serving serving = {.node = {.store = fuzz_store()}};
  int pair[2], file = -1;
  pthread_t server, drainer;
  if (size == 0) return 0;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
  if ((data[0] & 0x80) != 0) {
    file = memfd_create("object", MFD_CLOEXEC);
    fuzz_must(file >= 0 && write(file, data, size) == (ssize_t)size);
  }
  serving.fd = pair[1];
  fuzz_must(pthread_create(&server, NULL, serve, &serving) == 0);
  fuzz_must(pthread_create(&drainer, NULL, drain, &pair[0]) == 0);
  send_in_pieces(pair[0], data + 1, size - 1, (size_t)(data[0] & 0x7F) * 16 + 1, file);
  shutdown(pair[0], SHUT_WR);
  pthread_join(server, NULL);
  pthread_join(drainer, NULL);
  close(pair[0]);
  close(pair[1]);
  if (file >= 0) close(file);
  return 0;
}
