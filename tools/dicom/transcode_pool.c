/*
 * Owns the processes. Invariants:
 *  1. A process that did not answer as it should is killed at once, and never given another object.
 *  2. Every process is waited for by who takes it out of the pool for good.
 */
#include "transcode_pool.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transcode_wire.h"

#define SECOND_NS INT64_C(1000000000)

/* So long may the first and the last request of an object take, which do nothing with it: a new process starts. */
#define START_SECONDS 30u

struct transcode_job {
  struct transcode_pool *pool;
  struct transcode_process process; /* fd -1: it is lost */
  uint64_t pixel_bytes;
  uint8_t *piece; /* TRANSCODE_PIECE_BYTES, made when it is first needed */
};

extern char **environ;

void transcode_pool_init(struct transcode_pool *pool, unsigned seconds, unsigned memory_mib) {
  *pool = (struct transcode_pool){.seconds = seconds, .memory_mib = memory_mib};
  pthread_mutex_init(&pool->lock, NULL);
}

/* --- processes --- */

/* Our own program again, with the socket as its standard input and nothing else of ours. */
static int spawn(const struct transcode_pool *pool, int fd, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none;
  char mib[16], name[] = TRANSCODE_CHILD_NAME;
  char *const words[] = {name, mib, NULL};
  snprintf(mib, sizeof mib, "%u", pool->memory_mib);
  sigemptyset(&none);
  if (posix_spawn_file_actions_init(&actions) != 0) return ENOMEM;
  if (posix_spawnattr_init(&attributes) != 0) {
    posix_spawn_file_actions_destroy(&actions);
    return ENOMEM;
  }
  int failed = posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
  if (failed == 0) failed = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0);
  if (failed == 0) failed = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  if (failed == 0) failed = posix_spawnattr_setsigmask(&attributes, &none);
  /* A group of its own: an interrupt from the terminal is not meant for it. */
  if (failed == 0) failed = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  if (failed == 0) failed = posix_spawn(pid, "/proc/self/exe", &actions, &attributes, words, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

static cas_status start(const struct transcode_pool *pool, struct transcode_process *process, struct cas_error *error) {
  int pair[2] = {-1, -1};
  *process = (struct transcode_process){.fd = -1};
  int failed = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ? errno : 0;
  if (failed == 0) failed = spawn(pool, pair[1], &process->pid);
  if (pair[1] >= 0) close(pair[1]);
  if (failed == 0) {
    process->fd = pair[0];
    return CAS_OK;
  }
  if (pair[0] >= 0) close(pair[0]);
  error->status = CAS_NO_MEMORY;
  error->system_errno = failed;
  snprintf(error->message, sizeof error->message, "no process to transcode in: %s", strerrordesc_np(failed));
  return CAS_NO_MEMORY;
}

/* Ends it, and returns how it had ended by itself: a signal, or 0. */
static int stop(struct transcode_process *process) {
  int how = 0;
  close(process->fd);
  process->fd = -1;
  (void)kill(process->pid, SIGKILL);
  while (waitpid(process->pid, &how, 0) < 0 && errno == EINTR) continue;
  return WIFSIGNALED(how) && WTERMSIG(how) != SIGKILL ? WTERMSIG(how) : 0;
}

/* One that waits, and still lives; else a new one. */
static cas_status take(struct transcode_pool *pool, struct transcode_process *process, struct cas_error *error) {
  for (;;) {
    pthread_mutex_lock(&pool->lock);
    const bool waits = pool->idle_count > 0;
    if (waits) *process = pool->idle[--pool->idle_count];
    pthread_mutex_unlock(&pool->lock);
    if (!waits) return start(pool, process, error);
    char nothing;
    if (recv(process->fd, &nothing, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN) return CAS_OK;
    (void)stop(process);
  }
}

static void give_back(struct transcode_pool *pool, struct transcode_process *process) {
  pthread_mutex_lock(&pool->lock);
  const bool kept = pool->idle_count < TRANSCODE_IDLE_MAX && process->objects < TRANSCODE_OBJECTS_MAX;
  if (kept) pool->idle[pool->idle_count++] = *process;
  pthread_mutex_unlock(&pool->lock);
  if (!kept) (void)stop(process);
}

void transcode_pool_fini(struct transcode_pool *pool) {
  for (size_t i = 0; i < pool->idle_count; i++) (void)stop(&pool->idle[i]);
  pthread_mutex_destroy(&pool->lock);
}

/* --- requests --- */

/* The process is of no further use: says why. */
static cas_status lose(struct transcode_job *job, unsigned seconds, struct cas_error *error) {
  const bool late = errno == ETIMEDOUT;
  if (job->process.fd < 0) return CAS_REFUSED;
  const int signal_number = stop(&job->process);
  error->status = CAS_REFUSED;
  if (late || signal_number == SIGXCPU) {
    snprintf(error->message, sizeof error->message, "transcoding it takes longer than %u s", seconds);
  } else if (signal_number != 0) {
    snprintf(error->message, sizeof error->message, "its pixels crash the decoder: signal %d", signal_number);
  } else {
    snprintf(error->message, sizeof error->message, "the process that transcodes it has ended");
  }
  return CAS_REFUSED;
}

/* Takes answers to the last one, and hands the pieces on. A failure of `write` costs the process, which is in the
 * midst of its object. */
static cas_status take_answers(struct transcode_job *job, unsigned seconds, transcoder_write_fn write, void *arg,
                               struct cas_error *error) {
  for (;;) {
    struct transcode_answer answer;
    const int64_t until_ns = transcode_wire_now_ns() + seconds * SECOND_NS;
    if (job->piece == NULL) job->piece = malloc(TRANSCODE_PIECE_BYTES);
    if (job->piece == NULL) return CAS_NO_MEMORY;
    if (!transcode_wire_receive(job->process.fd, &answer, sizeof answer, until_ns) ||
        answer.size > TRANSCODE_PIECE_BYTES ||
        !transcode_wire_receive(job->process.fd, job->piece, answer.size, until_ns))
      return lose(job, seconds, error);
    if (answer.more == 0) {
      job->pixel_bytes = answer.pixel_bytes;
      if (answer.status == CAS_OK) return CAS_OK;
      error->status = (cas_status)answer.status;
      snprintf(error->message, sizeof error->message, "%.*s", (int)answer.size, (const char *)job->piece);
      return (cas_status)answer.status;
    }
    const struct cas_slice piece = {.data = job->piece, .size = answer.size};
    const cas_status status = write != NULL ? write(arg, piece, error) : CAS_OK;
    if (status == CAS_OK) continue;
    (void)stop(&job->process);
    return status;
  }
}

static cas_status ask(struct transcode_job *job, enum transcode_verb verb, struct cas_slice bytes, unsigned seconds,
                      transcoder_write_fn write, void *arg, struct cas_error *error) {
  const struct transcode_request request = {.verb = verb, .size = (uint32_t)bytes.size, .seconds = seconds};
  const int64_t until_ns = transcode_wire_now_ns() + seconds * SECOND_NS;
  if (job->process.fd < 0) return CAS_REFUSED;
  if (!transcode_wire_send(job->process.fd, &request, sizeof request, until_ns) ||
      !transcode_wire_send(job->process.fd, bytes.data, bytes.size, until_ns))
    return lose(job, seconds, error);
  return take_answers(job, seconds, write, arg, error);
}

static unsigned seconds_for(const struct transcode_job *job) {
  const uint64_t more = job->pixel_bytes / TRANSCODE_BYTES_PER_SECOND;
  return job->pool->seconds + (unsigned)(more < 86400 ? more : 86400);
}

cas_status transcode_job_create(struct transcode_pool *pool, const char *from, const char *to, uint64_t inflated_max,
                                struct transcode_job **job, struct cas_error *error) {
  struct transcode_begin how = {.inflated_max = inflated_max};
  snprintf(how.from, sizeof how.from, "%s", from);
  snprintf(how.to, sizeof how.to, "%s", to);
  struct transcode_job *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  made->pool = pool;
  const struct cas_slice bytes = {.data = (const uint8_t *)&how, .size = sizeof how};
  cas_status status;
  bool waited;
  do { /* one that waited may be ending just now: the object is not to blame */
    status = take(pool, &made->process, error);
    waited = made->process.objects > 0;
    if (status == CAS_OK) status = ask(made, TRANSCODE_BEGIN, bytes, START_SECONDS, NULL, NULL, error);
  } while (status != CAS_OK && waited && made->process.fd < 0);
  made->process.objects++;
  if (status == CAS_OK) {
    *job = made;
  } else {
    transcode_job_destroy(made);
  }
  return status;
}

cas_status transcode_job_put(struct transcode_job *job, struct cas_slice bytes, bool last, struct cas_error *error) {
  for (;;) {
    const size_t size = bytes.size < TRANSCODE_PIECE_BYTES ? bytes.size : TRANSCODE_PIECE_BYTES;
    const bool ends = size == bytes.size;
    const struct cas_slice piece = {.data = bytes.data, .size = size};
    const cas_status status =
        ask(job, last && ends ? TRANSCODE_PUT_LAST : TRANSCODE_PUT, piece, job->pool->seconds, NULL, NULL, error);
    if (status != CAS_OK || ends) return status;
    bytes = (struct cas_slice){.data = bytes.data + size, .size = bytes.size - size};
  }
}

uint64_t transcode_job_pixel_bytes(const struct transcode_job *job) { return job->pixel_bytes; }

cas_status transcode_job_convert(struct transcode_job *job, struct cas_error *error) {
  return ask(job, TRANSCODE_CONVERT, (struct cas_slice){0}, seconds_for(job), NULL, NULL, error);
}

cas_status transcode_job_write(struct transcode_job *job, transcoder_write_fn write, void *arg,
                               struct cas_error *error) {
  return ask(job, TRANSCODE_WRITE, (struct cas_slice){0}, seconds_for(job), write, arg, error);
}

void transcode_job_destroy(struct transcode_job *job) {
  if (job == NULL) return;
  struct cas_error error = {0};
  const bool lives = job->process.fd >= 0;
  const bool ended =
      lives && ask(job, TRANSCODE_END, (struct cas_slice){0}, START_SECONDS, NULL, NULL, &error) == CAS_OK;
  if (ended) {
    give_back(job->pool, &job->process);
  } else if (job->process.fd >= 0) {
    (void)stop(&job->process);
  }
  free(job->piece);
  free(job);
}
