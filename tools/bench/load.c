/*
 * Owns the scanners of a load.
 *
 * Invariants:
 *  1. Objects are numbered from 0 to repetitions * set; scanner i sends the range from i/n to (i+1)/n of them, in
 * order.
 *  2. Every number is counted once: as an object answered well, as failed, or as unsent.
 *  3. A scanner's tally is its own until its thread was joined; only the atomic counters are read before.
 */
#include "load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "object_copy.h"

#define PROGRESS_NS 100000000
#define FAILURES_MAX 3 /* of associations in a row, after which a scanner gives up */

struct load {
  const struct load_options *options;
  struct proposal_context contexts[PROPOSAL_CONTEXTS_MAX];
  size_t context_count;
  uint8_t *context_of; /* for each object of the set */
  atomic_bool stop;
  atomic_ullong answered, answered_bytes;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  unsigned waiting, running; /* scanners whose association is open, that are not at their end; guarded by the lock */
  bool go;                   /* likewise */
  uint64_t start_ns;         /* written before `go` */
};

struct scanner {
  struct load *load;
  unsigned number;
  pthread_t thread;
  struct requestor *requestor;
  unsigned failures;         /* of associations, since the last answer */
  struct cas_buffer command; /* room for command sets */
  struct load_result tally;
};

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double processor_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void sleep_until(uint64_t ns) {
  const struct timespec end = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
}

/* --- counting --- */

static void count_status(struct load_result *result, uint16_t status, uint64_t count) {
  size_t i = 0;
  while (i < result->status_count && result->statuses[i].status != status) i++;
  if (i == LOAD_STATUSES_MAX) i--;
  if (i == result->status_count) result->statuses[result->status_count++].status = status;
  result->statuses[i].count += count;
}

/* Success, or one of the warnings of PS3.7 C: the object was stored. */
static bool is_stored(uint16_t status) {
  return status == 0 || status == 1 || (status & 0xF000) == 0xB000 || status == 0x0107 || status == 0x0116;
}

static void merge(struct load_result *result, const struct load_result *other) {
  result->objects += other->objects;
  result->bytes += other->bytes;
  result->failed += other->failed;
  result->refused += other->refused;
  result->lost += other->lost;
  result->unsent += other->unsent;
  latency_merge(&result->latency, &other->latency);
  for (size_t i = 0; i < other->status_count; i++)
    count_status(result, other->statuses[i].status, other->statuses[i].count);
  if (result->error.status == CAS_OK) result->error = other->error;
}

/* --- one scanner --- */

static cas_status open_association(struct scanner *scanner, struct cas_error *error) {
  struct requestor_options options = scanner->load->options->peer;
  options.proposal.contexts = scanner->load->contexts;
  options.proposal.context_count = scanner->load->context_count;
  return requestor_open(&options, &scanner->requestor, error);
}

static void break_association(struct scanner *scanner, cas_status status, struct cas_error *error) {
  requestor_abort(scanner->requestor);
  scanner->requestor = NULL;
  scanner->failures++;
  error->status = status;
  if (scanner->tally.error.status == CAS_OK) scanner->tally.error = *error;
}

/* Opens the association anew where the last one broke; false when that was in vain too often. */
static bool have_association(struct scanner *scanner) {
  while (scanner->requestor == NULL) {
    struct cas_error error = {0};
    if (scanner->failures >= FAILURES_MAX) return false;
    const cas_status status = open_association(scanner, &error);
    if (status != CAS_OK) break_association(scanner, status, &error);
  }
  return true;
}

static cas_status send_data_set(struct pdu_writer *writer, uint8_t context_id, const struct object_copy *copy,
                                struct cas_error *error) {
  pdu_writer_begin(writer, context_id, false);
  cas_status status = CAS_OK;
  uint64_t offset = copy->layout->data_set_offset;
  while (status == CAS_OK && offset < copy->original.size) {
    uint8_t *room;
    size_t size;
    status = pdu_writer_room(writer, &room, &size, error);
    if (status != CAS_OK) break;
    if (size > copy->original.size - offset) size = (size_t)(copy->original.size - offset);
    object_copy_read(copy, offset, room, size);
    pdu_writer_advance(writer, size);
    offset += size;
  }
  if (status == CAS_OK) status = pdu_writer_end(writer, error);
  return status == CAS_OK ? pdu_writer_flush(writer, error) : status;
}

