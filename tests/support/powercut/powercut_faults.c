/* Owns nothing but the plan. */
#include "support/powercut/powercut_faults.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static bool begins_with(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

int powercut_faults_check(struct powercut_faults *faults, enum powercut_kind kind, const char *path, pid_t process) {
  faults->counts[kind]++;
  if (faults->off) return -EIO;
  if (kind != POWERCUT_READ && faults->kill_in > 0 && --faults->kill_in == 0) {
    faults->off = true;
    faults->killed++;
    kill(process, SIGKILL);
    return -EIO;
  }
  if (faults->read_only && kind != POWERCUT_READ) return -EROFS;
  if (faults->fail_times == 0 || kind != faults->fail_kind || !begins_with(path, faults->fail_path)) return 0;
  if (faults->fail_in > 1) {
    faults->fail_in--;
    return 0;
  }
  faults->fail_times--;
  faults->failed++;
  return -faults->fail_errno;
}

size_t powercut_faults_shorten(struct powercut_faults *faults, size_t size) {
  if (faults->short_every == 0 || size < 2 * (size_t)POWERCUT_SECTOR_BYTES) return size;
  if (++faults->short_count % faults->short_every != 0) return size;
  faults->failed++;
  return size / 2 / POWERCUT_SECTOR_BYTES * POWERCUT_SECTOR_BYTES;
}

static int plan_failure(struct powercut_faults *faults, const char *kind, const char *name) {
  static const char *const kinds[POWERCUT_KINDS] = {"write", "sync", "read", "name"};
  static const struct {
    const char *name;
    int number;
  } errors[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS}};
  for (unsigned i = 0; i < POWERCUT_KINDS; i++)
    for (unsigned k = 0; k < sizeof errors / sizeof errors[0]; k++)
      if (strcmp(kinds[i], kind) == 0 && strcmp(errors[k].name, name) == 0) {
        faults->fail_kind = (enum powercut_kind)i;
        faults->fail_errno = errors[k].number;
        return 0;
      }
  return -EINVAL;
}

static int set_honesty(struct powercut_faults *faults, const char *name) {
  static const char *const names[] = {"honest", "never", "late"};
  for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], name) == 0) {
      faults->honesty = (enum powercut_honesty)i;
      return 0;
    }
  return -EINVAL;
}

int powercut_faults_command(struct powercut_faults *faults, struct powercut_tree *tree, const char *line) {
  char kind[16], path[256], name[16];
  uint64_t number, times;
  int on;
  if (sscanf(line, "kill %" SCNu64, &faults->kill_in) == 1) return 0;
  if (sscanf(line, "cut %" SCNu64, &number) == 1) {
    struct test_random random = {.state = number};
    powercut_tree_cut(tree, &random, &faults->losses);
    faults->off = false;
    faults->kill_in = 0;
    return 0;
  }
  if (sscanf(line, "fail %15s %255s %" SCNu64 " %" SCNu64 " %15s", kind, path, &number, &times, name) == 5) {
    int status = plan_failure(faults, kind, name);
    if (status != 0) return status;
    snprintf(faults->fail_path, sizeof faults->fail_path, "%s", path);
    faults->fail_in = number;
    faults->fail_times = times;
    return 0;
  }
  if (sscanf(line, "limit %" SCNu64, &faults->limit_bytes) == 1) return 0;
  if (sscanf(line, "short %" SCNu64, &faults->short_every) == 1) return 0;
  if (sscanf(line, "readonly %d", &on) == 1) {
    faults->read_only = on != 0;
    return 0;
  }
  return sscanf(line, "honesty %15s", name) == 1 ? set_honesty(faults, name) : -EINVAL;
}

size_t powercut_faults_report(const struct powercut_faults *faults, char *text, size_t size) {
  const struct powercut_losses *losses = &faults->losses;
  int length =
      snprintf(text, size,
               "{\"writes\": %" PRIu64 ", \"syncs\": %" PRIu64 ", \"reads\": %" PRIu64 ", \"names\": %" PRIu64
               ", \"failed\": %" PRIu64 ", \"killed\": %" PRIu64 ", \"cuts\": %" PRIu64 ", \"sectors_kept\": %" PRIu64
               ", \"sectors_lost\": %" PRIu64 ", \"entries_kept\": %" PRIu64 ", \"entries_lost\": %" PRIu64 "}\n",
               faults->counts[POWERCUT_WRITE], faults->counts[POWERCUT_SYNC], faults->counts[POWERCUT_READ],
               faults->counts[POWERCUT_NAME], faults->failed, faults->killed, losses->cuts, losses->sectors_kept,
               losses->sectors_lost, losses->entries_kept, losses->entries_lost);
  return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}
