/*
 * Owns the table of keys. inih finds sections, keys and values; the reader below it counts lines, which inih does not
 * tell its handler, and refuses lines that inih would cut in two.
 */
#include "config.h"

#include <errno.h>
#include <ini.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cassette/state.h"
#include "config_mounts.h"
#include "config_peers.h"
#include "config_value.h"
#include "config_views.h"
#include "deleted_days.h"
#include "tls.h"

enum kind { TEXT, NUMBER, OCTAL, SWITCH, NO_SWITCH, LEVEL, ENCODE, REASONS, CLIENTS, PROFILE, DELETED };

struct key {
  const char *section, *name;
  enum kind kind;
  size_t offset;
  unsigned min, max; /* of numbers; of reasons `min` is the one that may not be there */
};

#define FIELD(name) offsetof(struct config, name)

static const struct key keys[] = {
    {"archive", "store", TEXT, FIELD(store), 0, 0},
    {"archive", "log_file", TEXT, FIELD(log_file), 0, 0},
    {"archive", "log_level", LEVEL, FIELD(log_level), 0, 0},
    {"archive", "stop_seconds", NUMBER, FIELD(stop_seconds), 1, 3600},
    {"dicom", "aet", TEXT, FIELD(aet), 0, 0},
    {"dicom", "bind", TEXT, FIELD(bind), 0, 0},
    {"dicom", "port", NUMBER, FIELD(port), 0, 65535},
    {"dicom", "commit_by_reading", NO_SWITCH, FIELD(commit_by_index), 0, 0},
    {"dicom", "open", SWITCH, FIELD(open), 0, 0},
    {"dicom", "accept_any_called_aet", SWITCH, FIELD(accept_any_called_aet), 0, 0},
    {"dicom", "associations_max", NUMBER, FIELD(associations_max), 1, 1024},
    {"dicom", "pdu_bytes_max", NUMBER, FIELD(pdu_bytes_max), 4096, 131072},
    {"dicom", "negotiation_seconds", NUMBER, FIELD(negotiation_seconds), 1, 3600},
    {"dicom", "message_seconds", NUMBER, FIELD(message_seconds), 1, 3600},
    {"dicom", "idle_seconds", NUMBER, FIELD(idle_seconds), 1, 86400},
    {"dicom", "move_associations", NUMBER, FIELD(move_associations), 1, PEER_MOVE_ASSOCIATIONS_MAX},
    {"dicom", "transcode_mib", NUMBER, FIELD(transcode_mib), 16, 65536},
    {"iocm", "apply", REASONS, FIELD(reasons_applied), 0, 0},
    {"iocm", "show", REASONS, FIELD(reasons_shown), CAS_REASON_SAFETY, 0},
    {"dicom", "plain", NO_SWITCH, FIELD(no_plain), 0, 0},
    {"tls", "port", NUMBER, FIELD(tls_port), 1, 65535},
    {"tls", "certificate", TEXT, FIELD(tls_certificate), 0, 0},
    {"tls", "key", TEXT, FIELD(tls_key), 0, 0},
    {"tls", "ca", TEXT, FIELD(tls_ca), 0, 0},
    {"tls", "clients", CLIENTS, FIELD(tls_clients), 0, 0},
    {"tls", "profile", PROFILE, FIELD(tls_profile), 0, 0},
    {"audit", "file", TEXT, FIELD(audit_file), 0, 0},
    {"audit", "collector", TEXT, FIELD(audit_collector), 0, 0},
    {"audit", "spool", TEXT, FIELD(audit_spool), 0, 0},
    {"audit", "spool_mib", NUMBER, FIELD(audit_spool_mib), 1, 65536},
    {"find", "attributes", TEXT, FIELD(find_attributes), 0, 0},
    {"find", "matches_max", NUMBER, FIELD(find_matches_max), 1, 1000000},
    {"find", "seconds_max", NUMBER, FIELD(find_seconds_max), 1, 3600},
    {"find", "queries_max", NUMBER, FIELD(find_queries_max), 1, 1024},
    {"metrics", "port", NUMBER, FIELD(metrics_port), 1, 65535},
    {"metrics", "bind", TEXT, FIELD(metrics_bind), 0, 0},
    {"control", "mode", OCTAL, FIELD(control_mode), 0600, 0666},
    {"scrub", "enabled", NO_SWITCH, FIELD(no_scrub), 0, 0},
    {"scrub", "days", NUMBER, FIELD(scrub_days), 1, 3650},
    {"scrub", "mib_per_second", NUMBER, FIELD(scrub_mib), 1, 65536},
    {"engine", "workers", NUMBER, FIELD(workers), 1, 1024},
    {"engine", "in_flight_mib", NUMBER, FIELD(in_flight_mib), 16, 65536},
    {"engine", "read_cache_mib", NUMBER, FIELD(read_cache_mib), 1, 65536},
    {"engine", "segment_mib", NUMBER, FIELD(segment_mib), 1, 1048576},
    {"engine", "io_uring", NO_SWITCH, FIELD(no_io_uring), 0, 0},
    {"engine", "encode", ENCODE, FIELD(encode), 0, 0},
    {"compact", "background", NO_SWITCH, FIELD(no_background), 0, 0},
    {"compact", "quiet_seconds", NUMBER, FIELD(quiet_seconds), 1, 86400},
    {"compact", "busy_mib", NUMBER, FIELD(busy_mib), 1, 65536},
    {"compact", "min_percent", NUMBER, FIELD(min_percent), 1, 100},
    {"compact", "deleted_days", DELETED, FIELD(deleted_days), 0, 0},
};
#define KEY_COUNT (sizeof keys / sizeof keys[0])
_Static_assert(KEY_COUNT <= 64, "config.seen has a bit for each key");