static cas_status store(struct scanner *scanner, uint8_t context_id, const struct object_copy *copy, uint16_t *answer,
                        struct cas_error *error) {
  struct requestor *requestor = scanner->requestor;
  struct dimse_command request = {
      .field = DIMSE_C_STORE_RQ, .message_id = requestor_next_message_id(requestor), .has_data_set = true};
  snprintf(request.sop_class_uid, sizeof request.sop_class_uid, "%s", copy->layout->sop_class_uid);
  snprintf(request.sop_instance_uid, sizeof request.sop_instance_uid, "%s", copy->sop_instance_uid);
  scanner->command.size = 0;
  cas_status status = dimse_request_encode(&request, &scanner->command);
  if (status != CAS_OK) return status;
  struct pdu_writer *writer = requestor_writer(requestor);
  const struct cas_slice command = {.data = scanner->command.data, .size = scanner->command.size};
  status = pdu_writer_command(writer, context_id, command, error);
  if (status == CAS_OK) status = send_data_set(writer, context_id, copy, error);
  if (status != CAS_OK) return status;
  struct dimse_command response;
  struct cas_buffer none = {0};
  bool whole;
  status = requestor_receive(requestor, &context_id, &response, 0, &none, &whole, error);
  cas_buffer_fini(&none);
  if (status == CAS_OK) *answer = response.status;
  return status;
}

/* Sends object `number` of the load and counts what became of it. */
static void send_one(struct scanner *scanner, uint64_t number) {
  struct load *load = scanner->load;
  const struct load_options *options = load->options;
  struct load_result *tally = &scanner->tally;
  const size_t index = (size_t)(number % options->set->count);
  const struct object *object = &options->set->objects[index];
  struct object_copy copy;
  struct cas_error error = {0};
  size_t syntax;
  const uint8_t context_id = requestor_context(scanner->requestor, load->context_of[index], &syntax);
  cas_status status = CAS_OK;
  if (options->same)
    object_copy_init_same(&copy, object->bytes, &object->layout);
  else
    status =
        object_copy_init(&copy, object->bytes, &object->layout, options->seed, number / options->set->count, &error);
  if (context_id == 0 || status != CAS_OK) {
    tally->failed++;
    tally->refused++;
    return;
  }
  uint16_t answer = 0;
  const uint64_t start_ns = now_ns();
  status = store(scanner, context_id, &copy, &answer, &error);
  if (status != CAS_OK) {
    tally->failed++;
    tally->lost++;
    break_association(scanner, status, &error);
    return;
  }
  latency_add(&tally->latency, now_ns() - start_ns);
  count_status(tally, answer, 1);
  scanner->failures = 0;
  if (!is_stored(answer)) {
    tally->failed++;
    return;
  }
  const uint64_t bytes = object->bytes.size - object->layout.data_set_offset;
  tally->objects++;
  tally->bytes += bytes;
  atomic_fetch_add(&load->answered, 1);
  atomic_fetch_add(&load->answered_bytes, bytes);
}

static void send_all(struct scanner *scanner) {
  struct load *load = scanner->load;
  const struct load_options *options = load->options;
  const uint64_t total = options->repetitions * options->set->count;
  const uint64_t end = total * (scanner->number + 1) / options->scanners;
  uint64_t number = total * scanner->number / options->scanners;
  /* Each scanner sends its share of the rate; they take turns. */
  const double interval_ns = options->rate > 0 ? 1e9 * options->scanners / options->rate : 0;
  double due_ns = (double)load->start_ns + interval_ns * scanner->number / options->scanners;
  for (; number < end && !atomic_load(&load->stop); number++) {
    if (interval_ns > 0) {
      while (!atomic_load(&load->stop) && (double)now_ns() < due_ns) {
        const uint64_t soon = now_ns() + PROGRESS_NS;
        sleep_until((double)soon < due_ns ? soon : (uint64_t)due_ns);
      }
      due_ns += interval_ns;
      if (atomic_load(&load->stop)) break;
    }
    if (!have_association(scanner)) break;
    send_one(scanner, number);
  }
  scanner->tally.unsent = end - number;
}

static void await_start(struct load *load) {
  pthread_mutex_lock(&load->lock);
  load->waiting++;
  pthread_cond_broadcast(&load->changed);
  while (!load->go) pthread_cond_wait(&load->changed, &load->lock);
  pthread_mutex_unlock(&load->lock);
}

static void *scanner_run(void *arg) {
  struct scanner *scanner = arg;
  struct load *load = scanner->load;
  struct cas_error error = {0};
  const cas_status status = open_association(scanner, &error);
  if (status != CAS_OK) {
    error.status = status;
    scanner->tally.error = error;
    atomic_store(&load->stop, true);
  }
  await_start(load);
  send_all(scanner);
  pthread_mutex_lock(&load->lock);
  load->running--;
  pthread_cond_broadcast(&load->changed);
  pthread_mutex_unlock(&load->lock);
  requestor_release(scanner->requestor);
  cas_buffer_fini(&scanner->command);
  return NULL;
}

