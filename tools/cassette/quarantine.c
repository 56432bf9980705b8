#include "quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_text.h"

/* Read at once; after an error it is read by blocks, so that what can be read is kept. */
#define PIECE_BYTES (1u << 20)
#define BLOCK_BYTES 4096u

struct quarantine {
  char *store, *folder; /* owned */
  uint8_t piece[PIECE_BYTES];
  uint64_t files, bytes, known;
  bool failed;
};

struct quarantine *quarantine_open(const char *store_path) {
  struct quarantine *quarantine = calloc(1, sizeof *quarantine);
  if (quarantine != NULL) quarantine->store = strdup(store_path);
  if (quarantine == NULL || quarantine->store == NULL ||
      asprintf(&quarantine->folder, "%s/quarantine", store_path) < 0) {
    cli_error("%s: out of memory", store_path);
    if (quarantine != NULL) free(quarantine->store);
    free(quarantine);
    return NULL;
  }
  if (mkdir(quarantine->folder, 0700) == 0 || errno == EEXIST) return quarantine;
  cli_error("%s: %s", quarantine->folder, strerror(errno));
  (void)quarantine_close(quarantine, true);
  return NULL;
}

/* Reads exactly `size` bytes, zeros where the disk gives none. False where the file ends before. */
static bool read_piece(int fd, uint8_t *bytes, size_t size, uint64_t offset) {
  memset(bytes, 0, size);
  if (pread(fd, bytes, size, (off_t)offset) == (ssize_t)size) return true;
  for (size_t at = 0; at < size; at += BLOCK_BYTES) {
    size_t part = size - at < BLOCK_BYTES ? size - at : BLOCK_BYTES;
    if (pread(fd, bytes + at, part, (off_t)(offset + at)) == 0) return false;
  }
  return true;
}

static bool copy(struct quarantine *quarantine, int from, int to, const struct cas_finding *finding) {
  for (uint64_t done = 0; done < finding->size;) {
    uint64_t left = finding->size - done;
    size_t part = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
    /* A segment that was cut off has no bytes there: nothing is to be kept of them. */
    if (!read_piece(from, quarantine->piece, part, finding->offset + done)) break;
    if (write(to, quarantine->piece, part) != (ssize_t)part) return false;
    done += part;
  }
  return fsync(to) == 0;
}

/* "segments/00/00000001.seg" -> "00000001". */
static void segment_of(const char *path, char name[16]) {
  const char *slash = strrchr(path, '/');
  snprintf(name, 16, "%.*s", (int)strcspn(slash != NULL ? slash + 1 : path, "."), slash != NULL ? slash + 1 : path);
}

static bool keep(struct quarantine *quarantine, const struct cas_finding *finding, const char *target) {
  CLI_FREE char *source = NULL, *part = NULL;
  if (asprintf(&source, "%s/%s", quarantine->store, finding->path) < 0) return false;
  if (asprintf(&part, "%s.new", target) < 0) return false;
  int from = open(source, O_RDONLY | O_CLOEXEC);
  int to = from >= 0 ? open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
  bool good = to >= 0 && copy(quarantine, from, to, finding) && rename(part, target) == 0;
  int saved = errno;
  if (from >= 0) close(from);
  if (to >= 0) close(to);
  if (!good && to >= 0) unlink(part);
  errno = saved;
  return good;
}

void quarantine_take(struct quarantine *quarantine, const struct cas_finding *finding) {
  char segment[16];
  CLI_FREE char *target = NULL;
  if (quarantine == NULL || finding->kind != CAS_FINDING_DAMAGED_RECORD || finding->size == 0) return;
  segment_of(finding->path, segment);
  bool named = asprintf(&target, "%s/%s-%" PRIu64 "-%" PRIu64 ".rec", quarantine->folder, segment, finding->offset,
                        finding->size) >= 0;
  if (named && access(target, F_OK) == 0) {
    quarantine->known++;
  } else if (named && keep(quarantine, finding, target)) {
    quarantine->files++;
    quarantine->bytes += finding->size;
  } else {
    cli_error("%s: %s", named ? target : quarantine->folder, strerror(errno));
    quarantine->failed = true;
  }
}

bool quarantine_close(struct quarantine *quarantine, bool quiet) {
  char bytes[CLI_TEXT_MAX];
  if (quarantine == NULL) return true;
  bool good = !quarantine->failed;
  if (!quiet)
    fprintf(stderr, "%llu damaged ranges, %s, were copied to %s; %llu were there\n",
            (unsigned long long)quarantine->files, cli_format_bytes(bytes, quarantine->bytes), quarantine->folder,
            (unsigned long long)quarantine->known);
  free(quarantine->store);
  free(quarantine->folder);
  free(quarantine);
  return good;
}
