/*
 * Owns the queue of messages and the thread that hands them over. Invariants:
 *  1. lock guards the queue, the counts and `stopping`; the file, the spool and the connection belong to the thread.
 *  2. Messages reach the collector in the order in which they were posted: while the spool has any, new ones go behind.
 *  3. Memory: QUEUE_BYTES_MAX of messages, and one that is read from the spool.
 */
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit_message.h"
#include "audit_spool.h"
#include "audit_syslog.h"
#include "monotonic.h"

#define QUEUE_BYTES_MAX (4u << 20)
#define ALERTS_PER_SECOND 20u /* a flood of refused callers is told by its first, and by how many more there were */
#define RETRY_SECONDS 2

struct message {
  struct message *next;
  struct cas_buffer text; /* the syslog line */
  size_t xml;             /* where the message itself begins */
};

struct audit {
  char *source, *host, *file_path;
  char machine[256];
  cas_log_fn log;
  void *log_arg;
  int file; /* -1: none */
  struct audit_spool spool;
  struct audit_syslog syslog;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t posted;
  struct message *first, **last;
  size_t queued_bytes;
  uint64_t dropped; /* since the last message about it */
  uint64_t alerts_passed_over;
  unsigned alerts; /* in this second */
  int64_t alert_second;
  bool stopping;
  struct {
    atomic_uint_fast64_t posted, dropped, delivered, file_failures, spool_messages, spool_bytes;
    atomic_bool collector_away;
  } counts;
  /* The thread's. */
  bool away, file_failed;
  uint64_t sent_from_spool;
  int64_t retry_at;
};

static void say(const struct audit *audit, enum cas_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const struct audit *audit, enum cas_log_level level, const char *format, ...) {
  char line[512];
  if (audit->log == NULL) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  audit->log(audit->log_arg, level, line);
}

static int64_t now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t now_seconds(void) { return now_ns(CLOCK_MONOTONIC) / 1000000000; }

/* --- posting --- */

static void message_free(struct message *message) {
  if (message != NULL) cas_buffer_fini(&message->text);
  free(message);
}

static struct message *message_make(const struct audit *audit, const struct audit_event *event) {
  struct message *message = calloc(1, sizeof *message);
  if (message == NULL) return NULL;
  const int64_t time_ns = now_ns(CLOCK_REALTIME);
  cas_status status = audit_header_format(event, time_ns, audit->machine, (long)getpid(), &message->text);
  message->xml = message->text.size;
  if (status == CAS_OK)
    status = audit_message_format(event, event->time_ns != 0 ? event->time_ns : time_ns, audit->source, audit->machine,
                                  &message->text);
  if (status == CAS_OK && message->text.size <= AUDIT_MESSAGE_BYTES_MAX) return message;
  message_free(message);
  return NULL;
}

/* Whether an alert is one too many in this second; else `passed_over` is how many were since the last. */
static bool is_flood(struct audit *audit, uint64_t *passed_over) {
  const int64_t second = now_seconds();
  pthread_mutex_lock(&audit->lock);
  if (second != audit->alert_second) audit->alerts = 0;
  audit->alert_second = second;
  const bool flood = audit->alerts == ALERTS_PER_SECOND;
  if (flood) {
    audit->alerts_passed_over++;
  } else {
    audit->alerts++;
    *passed_over = audit->alerts_passed_over;
    audit->alerts_passed_over = 0;
  }
  pthread_mutex_unlock(&audit->lock);
  return flood;
}

static void enqueue(struct audit *audit, struct message *message) {
  const size_t size = message != NULL ? message->text.size : 0;
  pthread_mutex_lock(&audit->lock);
  const bool taken = message != NULL && audit->queued_bytes + size <= QUEUE_BYTES_MAX;
  if (taken) {
    *audit->last = message;
    audit->last = &message->next;
    audit->queued_bytes += size;
    audit->counts.posted++;
    pthread_cond_signal(&audit->posted);
  } else {
    audit->dropped++;
    audit->counts.dropped++;
  }
  pthread_mutex_unlock(&audit->lock);
  if (!taken) message_free(message);
}

void audit_post(struct audit *audit, const struct audit_event *event) {
  if (audit == NULL) return;
  struct audit_event told = *event;
  uint64_t passed_over = 0;
  char description[256];
  if (event->kind == AUDIT_SECURITY_ALERT) {
    if (is_flood(audit, &passed_over)) return;
    if (passed_over > 0) {
      snprintf(description, sizeof description, "%.160s; %" PRIu64 " more alerts before this one",
               event->description != NULL ? event->description : "", passed_over);
      told.description = description;
    }
  }
  enqueue(audit, message_make(audit, &told));
}

