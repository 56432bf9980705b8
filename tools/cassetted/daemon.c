/*
 * Owns the store and everything that serves it. Order of start: log, metrics, store, audit, mount, DICOM, scrubber,
 * control socket; stop is the reverse, so that nothing serves a store that is gone, and the metrics tell of all of it.
 * SIGTERM during the start is heeded once it is over.
 */
#include "daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "config_mounts.h"
#include "control_scrub.h"
#include "control_server.h"
#include "daemon_audit.h"
#include "daemon_changes.h"
#include "daemon_log.h"
#include "daemon_metrics.h"
#include "daemon_mounts.h"
#include "dicom_server.h"
#include "packer.h"
#include "service_notify.h"
#include "tls.h"

/* How often the mounts are asked whether they still live. */
#define MOUNT_CHECK_MS 1000

struct daemon {
  const struct config *config;
  struct daemon_log *log;
  struct cas_store *store;
  struct daemon_mounts *mounts; /* NULL without any */
  struct control_server *control;
  struct daemon_changes changes;
  struct audit *audit;           /* NULL: none is configured */
  struct cas_scrubber *scrubber; /* NULL where it is switched off */
  struct tls_context *tls;       /* NULL: none is configured */
  struct dicom_server *dicom;
  struct packer *packer;          /* NULL: not in the background */
  struct daemon_metrics *metrics; /* NULL: none are configured */
  struct timespec started;
};

static enum daemon_exit exit_of(cas_status status) {
  switch (status) {
  case CAS_BUSY: return DAEMON_BUSY;
  case CAS_NOT_FOUND:
  case CAS_INVALID:
  case CAS_UNSUPPORTED: return DAEMON_USAGE;
  default: return DAEMON_FAILED;
  }
}

/* What keeps the daemon from starting goes to the log and, where that is a file, to standard error as well. */
static enum daemon_exit give_up(struct daemon *daemon, cas_status status, const struct cas_error *error) {
  const char *message = error->message[0] != '\0' ? error->message : cas_status_text(status);
  if (daemon->log != NULL) daemon_log_printf(daemon->log, CAS_LOG_ERROR, "cannot start: %s", message);
  if (daemon->log == NULL || daemon->config->log_file != NULL) fprintf(stderr, "cassetted: %s\n", message);
  return exit_of(status);
}

/* --- the state for `cassette` --- */

static void add_condition(json_t *state, const struct cas_store *store) {
  struct cas_store_condition condition;
  cas_store_condition(store, &condition);
  json_object_set_new(state, "read_only", json_boolean(condition.read_only));
  if (!condition.read_only) return;
  json_object_set_new(state, "read_only_reason", json_string(condition.reason));
  json_object_set_new(state, "read_only_seconds",
                      json_integer((json_int_t)(time(NULL) - condition.since_ns / 1000000000)));
  json_object_set_new(state, "read_only_tries", json_integer((json_int_t)condition.tries));
}

static void add_scrub(json_t *state, struct cas_scrubber *scrubber) {
  struct cas_scrub_status status;
  if (scrubber == NULL) return;
  cas_scrub_status(scrubber, &status);
  json_object_set_new(state, "scrub", control_scrub_json(&status));
}

static json_t *titles_of(const struct config *config) {
  json_t *titles = json_array();
  for (size_t i = 0; i < config->view_count; i++) json_array_append_new(titles, json_string(config->views[i].aet));
  return titles;
}