/* --- the whole --- */

/* One context for each kind of object: an abstract syntax with the one transfer syntax that it came in. */
static cas_status propose(struct load *load, struct cas_error *error) {
  const struct object_set *set = load->options->set;
  load->context_of = calloc(set->count, sizeof *load->context_of);
  if (load->context_of == NULL) return CAS_NO_MEMORY;
  for (size_t i = 0; i < set->count; i++) {
    const struct object_layout *layout = &set->objects[i].layout;
    size_t context = 0;
    while (context < load->context_count &&
           (strcmp(load->contexts[context].abstract_syntax, layout->sop_class_uid) != 0 ||
            strcmp(load->contexts[context].transfer_syntaxes[0], layout->transfer_syntax_uid) != 0))
      context++;
    if (context == PROPOSAL_CONTEXTS_MAX) {
      snprintf(error->message, sizeof error->message, "more than %u kinds of objects", PROPOSAL_CONTEXTS_MAX);
      return CAS_INVALID;
    }
    if (context == load->context_count)
      load->contexts[load->context_count++] =
          (struct proposal_context){.abstract_syntax = layout->sop_class_uid,
                                    .transfer_syntaxes = {layout->transfer_syntax_uid},
                                    .transfer_syntax_count = 1};
    load->context_of[i] = (uint8_t)context;
  }
  return CAS_OK;
}

/* Whether all objects can be copied, before anything is sent. */
static cas_status check_copies(const struct load_options *options, struct cas_error *error) {
  for (size_t i = 0; i < options->set->count && !options->same; i++) {
    const struct object *object = &options->set->objects[i];
    struct object_copy copy;
    const cas_status status = object_copy_init(&copy, object->bytes, &object->layout, options->seed, 0, error);
    if (status != CAS_OK) return status;
  }
  return CAS_OK;
}

/* Lets the scanners go once all of them have tried to open their association. */
static void start(struct load *load, unsigned started) {
  pthread_mutex_lock(&load->lock);
  while (load->waiting < started) pthread_cond_wait(&load->changed, &load->lock);
  load->start_ns = now_ns();
  load->go = true;
  pthread_cond_broadcast(&load->changed);
  pthread_mutex_unlock(&load->lock);
}

static void await_end(struct load *load) {
  const struct load_options *options = load->options;
  pthread_mutex_lock(&load->lock);
  while (load->running > 0) {
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += PROGRESS_NS;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&load->changed, &load->lock, &soon);
    if (options->progress == NULL) continue;
    pthread_mutex_unlock(&load->lock);
    if (!options->progress(options->arg, atomic_load(&load->answered), atomic_load(&load->answered_bytes)))
      atomic_store(&load->stop, true);
    pthread_mutex_lock(&load->lock);
  }
  pthread_mutex_unlock(&load->lock);
}

/* Starts the scanners, lets them send, and joins them. */
static cas_status run_scanners(struct load *load, struct scanner *scanners, struct load_result *result) {
  unsigned started = 0;
  const unsigned wanted = load->options->scanners;
  load->running = wanted; /* before any thread can count down */
  for (; started < wanted; started++) {
    scanners[started] = (struct scanner){.load = load, .number = started};
    if (pthread_create(&scanners[started].thread, NULL, scanner_run, &scanners[started]) != 0) break;
  }
  if (started < wanted) {
    atomic_store(&load->stop, true);
    pthread_mutex_lock(&load->lock);
    load->running -= wanted - started;
    pthread_mutex_unlock(&load->lock);
  }
  start(load, started);
  const double processor_start = processor_seconds();
  await_end(load);
  result->seconds = (double)(now_ns() - load->start_ns) / 1e9;
  result->processor_seconds = processor_seconds() - processor_start;
  for (unsigned i = 0; i < started; i++) {
    pthread_join(scanners[i].thread, NULL);
    merge(result, &scanners[i].tally);
  }
  return started == wanted ? CAS_OK : CAS_NO_MEMORY;
}

cas_status load_run(const struct load_options *options, struct load_result *result, struct cas_error *error) {
  struct load load = {.options = options, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  struct load_result sum = {0};
  struct scanner *scanners = calloc(options->scanners, sizeof *scanners);
  cas_status status = scanners != NULL ? check_copies(options, error) : CAS_NO_MEMORY;
  if (status == CAS_OK) status = propose(&load, error);
  if (status == CAS_OK) status = run_scanners(&load, scanners, &sum);
  if (status == CAS_OK && sum.objects + sum.failed == 0 && sum.error.status != CAS_OK) {
    *error = sum.error;
    status = sum.error.status;
  }
  free(load.context_of);
  free(scanners);
  if (status == CAS_OK) *result = sum;
  return status;
}