void config_fini(struct config *config) {
  free(config->store);
  free(config->log_file);
  free(config->aet);
  free(config->bind);
  config_mounts_fini(config);
  free(config->tls_certificate);
  free(config->tls_key);
  free(config->tls_ca);
  free(config->audit_file);
  free(config->audit_collector);
  free(config->audit_spool);
  free(config->metrics_bind);
  free(config->find_attributes);
  config_views_fini(config);
  free(config->peers);
  free(config->peer_marks);
  free(config->path);
  *config = (struct config){0};
}

/* --- values --- */

/* Reasons, or none, but for reason `never`, 0 for no such: bits 1 << enum cas_reason, and bit 0 that there was a list.
 */
static bool parse_reasons(const char *value, unsigned never, unsigned *reasons) {
  unsigned bits = 1;
  for (const char *word = value + strspn(value, " \t,"); *word != '\0';) {
    const size_t size = strcspn(word, " \t,");
    char name[16];
    enum cas_reason reason;
    snprintf(name, sizeof name, "%.*s", (int)(size < sizeof name ? size : sizeof name), word);
    const bool is_reason = cas_reason_by_name(name, &reason) && reason != CAS_REASON_OTHER && reason != never;
    if (!is_reason && strcmp(name, "none") != 0) return false;
    if (is_reason) bits |= 1u << reason;
    word += size + strspn(word + size, " \t,");
  }
  *reasons = bits;
  return true;
}

static const char *const level_names[] = {"error", "warning", "notice", "debug", NULL};
static const char *const encode_names[] = {"always", "later", "auto", NULL};
static const char *const clients_names[] = {"required", "optional", "none", NULL};
static const char *const profile_names[] = {"bcp195", "bcp195-extended", NULL};