static json_t *daemon_state(void *arg) {
  struct daemon *daemon = arg;
  const struct config *config = daemon->config;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  struct cas_store_info info;
  cas_store_info(daemon->store, &info);
  json_t *state = json_pack("{sssIsIsssssssI}", "version", cas_version(), "pid", (json_int_t)getpid(), "uptime_seconds",
                            (json_int_t)(now.tv_sec - daemon->started.tv_sec), "store", info.path, "aet", config->aet,
                            "bind", config->bind, "port", (json_int_t)dicom_server_port(daemon->dicom));
  if (state == NULL) return NULL;
  daemon_mounts_state(daemon->mounts, state);
  if (config->view_count > 0) json_object_set_new(state, "views", titles_of(config));
  struct dicom_counters counters;
  dicom_server_counters(daemon->dicom, &counters);
  add_condition(state, daemon->store);
  add_scrub(state, daemon->scrubber);
  const struct {
    const char *name;
    uint64_t value;
  } numbers[] = {
      {"associations", counters.associations_open},
      {"associations_total", counters.counts[NODE_ASSOCIATIONS_ACCEPTED]},
      {"associations_rejected", dicom_counters_rejected(&counters)},
      {"stored", counters.counts[NODE_OBJECTS_STORED]},
      {"duplicates", counters.counts[NODE_OBJECTS_DUPLICATE]},
      {"new_versions", counters.counts[NODE_OBJECTS_NEW_VERSION]},
      {"refused", counters.counts[NODE_OBJECTS_REFUSED]},
      {"failed", counters.counts[NODE_OBJECTS_FAILED]},
      {"received_bytes", counters.counts[NODE_RECEIVED_BYTES]},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    json_object_set_new(state, numbers[i].name, json_integer((json_int_t)numbers[i].value));
  }
  return state;
}

/* --- start --- */

/* Of the states that are hidden, in the order of reasons. */
static uint32_t states_shown(const struct config *config) {
  return (config->reasons_shown & ~1u) << CAS_STATE_HIDDEN_OTHER;
}

/* Put off in a burst, unless nothing would be packed afterwards. */
static enum cas_encode encode_of(const struct config *config) {
  if (config->encode != 0) return (enum cas_encode)(config->encode - 1);
  return config->no_background ? CAS_ENCODE_ALWAYS : CAS_ENCODE_AUTO;
}

static cas_status open_store(struct daemon *daemon, struct cas_error *error) {
  const struct config *config = daemon->config;
  const struct cas_store_options options = {
      .mode = CAS_OPEN_WRITE,
      .log = daemon_log_write,
      .log_arg = daemon->log,
      .workers = config->workers,
      .in_flight_bytes = (uint64_t)config->in_flight_mib << 20,
      .read_cache_bytes = (uint64_t)config->read_cache_mib << 20,
      .segment_bytes = (uint64_t)config->segment_mib << 20,
      .no_io_uring = config->no_io_uring,
      .encode = encode_of(config),
      .ignored_reasons = config->reasons_applied != 0 ? ~config->reasons_applied : 0,
      .shown_states = states_shown(config),
  };
  return cas_store_open(config->store, &options, &daemon->store, error);
}

static cas_status open_tls(struct daemon *daemon, struct cas_error *error) {
  const struct config *config = daemon->config;
  const struct tls_options options = {.certificate = config->tls_certificate,
                                      .key = config->tls_key,
                                      .ca = config->tls_ca,
                                      .profile = (enum tls_profile)config->tls_profile,
                                      .clients = (enum tls_clients)config->tls_clients};
  return config->tls_ca != NULL ? tls_context_create(&options, &daemon->tls, error) : CAS_OK;
}

static cas_status start_dicom(struct daemon *daemon, struct cas_error *error) {
  const struct config *config = daemon->config;
  char *commitments = NULL;
  if (asprintf(&commitments, "%s/commitments", config->store) < 0) return CAS_NO_MEMORY;
  const struct dicom_server_options options = {
      .aet = config->aet,
      .bind = config->bind,
      .port = (uint16_t)config->port,
      .open = config->open,
      .accept_any_called_aet = config->accept_any_called_aet,
      .associations_max = config->associations_max,
      .pdu_bytes_max = config->pdu_bytes_max,
      .negotiation_seconds = config->negotiation_seconds,
      .message_seconds = config->message_seconds,
      .idle_seconds = config->idle_seconds,
      .move_associations = config->move_associations,
      .transcode_mib = config->transcode_mib,
      .find_attributes = config->find_attributes,
      .find_matches_max = config->find_matches_max,
      .find_seconds_max = config->find_seconds_max,
      .find_queries_max = config->find_queries_max,
      .peers = config->peers,
      .peer_count = config->peer_count,
      .views = config->views,
      .view_count = config->view_count,
      .commitments = commitments,
      .commit_by_index = config->commit_by_index,
      .tls = daemon->tls,
      .tls_port = (uint16_t)config->tls_port,
      .no_plain = config->no_plain,
      .audit = daemon->audit,
      .log = daemon_log_write,
      .log_arg = daemon->log,
  };
  const cas_status status = dicom_server_start(daemon->store, &options, &daemon->dicom, error);
  free(commitments);
  return status;
}

