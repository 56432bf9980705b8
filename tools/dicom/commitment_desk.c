/*
 * Owns the requests for storage commitment. Invariants:
 *  1. lock guards jobs, mails and their states. A job that is BUSY belongs to the thread, one that is MAILED to the
 *     session of its mail; both are only changed by these.
 *  2. A job's file is removed when its answer was taken, or its time is over, and not before.
 */
#include "commitment_desk.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commitment_send.h"
#include "commitment_verify.h"
#include "monotonic.h"
#include "node_views.h"

#define SECOND_NS INT64_C(1000000000)
#define RETRY_SECONDS_MAX 600u

enum job_state { JOB_WAITING, JOB_BUSY, JOB_MAILED };

struct commitment_job {
  enum job_state state;
  char *path;
  char transaction_uid[COMMITMENT_UID_TEXT_MAX];
  int64_t due_ns;   /* of the monotonic clock */
  int64_t asked_ns; /* UTC, of the request: its file's name */
  unsigned tries;
  struct commitment_mail *mail; /* NULL: the session is gone */
};

struct commitment_mail {
  struct commitment_desk *desk;
  int fd;
};

struct commitment_desk {
  const struct dicom_node *node;
  char *folder;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct commitment_job *jobs[COMMITMENTS_MAX];
  atomic_size_t count; /* changed under the lock */
  bool stopping;
};

static int64_t now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void say(const struct commitment_desk *desk, enum cas_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const struct commitment_desk *desk, enum cas_log_level level, const char *format, ...) {
  char line[512];
  if (desk->node->options.log == NULL) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  desk->node->options.log(desk->node->options.log_arg, level, line);
}

static void job_free(struct commitment_job *job) {
  if (job != NULL) free(job->path);
  free(job);
}

/* Takes a job off the desk, with its file. The lock is held. */
static void drop(struct commitment_desk *desk, struct commitment_job *job) {
  for (size_t i = 0; i < desk->count; i++) {
    if (desk->jobs[i] != job) continue;
    desk->jobs[i] = desk->jobs[--desk->count];
    break;
  }
  (void)unlink(job->path);
  job_free(job);
}

/* --- the thread --- */

static void put_back(struct commitment_job *job) {
  unsigned seconds = 2;
  for (unsigned i = 0; i < job->tries && seconds < RETRY_SECONDS_MAX; i++) seconds *= 2;
  if (seconds > RETRY_SECONDS_MAX) seconds = RETRY_SECONDS_MAX;
  job->tries++;
  job->state = JOB_WAITING;
  job->due_ns = now_ns(CLOCK_MONOTONIC) + (int64_t)seconds * SECOND_NS;
}

static bool is_stopping(struct commitment_desk *desk) {
  pthread_mutex_lock(&desk->lock);
  const bool stopping = desk->stopping;
  pthread_mutex_unlock(&desk->lock);
  return stopping;
}

/* What the peer asked sees; NULL: a view that is not configured any more. */
static struct cas_store *store_of(const struct commitment_desk *desk, const struct commitment *commitment) {
  struct node_title title;
  if (commitment->called[0] == '\0') return desk->node->store;
  return node_title_find(desk->node, commitment->called, &title) && title.view != NULL ? title.store : NULL;
}

/* Decides about all items, and keeps the decision. False: not to the end. */
static bool decide(struct commitment_desk *desk, struct commitment_job *job, struct commitment *commitment) {
  bool changed = false;
  struct cas_store *store = store_of(desk, commitment);
  for (size_t i = 0; i < commitment->count; i++) {
    if (commitment->items[i].failure != COMMITMENT_UNDECIDED) continue;
    if (is_stopping(desk)) return false;
    commitment->items[i].failure =
        store != NULL ? commitment_verify(store, &commitment->items[i], desk->node->options.commit_by_index)
                      : COMMITMENT_PROCESSING_FAILURE;
    changed = true;
  }
  if (!changed) return true;
  say(desk, commitment_failures(commitment) > 0 ? CAS_LOG_WARNING : CAS_LOG_NOTICE,
      "storage commitment for %s: %zu instances, %zu of them not committed", commitment->aet, commitment->count,
      commitment_failures(commitment));
  struct cas_error error = {0};
  if (commitment_save(commitment, desk->folder, job->path, &error) != CAS_OK)
    say(desk, CAS_LOG_ERROR, "storage commitment: %s", error.message);
  return true;
}

/* Gives a decided job to its session, if that lasts. */
static bool mailed(struct commitment_desk *desk, struct commitment_job *job) {
  pthread_mutex_lock(&desk->lock);
  const bool lasts = job->mail != NULL;
  if (lasts) {
    const uint64_t one = 1;
    job->state = JOB_MAILED;
    (void)!write(job->mail->fd, &one, sizeof one);
  }
  pthread_mutex_unlock(&desk->lock);
  return lasts;
}