static cas_status assign(struct config *config, const struct key *key, const char *value, struct cas_error *error) {
  void *field = (char *)config + key->offset;
  bool on;
  switch (key->kind) {
  case TEXT: {
    if (value[0] == '\0') return config_fail(error, CAS_INVALID, "%s: no value", key->name);
    char *copy = strdup(value);
    if (copy == NULL) return config_fail(error, CAS_NO_MEMORY, "configuration");
    free(*(char **)field);
    *(char **)field = copy;
    return CAS_OK;
  }
  case NUMBER:
    if (config_parse_number(value, 10, key->min, key->max, field)) return CAS_OK;
    return config_fail(error, CAS_INVALID, "%s: \"%s\" is not a number from %u to %u", key->name, value, key->min,
                       key->max);
  case OCTAL:
    if (config_parse_number(value, 8, key->min, key->max, field)) return CAS_OK;
    return config_fail(error, CAS_INVALID, "%s: \"%s\" is not an octal mode from %o to %o", key->name, value, key->min,
                       key->max);
  case SWITCH:
  case NO_SWITCH:
    if (!config_parse_switch(value, &on))
      return config_fail(error, CAS_INVALID, "%s: \"%s\" is neither yes nor no", key->name, value);
    *(bool *)field = on == (key->kind == SWITCH);
    return CAS_OK;
  case LEVEL:
    if (config_parse_name(value, level_names, CAS_LOG_ERROR, field)) return CAS_OK;
    return config_fail(error, CAS_INVALID, "%s: \"%s\" is not one of error, warning, notice, debug", key->name, value);
  case REASONS:
    if (parse_reasons(value, key->min, field)) return CAS_OK;
    return config_fail(error, CAS_INVALID, "%s: \"%s\" has something else than quality, %sworklist, retention, none",
                       key->name, value, key->min == 0 ? "safety, " : "");
  case CLIENTS:
    if (config_parse_name(value, clients_names, TLS_CLIENTS_REQUIRED, field)) return CAS_OK;
    return config_fail(error, CAS_INVALID, "%s: \"%s\" is not one of required, optional, none", key->name, value);
  case PROFILE:
    if (config_parse_name(value, profile_names, TLS_BCP195, field)) return CAS_OK;
    return config_fail(error, CAS_INVALID, "%s: \"%s\" is not one of bcp195, bcp195-extended", key->name, value);
  case ENCODE:
    if (config_parse_name(value, encode_names, 1 + CAS_ENCODE_ALWAYS, field)) return CAS_OK;
    return config_fail(error, CAS_INVALID, "%s: \"%s\" is not one of always, later, auto", key->name, value);
  case DELETED:
    if (deleted_days_parse(value, field)) return CAS_OK;
    return config_fail(error, CAS_INVALID, "%s: \"%s\" is neither now, never nor a number from 0 to %u", key->name,
                       value, DELETED_DAYS_MAX);
  }
  return config_fail(error, CAS_INVALID, "%s", key->name);
}

static size_t find_key(const char *section, const char *name) {
  size_t i = 0;
  while (i < KEY_COUNT && (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].name, name) != 0)) i++;
  return i;
}

cas_status config_set(struct config *config, const char *section, const char *key, const char *value,
                      struct cas_error *error) {
  if (config_peers_own(section)) return config_peers_set(config, section, key, value, false, error);
  if (config_views_own(section)) return config_views_set(config, section, key, value, false, error);
  if (config_mounts_own(section)) return config_mounts_set(config, section, key, value, false, error);
  const size_t found = find_key(section, key);
  if (found == KEY_COUNT) return config_fail(error, CAS_INVALID, "there is no key %s in [%s]", key, section);
  const cas_status status = assign(config, &keys[found], value, error);
  if (status == CAS_OK && keys[found].offset == FIELD(port)) config->port_given = true;
  return status;
}

/* --- the file --- */

struct load {
  struct config *config;
  const char *path;
  FILE *file;
  unsigned line;
  unsigned refused_line; /* of the first error that we found, not inih */
  cas_status status;     /* of that error */
  struct cas_error *error;
};

static void refuse_line(struct load *load, cas_status status, const char *why) {
  if (load->status != CAS_OK) return;
  load->refused_line = load->line;
  load->status = config_fail(load->error, status, "%s:%u: %s", load->path, load->line, why);
}

/* An ini_reader: a line that does not fit would be taken for two. */
static char *read_line(char *text, int size, void *arg) {
  struct load *load = arg;
  char *got = fgets(text, size, load->file);
  if (got == NULL) return NULL;
  load->line++;
  if (strchr(text, '\n') == NULL && !feof(load->file)) {
    char why[64];
    snprintf(why, sizeof why, "the line is longer than %d bytes", size - 2);
    refuse_line(load, CAS_INVALID, why);
    return NULL;
  }
  return got;
}