static cas_status start_scrubber(struct daemon *daemon, struct cas_error *error) {
  const struct cas_scrub_options options = {
      .cycle_seconds = daemon->config->scrub_days * 86400,
      .bytes_per_second_max = (uint64_t)daemon->config->scrub_mib << 20,
  };
  if (daemon->config->no_scrub) return CAS_OK;
  return cas_scrub_start(daemon->store, &options, &daemon->scrubber, error);
}

/* The control socket opens last: its state tells of all others. */
static cas_status start_control(struct daemon *daemon, struct cas_error *error) {
  const struct control_server_options options = {
      .mode = (mode_t)daemon->config->control_mode,
      .state = daemon_state,
      .state_arg = daemon,
      .changed = daemon_changed,
      .changed_arg = &daemon->changes,
      .imported = daemon->audit != NULL ? daemon_imported : NULL,
      .imported_arg = &daemon->changes,
      .accessed = daemon->audit != NULL ? daemon_accessed : NULL,
      .accessed_arg = &daemon->changes,
      .scrubber = daemon->scrubber,
      .deleted_days = daemon->config->deleted_days,
      .log = daemon_log_write,
      .log_arg = daemon->log,
  };
  return control_server_start(daemon->store, &options, &daemon->control, error);
}

static cas_status start_packer(struct daemon *daemon, struct cas_error *error) {
  const struct config *config = daemon->config;
  const struct packer_options options = {
      .quiet_seconds = config->quiet_seconds,
      .busy_mib = config->busy_mib,
      .min_percent = config->min_percent,
      .segment_mib = config->segment_mib,
      .deleted_days = config->deleted_days,
      .log = daemon_log_write,
      .log_arg = daemon->log,
  };
  return config->no_background ? CAS_OK : packer_start(daemon->store, &options, &daemon->packer, error);
}

static cas_status start(struct daemon *daemon, struct cas_error *error) {
  const struct config *config = daemon->config;
  clock_gettime(CLOCK_MONOTONIC, &daemon->started);
  cas_status status = daemon_log_open(config->log_file, config->log_level, &daemon->log, error);
  if (status == CAS_OK) status = daemon_metrics_open(config, &daemon->metrics, error);
  if (status == CAS_OK) status = open_store(daemon, error);
  if (status == CAS_OK) status = open_tls(daemon, error);
  if (status == CAS_OK) status = daemon_audit_open(config, daemon->log, daemon->tls, &daemon->audit, error);
  if (status != CAS_OK) return status;
  daemon->changes = (struct daemon_changes){.store = daemon->store, .log = daemon->log, .audit = daemon->audit};
  daemon_changes_catch_up(&daemon->changes);
  status = daemon_mounts_start(daemon->config, &daemon->changes, &daemon->mounts, error);
  if (status == CAS_OK) status = start_dicom(daemon, error);
  if (status == CAS_OK) status = start_scrubber(daemon, error);
  if (status == CAS_OK) status = start_control(daemon, error);
  if (status == CAS_OK) status = start_packer(daemon, error);
  const struct daemon_metrics_sources sources = {.store = daemon->store,
                                                 .dicom = daemon->dicom,
                                                 .scrubber = daemon->scrubber,
                                                 .audit = daemon->audit,
                                                 .mounts = daemon->mounts};
  if (status == CAS_OK) status = daemon_metrics_attach(daemon->metrics, &sources, error);
  return status;
}