static void send_answer(struct commitment_desk *desk, struct commitment_job *job, const struct commitment *commitment) {
  struct cas_error error = {0};
  const cas_status status = commitment_send(desk->node, commitment, &error);
  const bool expired = now_ns(CLOCK_REALTIME) - job->asked_ns > COMMITMENT_DAYS * 86400 * SECOND_NS;
  if (status != CAS_OK)
    say(desk, CAS_LOG_WARNING, "storage commitment: the answer for %s is not delivered: %s%s", commitment->aet,
        error.message, expired ? "; given up" : "");
  commitment_done(desk, job, status == CAS_OK || expired);
}

static void work(struct commitment_desk *desk, struct commitment_job *job) {
  struct commitment commitment = {0};
  struct cas_error error = {0};
  const cas_status status = commitment_load(job->path, &commitment, &error);
  if (status != CAS_OK) {
    say(desk, CAS_LOG_ERROR, "storage commitment: %s", error.message);
    commitment_done(desk, job, status == CAS_CORRUPT);
  } else if (!decide(desk, job, &commitment)) {
    commitment_done(desk, job, false);
  } else if (!mailed(desk, job)) {
    send_answer(desk, job, &commitment);
  }
  commitment_fini(&commitment);
}

/* The job that is due first, or NULL; *due_ns becomes when. The lock is held. */
static struct commitment_job *first_job(const struct commitment_desk *desk, int64_t *due_ns) {
  struct commitment_job *first = NULL;
  for (size_t i = 0; i < desk->count; i++) {
    struct commitment_job *job = desk->jobs[i];
    if (job->state != JOB_WAITING || (first != NULL && job->due_ns >= first->due_ns)) continue;
    first = job;
  }
  if (first != NULL) *due_ns = first->due_ns;
  return first;
}

static void *desk_main(void *arg) {
  struct commitment_desk *desk = arg;
  pthread_setname_np(pthread_self(), "commitment");
  pthread_mutex_lock(&desk->lock);
  while (!desk->stopping) {
    int64_t due_ns;
    struct commitment_job *job = first_job(desk, &due_ns);
    if (job == NULL) {
      pthread_cond_wait(&desk->changed, &desk->lock);
    } else if (due_ns > now_ns(CLOCK_MONOTONIC)) {
      const struct timespec end = {.tv_sec = due_ns / SECOND_NS, .tv_nsec = due_ns % SECOND_NS};
      (void)pthread_cond_timedwait(&desk->changed, &desk->lock, &end);
    } else {
      job->state = JOB_BUSY;
      pthread_mutex_unlock(&desk->lock);
      work(desk, job);
      pthread_mutex_lock(&desk->lock);
    }
  }
  pthread_mutex_unlock(&desk->lock);
  return NULL;
}

/* --- requests --- */

static bool lies_here(const struct commitment_desk *desk, const char *transaction_uid) {
  for (size_t i = 0; i < desk->count; i++)
    if (strcmp(desk->jobs[i]->transaction_uid, transaction_uid) == 0) return true;
  return false;
}

static struct commitment_job *make_job(const struct commitment_desk *desk, const char *transaction_uid,
                                       int64_t asked_ns) {
  struct commitment_job *job = calloc(1, sizeof *job);
  if (job == NULL) return NULL;
  snprintf(job->transaction_uid, sizeof job->transaction_uid, "%s", transaction_uid);
  job->asked_ns = asked_ns;
  job->due_ns = now_ns(CLOCK_MONOTONIC) + COMMITMENT_PAUSE_SECONDS * SECOND_NS;
  if (asprintf(&job->path, "%s/%020" PRId64 "-%s", desk->folder, asked_ns, transaction_uid) >= 0) return job;
  free(job);
  return NULL;
}

cas_status commitment_desk_take(struct commitment_desk *desk, struct commitment *commitment,
                                struct commitment_mail *mail, bool *duplicate, struct cas_error *error) {
  struct commitment_job *job = make_job(desk, commitment->transaction_uid, now_ns(CLOCK_REALTIME));
  if (job == NULL) return CAS_NO_MEMORY;
  job->state = JOB_BUSY; /* until it is durable */
  job->mail = mail;
  pthread_mutex_lock(&desk->lock);
  *duplicate = lies_here(desk, commitment->transaction_uid);
  const bool room = desk->count < COMMITMENTS_MAX;
  if (room) desk->jobs[desk->count++] = job;
  pthread_mutex_unlock(&desk->lock);
  if (!room) {
    job_free(job);
    *error = (struct cas_error){.status = CAS_BUSY, .message = "too many requests wait for their answer"};
    return CAS_BUSY;
  }
  cas_status status = CAS_OK;
  if (*duplicate)
    for (size_t i = 0; i < commitment->count; i++) commitment->items[i].failure = COMMITMENT_DUPLICATE_TRANSACTION;
  status = commitment_save(commitment, desk->folder, job->path, error);
  pthread_mutex_lock(&desk->lock);
  job->state = JOB_WAITING;
  if (status != CAS_OK) drop(desk, job);
  pthread_cond_signal(&desk->changed);
  pthread_mutex_unlock(&desk->lock);
  return status;
}