/* An ini_handler: nonzero is success. */
static int take_value(void *arg, const char *section, const char *name, const char *value) {
  struct load *load = arg;
  if (load->status != CAS_OK) return 0;
  struct cas_error reason = {0};
  const size_t found = find_key(section, name);
  const uint64_t bit = found < KEY_COUNT ? UINT64_C(1) << found : 0;
  if ((load->config->seen & bit) != 0) {
    refuse_line(load, CAS_INVALID, "the key was given before");
    return 0;
  }
  load->config->seen |= bit;
  load->config->line = load->line;
  cas_status status;
  if (config_peers_own(section))
    status = config_peers_set(load->config, section, name, value, true, &reason);
  else if (config_views_own(section))
    status = config_views_set(load->config, section, name, value, true, &reason);
  else if (config_mounts_own(section))
    status = config_mounts_set(load->config, section, name, value, true, &reason);
  else
    status = config_set(load->config, section, name, value, &reason);
  load->config->line = 0;
  if (status != CAS_OK) refuse_line(load, status, reason.message);
  return status == CAS_OK;
}

cas_status config_load(struct config *config, const char *path, struct cas_error *error) {
  struct load load = {.config = config, .path = path, .error = error};
  load.file = fopen(path, "re");
  if (load.file == NULL) {
    return config_fail(error, errno == ENOENT ? CAS_NOT_FOUND : CAS_IO, "%s: %s", path, strerrordesc_np(errno));
  }
  config->seen = 0;
  free(config->path);
  config->path = strdup(path);
  const int bad_line = ini_parse_stream(read_line, &load, take_value, &load);
  if (ferror(load.file)) refuse_line(&load, CAS_IO, "the file cannot be read");
  fclose(load.file);
  if (bad_line > 0 && (load.status == CAS_OK || (unsigned)bad_line < load.refused_line)) {
    return config_fail(error, CAS_INVALID, "%s:%d: neither [section], key = value, nor a comment", path, bad_line);
  }
  if (load.status == CAS_OK && bad_line < 0) return config_fail(error, CAS_NO_MEMORY, "%s", path);
  return load.status;
}

static bool default_text(char **field, const char *value) {
  if (*field == NULL) *field = strdup(value);
  return *field != NULL;
}

void config_place(const struct config *config, unsigned line, char place[CONFIG_PLACE_BYTES]) {
  place[0] = '\0';
  if (line != 0 && config->path != NULL) snprintf(place, CONFIG_PLACE_BYTES, "%.280s:%u: ", config->path, line);
}

bool config_add_title(const struct config *config, void **list, size_t bytes, struct config_mark **marks, size_t *count,
                      const char *aet) {
  char *entries = realloc(*list, (*count + 1) * bytes);
  if (entries != NULL) *list = entries;
  struct config_mark *grown = realloc(*marks, (*count + 1) * sizeof *grown);
  if (grown != NULL) *marks = grown;
  if (entries == NULL || grown == NULL) return false;
  memset(entries + *count * bytes, 0, bytes);
  snprintf(entries + *count * bytes, DIMSE_AE_TITLE_TEXT_MAX, "%s", aet);
  grown[*count] = (struct config_mark){.line = config->line};
  ++*count;
  return true;
}

cas_status config_complete(struct config *config, struct cas_error *error) {
  if (config->store == NULL)
    return config_fail(error, CAS_INVALID, "no store is named: --store, or store in [archive]");
  if ((config->tls_port != 0 || config->tls_certificate != NULL) &&
      (config->tls_certificate == NULL || config->tls_ca == NULL))
    return config_fail(error, CAS_INVALID, "[tls] needs certificate and ca");
  if (config->no_plain && config->tls_port == 0)
    return config_fail(error, CAS_INVALID, "plain = no needs a port in [tls]");
  const cas_status peers = config_peers_complete(config, error);
  if (peers != CAS_OK) return peers;
  const cas_status mounts = config_mounts_complete(config, error);
  if (mounts != CAS_OK) return mounts;
  if (config->log_level == 0) config->log_level = CAS_LOG_NOTICE;
  if (config->stop_seconds == 0) config->stop_seconds = 30;
  if (!config->port_given) config->port = 11112;
  if (!default_text(&config->aet, "CASSETTE") || !default_text(&config->bind, "127.0.0.1") ||
      !default_text(&config->metrics_bind, "127.0.0.1")) {
    return config_fail(error, CAS_NO_MEMORY, "configuration");
  }
  return config_views_complete(config, error);
}