/* What the operator should know of who is let in. */
static void tell_access(struct daemon *daemon) {
  const struct config *config = daemon->config;
  bool callers = false;
  for (size_t i = 0; i < config->peer_count; i++) callers = callers || config->peers[i].caller;
  if (config->open) {
    daemon_log_printf(daemon->log, CAS_LOG_WARNING, "open: whoever reaches the port may store, find, get and move");
  } else if (!callers) {
    daemon_log_printf(daemon->log, CAS_LOG_WARNING,
                      "no peers are configured: every association is refused; see [peer] in cassetted.conf(5)");
  }
}

static void announce(struct daemon *daemon) {
  const struct config *config = daemon->config;
  char line[1024];
  struct cas_store_info info;
  cas_store_info(daemon->store, &info);
  char tls[24] = "";
  if (config->tls_port != 0) snprintf(tls, sizeof tls, ", TLS port %u", config->tls_port);
  snprintf(line, sizeof line, "ready: AE %s on %s:%u%s, store %s (%s)", config->aet, config->bind,
           (unsigned)dicom_server_port(daemon->dicom), tls, info.path, info.disk);
  for (size_t i = 0; i < config->mount_count; i++) {
    const size_t used = strlen(line);
    snprintf(line + used, sizeof line - used, ", mount %s", config->mounts[i].folder);
  }
  if (daemon->metrics != NULL) {
    const size_t used = strlen(line);
    snprintf(line + used, sizeof line - used, ", metrics on %s:%u", config->metrics_bind,
             (unsigned)daemon_metrics_port(daemon->metrics));
  }
  fprintf(stderr, "cassetted: %s\n", line);
  if (config->log_file != NULL) daemon_log_write(daemon->log, CAS_LOG_NOTICE, line);
  char state[1200];
  snprintf(state, sizeof state, "READY=1\nSTATUS=%s\n", line);
  service_notify(state);
}

/* --- the life --- */

static void wait_for_signal(struct daemon *daemon, int signals) {
  for (;;) {
    struct pollfd entry = {.fd = signals, .events = POLLIN};
    (void)poll(&entry, 1, daemon_mounts_any(daemon->mounts) ? MOUNT_CHECK_MS : -1);
    daemon_mounts_check(daemon->mounts);
    struct signalfd_siginfo info;
    if (read(signals, &info, sizeof info) != sizeof info) continue;
    if (info.ssi_signo != SIGHUP) {
      daemon_log_printf(daemon->log, CAS_LOG_NOTICE, "stopping on SIG%s", sigabbrev_np((int)info.ssi_signo));
      return;
    }
    daemon_log_reopen(daemon->log);
  }
}

static void stop(struct daemon *daemon) {
  service_notify("STOPPING=1\n");
  daemon_metrics_detach(daemon->metrics);
  packer_stop(daemon->packer);
  control_server_stop(daemon->control, daemon->config->stop_seconds);
  dicom_server_stop(daemon->dicom, daemon->config->stop_seconds);
  daemon_mounts_stop(daemon->mounts);
  cas_scrub_stop(daemon->scrubber);
  daemon_changes_settle(&daemon->changes);
  cas_store_close(daemon->store);
  daemon_audit_close(daemon->audit);
  tls_context_destroy(daemon->tls);
  daemon_metrics_close(daemon->metrics);
  if (daemon->store != NULL) daemon_log_write(daemon->log, CAS_LOG_NOTICE, "stopped");
  daemon_log_close(daemon->log);
}

static int open_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

enum daemon_exit daemon_run(const struct config *config) {
  struct daemon daemon = {.config = config};
  struct cas_error error = {0};
  enum daemon_exit result = DAEMON_STOPPED;
  const int signals = open_signals();
  if (signals < 0) {
    snprintf(error.message, sizeof error.message, "signalfd: %s", strerrordesc_np(errno));
    return give_up(&daemon, CAS_IO, &error);
  }
  const cas_status status = start(&daemon, &error);
  if (status == CAS_OK) {
    announce(&daemon);
    tell_access(&daemon);
    wait_for_signal(&daemon, signals);
  } else {
    result = give_up(&daemon, status, &error);
  }
  stop(&daemon);
  close(signals);
  return result;
}
