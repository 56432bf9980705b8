/*
 * Owns nothing.
 */
#include "fuse/prune.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Of Linux 6.18, which the headers of Debian 12 do not have yet. */
#define NOTIFY_PRUNE 9

struct notify_prune_out {
  uint32_t count;
  uint32_t padding;
  uint64_t spare;
};

#define NUMBERS_MAX 512

/* False where the kernel does not know this. */
static bool tell_numbers(struct fuse_session *session, const struct inode_taken *taken, size_t count) {
  uint64_t numbers[NUMBERS_MAX];
  for (size_t i = 0; i < count; i++) numbers[i] = taken[i].inode;
  struct notify_prune_out prune = {.count = (uint32_t)count};
  struct fuse_out_header header = {.len = (uint32_t)(sizeof header + sizeof prune + count * sizeof numbers[0]),
                                   .error = NOTIFY_PRUNE};
  struct iovec parts[] = {{.iov_base = &header, .iov_len = sizeof header},
                          {.iov_base = &prune, .iov_len = sizeof prune},
                          {.iov_base = numbers, .iov_len = count * sizeof numbers[0]}};
  return writev(fuse_session_fd(session), parts, 3) >= 0 || errno != EINVAL;
}

bool prune_tell(void *arg, const struct inode_taken *taken, size_t count) {
  struct prune *prune = arg;
  while (count > 0 && !prune->by_name) {
    size_t some = count < NUMBERS_MAX ? count : NUMBERS_MAX;
    prune->by_name = !tell_numbers(prune->session, taken, some);
    if (prune->by_name) break;
    taken += some;
    count -= some;
  }
  for (size_t i = 0; i < count; i++) {
    /* The kernel may have forgotten it. */
    if (taken[i].file)
      (void)fuse_lowlevel_notify_inval_entry(prune->session, taken[i].parent, taken[i].name, strlen(taken[i].name));
  }
  return !prune->by_name;
}
