/*
 * A lane: a thread that reads files and hands them to the store, or to the daemon that holds it.
 *
 * Invariants
 *  1. Every job taken from the queue reaches import_job_done() exactly once.
 *  2. Without a daemon a job holds a place of `in_flight` from before its first byte until the reporter frees it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "control/control_client.h"
#include "import.h"

/* Large enough that system calls do not count, small enough to stay in the cache. */
#define READ_BYTES (1u << 20)

/* How long a lane waits for the next file before it asks the daemon for the results so far. */
#define IDLE_SECONDS 0.2

struct lane {
  struct import *import;
  struct control_client *client;
  uint8_t bytes[READ_BYTES];
};

void import_job_free(struct import_job *job) {
  if (job) free(job->path);
  free(job);
}

void import_job_done(struct import_job *job, cas_status status, const struct cas_ingest_result *result,
                     const struct cas_error *error) {
  job->status = status;
  if (result) {
    job->result = *result;
    if (result->defect) {
      snprintf(job->defect, sizeof job->defect, "%s", result->defect);
      job->result.defect = job->defect;
    }
  }
  if (error) job->error = *error;
  if (!cli_queue_put(job->import->results, job)) import_job_free(job);
}

static void done(void *arg, cas_status status, const struct cas_ingest_result *result, const struct cas_error *error) {
  import_job_done(arg, status, result, error);
}

static void fail_reading(struct import_job *job, const char *reason) {
  struct cas_error error = {.status = CAS_IO};
  snprintf(error.message, sizeof error.message, "%s", reason);
  job->unreadable = true;
  import_job_done(job, CAS_IO, NULL, &error);
}

/* O_NONBLOCK: a FIFO that took the file's place meanwhile does not hold the lane up. */
static int open_file(const char *path, struct stat *facts, const char **reason) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) {
    *reason = strerror(errno);
    return -1;
  }
  *reason = fstat(fd, facts) != 0 ? strerror(errno) : !S_ISREG(facts->st_mode) ? "not a regular file" : NULL;
  if (!*reason) return fd;
  close(fd);
  return -1;
}

static bool unchanged(int fd, const struct stat *before, uint64_t got) {
  struct stat after;
  return fstat(fd, &after) == 0 && after.st_size == before->st_size && (uint64_t)after.st_size == got &&
         after.st_mtim.tv_sec == before->st_mtim.tv_sec && after.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/* Feeds the file into the ingest. CAS_OK with *reason set: the file could not be read. */
static cas_status feed(struct lane *lane, int fd, const struct stat *facts, struct cas_ingest *ingest,
                       const char **reason, struct cas_error *error) {
  uint64_t offset = 0;
  for (;;) {
    ssize_t got = pread(fd, lane->bytes, READ_BYTES, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      *reason = strerror(errno);
      return CAS_OK;
    }
    if (got == 0) break;
    cas_status status = cas_ingest_write(ingest, (struct cas_slice){.data = lane->bytes, .size = (size_t)got}, error);
    if (status != CAS_OK) return status;
    offset += (uint64_t)got;
  }
  if (!unchanged(fd, facts, offset)) *reason = "the file changed while it was read";
  return CAS_OK;
}

static void take_into_store(struct lane *lane, struct import_job *job, int fd, const struct stat *facts) {
  struct cas_error error = {0};
  struct cas_ingest *ingest = NULL;
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT, .description = job->path};
  cas_status status = cas_ingest_begin(lane->import->store, &source, &ingest, &error);
  if (status != CAS_OK) {
    import_job_done(job, status, NULL, &error);
    return;
  }
  const char *reason = NULL;
  status = feed(lane, fd, facts, ingest, &reason, &error);
  if (status != CAS_OK || reason) {
    cas_ingest_abort(ingest);
    if (reason)
      fail_reading(job, reason);
    else
      import_job_done(job, status, NULL, &error);
    return;
  }
  status = cas_ingest_commit_async(ingest, done, job, &error);
  if (status != CAS_OK) import_job_done(job, status, NULL, &error);
}

static void take(struct lane *lane, struct import_job *job) {
  struct stat facts;
  const char *reason;
  int fd = open_file(job->path, &facts, &reason);
  if (fd < 0) {
    fail_reading(job, reason);
    return;
  }
  if (lane->client) {
    struct cas_error error = {0};
    cas_status status = control_import(lane->client, fd, job->path, done, job, &error);
    if (status != CAS_OK) import_job_done(job, status, NULL, &error);
  } else {
    take_into_store(lane, job, fd, &facts);
  }
  close(fd);
}

/* Waits for all that the daemon has under way. Failures reach the jobs. */
static void finish(struct lane *lane) {
  struct cas_error error = {0};
  cas_status status = control_finish(lane->client, &error);
  if (status != CAS_OK) atomic_store(&lane->import->stop, true);
}

static struct import_job *next_job(struct lane *lane) {
  if (!lane->client) return cli_queue_get(lane->import->jobs);
  struct import_job *job = cli_queue_get_within(lane->import->jobs, IDLE_SECONDS);
  if (job) return job;
  finish(lane);
  return cli_queue_get(lane->import->jobs);
}

void *import_lane_run(void *arg) {
  struct import *import = arg;
  CLI_FREE struct lane *lane = malloc(sizeof *lane);
  struct import_job *job;
  struct cas_error error = {0};
  cas_status connected = CAS_OK;
  if (lane) {
    lane->import = import;
    lane->client = NULL;
    if (!import->store) connected = control_connect(import->store_path, &lane->client, &error);
  }
  while ((job = lane ? next_job(lane) : cli_queue_get(import->jobs))) {
    if (import->store)
      while (sem_wait(&import->in_flight) != 0) continue;
    if (atomic_load(&import->stop)) {
      import_job_done(job, CAS_END, NULL, NULL);
    } else if (!lane) {
      import_job_done(job, CAS_NO_MEMORY, NULL, NULL);
    } else if (connected != CAS_OK) {
      import_job_done(job, connected, NULL, &error);
    } else {
      take(lane, job);
    }
  }
  if (lane && lane->client) {
    finish(lane);
    control_close(lane->client);
  }
  return NULL;
}