void commitment_done(struct commitment_desk *desk, struct commitment_job *job, bool delivered) {
  pthread_mutex_lock(&desk->lock);
  if (delivered) {
    drop(desk, job);
  } else {
    job->mail = NULL;
    put_back(job);
  }
  pthread_cond_signal(&desk->changed);
  pthread_mutex_unlock(&desk->lock);
}

/* --- mail --- */

unsigned commitment_desk_count(const struct commitment_desk *desk) { return (unsigned)atomic_load(&desk->count); }

struct commitment_mail *commitment_mail_open(struct commitment_desk *desk) {
  struct commitment_mail *mail = calloc(1, sizeof *mail);
  if (mail == NULL) return NULL;
  mail->desk = desk;
  mail->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (mail->fd >= 0) return mail;
  free(mail);
  return NULL;
}

int commitment_mail_fd(const struct commitment_mail *mail) { return mail->fd; }

struct commitment_job *commitment_mail_next(struct commitment_mail *mail, struct commitment *commitment) {
  struct commitment_desk *desk = mail->desk;
  struct commitment_job *job = NULL;
  uint64_t count;
  struct cas_error error = {0};
  (void)!read(mail->fd, &count, sizeof count);
  pthread_mutex_lock(&desk->lock);
  for (size_t i = 0; i < desk->count && job == NULL; i++)
    if (desk->jobs[i]->mail == mail && desk->jobs[i]->state == JOB_MAILED) job = desk->jobs[i];
  pthread_mutex_unlock(&desk->lock);
  if (job == NULL || commitment_load(job->path, commitment, &error) == CAS_OK) return job;
  commitment_done(desk, job, false);
  return NULL;
}

void commitment_mail_close(struct commitment_mail *mail) {
  if (mail == NULL) return;
  struct commitment_desk *desk = mail->desk;
  pthread_mutex_lock(&desk->lock);
  for (size_t i = 0; i < desk->count; i++) {
    struct commitment_job *job = desk->jobs[i];
    if (job->mail != mail) continue;
    job->mail = NULL;
    if (job->state == JOB_MAILED) job->state = JOB_WAITING;
  }
  pthread_cond_signal(&desk->changed);
  pthread_mutex_unlock(&desk->lock);
  close(mail->fd);
  free(mail);
}

/* --- open, close --- */

/* Takes over what an earlier process left. */
static void find_jobs(struct commitment_desk *desk) {
  DIR *folder = opendir(desk->folder);
  if (folder == NULL) return;
  for (struct dirent *entry = readdir(folder); entry != NULL && desk->count < COMMITMENTS_MAX;
       entry = readdir(folder)) {
    char *dash;
    const int64_t asked_ns = strtoll(entry->d_name, &dash, 10);
    if (asked_ns <= 0 || *dash != '-' || strlen(dash + 1) >= COMMITMENT_UID_TEXT_MAX ||
        strspn(dash + 1, "0123456789.") != strlen(dash + 1))
      continue;
    struct commitment_job *job = make_job(desk, dash + 1, asked_ns);
    if (job != NULL) desk->jobs[desk->count++] = job;
  }
  closedir(folder);
  if (desk->count > 0) say(desk, CAS_LOG_NOTICE, "storage commitment: %zu requests go on", desk->count);
}

static void destroy(struct commitment_desk *desk) {
  for (size_t i = 0; i < desk->count; i++) job_free(desk->jobs[i]);
  pthread_cond_destroy(&desk->changed);
  pthread_mutex_destroy(&desk->lock);
  free(desk->folder);
  free(desk);
}

cas_status commitment_desk_open(const struct dicom_node *node, const char *folder, struct commitment_desk **desk,
                                struct cas_error *error) {
  struct commitment_desk *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  made->node = node;
  monotonic_condition_init(&made->changed);
  pthread_mutex_init(&made->lock, NULL);
  made->folder = strdup(folder);
  const bool there = made->folder != NULL && (mkdir(folder, 0700) == 0 || errno == EEXIST);
  if (there) find_jobs(made);
  if (there && pthread_create(&made->thread, NULL, desk_main, made) == 0) {
    *desk = made;
    return CAS_OK;
  }
  *error = (struct cas_error){.status = CAS_IO, .system_errno = errno};
  snprintf(error->message, sizeof error->message, "%.180s: %s", folder, strerrordesc_np(errno));
  destroy(made);
  return CAS_IO;
}

void commitment_desk_close(struct commitment_desk *desk) {
  if (desk == NULL) return;
  pthread_mutex_lock(&desk->lock);
  desk->stopping = true;
  pthread_cond_signal(&desk->changed);
  pthread_mutex_unlock(&desk->lock);
  pthread_join(desk->thread, NULL);
  destroy(desk);
}
