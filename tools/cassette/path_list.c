/*
 * A list of paths from a descriptor. The wait for more of it is also a wait for an interruption, so that ^C works while
 * a slow program, or a person, makes the list.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "file_walk.h"

struct list {
  char separator;
  path_list_fn each;
  void *arg;
  size_t length; /* of the unfinished path at the beginning of `bytes` */
  char bytes[4 * PATH_MAX];
};

/* Hands over every finished path and moves the unfinished rest to the front. */
static bool take_paths(struct list *list) {
  char *from = list->bytes, *end = list->bytes + list->length, *stop;
  while ((stop = memchr(from, list->separator, (size_t)(end - from)))) {
    *stop = '\0';
    if (*from && !list->each(list->arg, from)) return false;
    from = stop + 1;
  }
  list->length = (size_t)(end - from);
  memmove(list->bytes, from, list->length);
  return true;
}

/* Bytes read, 0 at the end, -1 with errno; EINTR when interrupted for good. */
static ssize_t read_more(int descriptor, int interrupt, char *bytes, size_t size) {
  struct pollfd wait[2] = {{.fd = descriptor, .events = POLLIN}, {.fd = interrupt, .events = POLLIN}};
  for (;;) {
    if (poll(wait, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return -1;
    }
    if (wait[1].revents) {
      errno = EINTR;
      return -1;
    }
    ssize_t got = read(descriptor, bytes, size);
    if (got >= 0 || (errno != EINTR && errno != EAGAIN)) return got;
  }
}

bool path_list_read(int descriptor, char separator, int interrupt, path_list_fn each, void *arg, const char **problem) {
  struct list list = {.separator = separator, .each = each, .arg = arg};
  for (;;) {
    ssize_t got = read_more(descriptor, interrupt, list.bytes + list.length, sizeof list.bytes - 1 - list.length);
    if (got < 0) {
      if (errno == EINTR) return false;
      *problem = strerror(errno);
      return true;
    }
    if (got == 0) break;
    list.length += (size_t)got;
    if (!take_paths(&list)) return false;
    if (list.length >= PATH_MAX) {
      *problem = "a path in the list is too long";
      return true;
    }
  }
  list.bytes[list.length] = '\0';
  return list.length == 0 || each(arg, list.bytes);
}