/* --- handing over --- */

static void write_file(struct audit *audit, const struct message *message) {
  if (audit->file < 0) return;
  const uint8_t *xml = message->text.data + message->xml;
  const size_t size = message->text.size - message->xml;
  const bool written = write(audit->file, xml, size) == (ssize_t)size && write(audit->file, "\n", 1) == 1;
  if (!written) audit->counts.file_failures++;
  if (written == !audit->file_failed) return;
  audit->file_failed = !written;
  say(audit, written ? CAS_LOG_NOTICE : CAS_LOG_ERROR, "audit file %s: %s", audit->file_path,
      written ? "can be written again" : strerrordesc_np(errno));
}

static void count_dropped(struct audit *audit) {
  pthread_mutex_lock(&audit->lock);
  const bool first = audit->dropped++ == 0;
  audit->counts.dropped++;
  pthread_mutex_unlock(&audit->lock);
  if (first) say(audit, CAS_LOG_ERROR, "audit: the spool is full: messages are dropped until the collector is back");
}

static bool try_to_send(struct audit *audit, struct cas_slice text) {
  struct cas_error error = {0};
  if (audit->away && now_seconds() < audit->retry_at) return false;
  cas_status status = audit_syslog_connect(&audit->syslog, &error);
  if (status == CAS_OK) status = audit_syslog_send(&audit->syslog, text, &error);
  if (status == CAS_OK) audit->counts.delivered++;
  if (status == CAS_OK) return true;
  if (!audit->away) say(audit, CAS_LOG_WARNING, "%s: messages are kept until it is back", error.message);
  audit->away = true;
  audit->retry_at = now_seconds() + RETRY_SECONDS;
  return false;
}

/* Sends what waits; true: nothing does any more. */
static bool drain(struct audit *audit) {
  __attribute__((cleanup(cas_buffer_fini))) struct cas_buffer text = {0};
  while (audit->spool.waiting > 0) {
    if (audit_spool_peek(&audit->spool, &text) != CAS_OK) {
      say(audit, CAS_LOG_ERROR, "audit: the spool cannot be read: %" PRIu64 " messages stay in it",
          audit->spool.waiting);
      audit->spool.waiting = 0;
      break;
    }
    if (!try_to_send(audit, (struct cas_slice){.data = text.data, .size = text.size})) return false;
    audit_spool_pop(&audit->spool);
    audit->sent_from_spool++;
  }
  if (audit->away) {
    say(audit, CAS_LOG_NOTICE, "the audit collector is back: %" PRIu64 " kept messages were sent",
        audit->sent_from_spool);
    audit->away = false;
    audit->sent_from_spool = 0;
  }
  return true;
}

static void hand_over(struct audit *audit, struct message *message) {
  write_file(audit, message);
  if (audit->syslog.transport == AUDIT_NO_COLLECTOR) return;
  const struct cas_slice text = {.data = message->text.data, .size = message->text.size};
  if (audit->spool.waiting == 0 && try_to_send(audit, text)) {
    (void)drain(audit); /* says that the collector is back */
  } else if (audit_spool_append(&audit->spool, text) != CAS_OK) {
    count_dropped(audit);
  }
}

/* Once there is room again, the trail itself says what it lacks. */
static void tell_dropped(struct audit *audit) {
  pthread_mutex_lock(&audit->lock);
  const uint64_t dropped = audit->dropped;
  if (!audit->away) audit->dropped = 0;
  pthread_mutex_unlock(&audit->lock);
  if (dropped == 0 || audit->away) return;
  char description[80];
  snprintf(description, sizeof description, "%" PRIu64 " audit messages were dropped", dropped);
  say(audit, CAS_LOG_ERROR, "%s", description);
  audit_post(audit,
             &(struct audit_event){.kind = AUDIT_LOST, .outcome = AUDIT_SERIOUS_FAILURE, .description = description});
}

/* For who asks how the thread stands. */
static void tell_spool(struct audit *audit) {
  audit->counts.spool_messages = audit->spool.waiting;
  audit->counts.spool_bytes = audit->spool.size;
  audit->counts.collector_away = audit->away;
}

