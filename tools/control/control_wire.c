/*
 * Owns the framing of the control protocol. Invariants:
 *  1. A descriptor that was received is owned by the reader until it is taken, and closed by fini otherwise.
 *  2. The reader never holds more than one line and what came with its end.
 */
#include "control_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "control.sock"

/* Connections that wait for accept(). */
#define BACKLOG 16

static int fail(struct cas_error *error, cas_status status, int system_errno, const char *what, const char *path) {
  if (error != NULL) {
    error->status = status;
    error->system_errno = system_errno;
    snprintf(error->message, sizeof error->message, "%s %s/" SOCKET_NAME ": %s", what, path,
             strerrordesc_np(system_errno));
  }
  return -1;
}

/* --- sockets --- */

/* The address goes through /proc, since sun_path takes 108 bytes and a store's path may be longer. */
static int open_folder(const char *store_path, struct sockaddr_un *address) {
  const int folder = open(store_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return -1;
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/" SOCKET_NAME, folder);
  return folder;
}

int control_socket_listen(const char *store_path, mode_t mode, struct cas_error *error) {
  struct sockaddr_un address;
  const int folder = open_folder(store_path, &address);
  if (folder < 0) return fail(error, CAS_IO, errno, "cannot make", store_path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int failed = fd < 0 ? errno : 0;
  if (failed == 0 && unlinkat(folder, SOCKET_NAME, 0) < 0 && errno != ENOENT) failed = errno;
  if (failed == 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) < 0) failed = errno;
  /* Nobody can connect before listen(): the mode is in force when the door opens. */
  if (failed == 0 && fchmodat(folder, SOCKET_NAME, mode, 0) < 0) failed = errno;
  if (failed == 0 && listen(fd, BACKLOG) < 0) failed = errno;
  close(folder);
  if (failed == 0) return fd;
  if (fd >= 0) close(fd);
  return fail(error, CAS_IO, failed, "cannot make", store_path);
}

int control_socket_dial(const char *store_path, struct cas_error *error) {
  struct sockaddr_un address;
  const int folder = open_folder(store_path, &address);
  if (folder < 0) return fail(error, CAS_NOT_FOUND, errno, "no daemon at", store_path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int failed = fd < 0 ? errno : 0;
  if (failed == 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) failed = errno;
  close(folder);
  if (failed == 0) return fd;
  if (fd >= 0) close(fd);
  const bool nobody = failed == ENOENT || failed == ECONNREFUSED || failed == ENOTDIR;
  return fail(error, nobody ? CAS_NOT_FOUND : CAS_IO, failed, nobody ? "no daemon at" : "cannot connect to",
              store_path);
}

void control_socket_remove(const char *store_path) {
  struct sockaddr_un address;
  const int folder = open_folder(store_path, &address);
  if (folder < 0) return;
  (void)unlinkat(folder, SOCKET_NAME, 0);
  close(folder);
}

/* --- reading --- */

void control_reader_init(struct control_reader *reader, int fd) {
  reader->fd = fd;
  reader->start = reader->end = 0;
  reader->descriptor_count = 0;
}

void control_reader_fini(struct control_reader *reader) {
  for (size_t i = 0; i < reader->descriptor_count; i++) close(reader->descriptors[i]);
  reader->descriptor_count = 0;
}

bool control_reader_has_line(const struct control_reader *reader) {
  return memchr(reader->buffer + reader->start, '\n', reader->end - reader->start) != NULL;
}

int control_reader_take_descriptor(struct control_reader *reader) {
  if (reader->descriptor_count == 0) return -1;
  const int taken = reader->descriptors[0];
  reader->descriptor_count--;
  memmove(reader->descriptors, reader->descriptors + 1, reader->descriptor_count * sizeof reader->descriptors[0]);
  return taken;
}

/* Keeps the descriptors of one message; false if they are too many (all of this message's are closed then). */
static bool keep_descriptors(struct control_reader *reader, struct msghdr *message) {
  bool kept = (message->msg_flags & MSG_CTRUNC) == 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int descriptor;
      memcpy(&descriptor, CMSG_DATA(header) + i * sizeof descriptor, sizeof descriptor);
      if (kept && reader->descriptor_count < CONTROL_DESCRIPTORS_MAX) {
        reader->descriptors[reader->descriptor_count++] = descriptor;
      } else {
        close(descriptor);
        kept = false;
      }
    }
  }
  return kept;
}

static cas_status receive(struct control_reader *reader) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(CONTROL_DESCRIPTORS_MAX * sizeof(int))];
  } control;
  struct iovec part = {.iov_base = reader->buffer + reader->end, .iov_len = CONTROL_LINE_BYTES_MAX - reader->end};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t got;
  do {
    got = recvmsg(reader->fd, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return CAS_IO;
  if (!keep_descriptors(reader, &message)) return CAS_REFUSED;
  if (got == 0) return CAS_END;
  reader->end += (size_t)got;
  return CAS_OK;
}

cas_status control_reader_next(struct control_reader *reader, char **line) {
  for (;;) {
    char *first = reader->buffer + reader->start;
    char *newline = memchr(first, '\n', reader->end - reader->start);
    if (newline != NULL) {
      *newline = '\0';
      reader->start += (size_t)(newline - first) + 1;
      *line = first;
      return CAS_OK;
    }
    memmove(reader->buffer, first, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    if (reader->end == CONTROL_LINE_BYTES_MAX) return CAS_REFUSED;
    const cas_status status = receive(reader);
    if (status != CAS_OK) return status;
  }
}

/* --- sending --- */

bool control_send(int fd, const char *bytes, size_t size, int descriptor) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control = {.bytes = {0}};
  size_t sent = 0;
  while (sent < size) {
    struct iovec part = {.iov_base = (char *)(uintptr_t)(bytes + sent), .iov_len = size - sent};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0 && sent == 0) {
      message.msg_control = control.bytes;
      message.msg_controllen = sizeof control.bytes;
      struct cmsghdr *header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof descriptor);
      memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    const ssize_t count = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (count >= 0) {
      sent += (size_t)count;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool control_send_json(int fd, json_t *object, int descriptor) {
  char *text = json_dumps(object, JSON_COMPACT);
  json_decref(object);
  if (text == NULL) {
    errno = ENOMEM;
    return false;
  }
  /* The newline takes the place of the NUL. */
  const size_t size = strlen(text);
  text[size] = '\n';
  const bool sent = control_send(fd, text, size + 1, descriptor);
  free(text);
  return sent;
}

/* --- statuses --- */

static const struct {
  cas_status status;
  const char *name;
} statuses[] = {
    {CAS_OK, "ok"},     {CAS_NOT_FOUND, "not_found"}, {CAS_EXISTS, "exists"},     {CAS_BUSY, "busy"},
    {CAS_END, "end"},   {CAS_REFUSED, "refused"},     {CAS_INVALID, "invalid"},   {CAS_UNSUPPORTED, "unsupported"},
    {CAS_IO, "io"},     {CAS_CORRUPT, "corrupt"},     {CAS_NO_SPACE, "no_space"}, {CAS_NO_MEMORY, "no_memory"},
    {CAS_AWAY, "away"},
};

const char *control_status_name(cas_status status) {
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    if (statuses[i].status == status) return statuses[i].name;
  }
  return "io";
}

cas_status control_status_by_name(const char *name) {
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    if (strcmp(statuses[i].name, name) == 0) return statuses[i].status;
  }
  return CAS_IO;
}