/* Takes all that is queued; waits for it, or for the moment of the next try. */
static struct message *take(struct audit *audit, bool *stopping) {
  pthread_mutex_lock(&audit->lock);
  while (audit->first == NULL && !audit->stopping) {
    if (audit->spool.waiting == 0) {
      pthread_cond_wait(&audit->posted, &audit->lock);
      continue;
    }
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += RETRY_SECONDS;
    if (pthread_cond_timedwait(&audit->posted, &audit->lock, &end) == ETIMEDOUT) break;
  }
  struct message *taken = audit->first;
  audit->first = NULL;
  audit->last = &audit->first;
  audit->queued_bytes = 0;
  *stopping = audit->stopping;
  pthread_mutex_unlock(&audit->lock);
  return taken;
}

static void *audit_main(void *arg) {
  struct audit *audit = arg;
  pthread_setname_np(pthread_self(), "audit");
  for (;;) {
    bool stopping;
    struct message *message = take(audit, &stopping);
    if (audit->spool.waiting > 0) (void)drain(audit);
    const bool written = message != NULL && audit->file >= 0;
    while (message != NULL) {
      struct message *next = message->next;
      hand_over(audit, message);
      message_free(message);
      message = next;
    }
    if (written) (void)fdatasync(audit->file);
    tell_dropped(audit);
    tell_spool(audit);
    pthread_mutex_lock(&audit->lock);
    const bool over = stopping && audit->first == NULL;
    pthread_mutex_unlock(&audit->lock);
    if (over) return NULL;
  }
}

/* --- open, close --- */

static void destroy(struct audit *audit) {
  audit_syslog_close(&audit->syslog);
  audit_spool_close(&audit->spool);
  if (audit->file >= 0) close(audit->file);
  pthread_cond_destroy(&audit->posted);
  pthread_mutex_destroy(&audit->lock);
  free(audit->source);
  free(audit->host);
  free(audit->file_path);
  free(audit);
}

static cas_status open_parts(struct audit *audit, const struct audit_options *options, struct cas_error *error) {
  if (options->file != NULL) {
    audit->file = open(options->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (audit->file < 0) {
      *error = (struct cas_error){.status = CAS_IO, .system_errno = errno};
      snprintf(error->message, sizeof error->message, "audit file %.150s: %s", options->file, strerrordesc_np(errno));
      return CAS_IO;
    }
  }
  if (options->transport != AUDIT_NO_COLLECTOR) {
    const cas_status status = audit_spool_open(&audit->spool, options->spool, options->spool_bytes_max, error);
    if (status != CAS_OK) return status;
    tell_spool(audit);
  }
  if (pthread_create(&audit->thread, NULL, audit_main, audit) == 0) return CAS_OK;
  snprintf(error->message, sizeof error->message, "the thread of the audit");
  return CAS_IO;
}

static void init_locks(struct audit *audit) {
  monotonic_condition_init(&audit->posted);
  pthread_mutex_init(&audit->lock, NULL);
}

cas_status audit_open(const struct audit_options *options, struct audit **audit, struct cas_error *error) {
  struct audit *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  made->file = made->spool.fd = made->syslog.fd = -1;
  made->last = &made->first;
  made->log = options->log;
  made->log_arg = options->log_arg;
  init_locks(made);
  if (gethostname(made->machine, sizeof made->machine - 1) != 0) snprintf(made->machine, sizeof made->machine, "-");
  made->source = strdup(options->source);
  made->host = strdup(options->host != NULL ? options->host : "");
  made->file_path = strdup(options->file != NULL ? options->file : "");
  made->syslog.transport = options->transport;
  made->syslog.host = made->host;
  made->syslog.port = options->port;
  made->syslog.tls = options->tls;
  const bool copied = made->source != NULL && made->host != NULL && made->file_path != NULL;
  const cas_status status = copied ? open_parts(made, options, error) : CAS_NO_MEMORY;
  if (status != CAS_OK) {
    destroy(made);
    return status;
  }
  *audit = made;
  return CAS_OK;
}

void audit_close(struct audit *audit) {
  if (audit == NULL) return;
  pthread_mutex_lock(&audit->lock);
  audit->stopping = true;
  pthread_cond_signal(&audit->posted);
  pthread_mutex_unlock(&audit->lock);
  pthread_join(audit->thread, NULL);
  destroy(audit);
}

void audit_counts_read(const struct audit *audit, struct audit_counts *counts) {
  *counts = (struct audit_counts){0};
  if (audit == NULL) return;
  counts->posted = audit->counts.posted;
  counts->dropped = audit->counts.dropped;
  counts->delivered = audit->counts.delivered;
  counts->file_failures = audit->counts.file_failures;
  counts->spool_messages = audit->counts.spool_messages;
  counts->spool_bytes = audit->counts.spool_bytes;
  counts->collector_away = audit->counts.collector_away;
}
