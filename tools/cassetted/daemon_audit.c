/* Owns nothing. */
#include "daemon_audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_collector(const char *text, struct audit_options *options, struct dicom_peer *place) {
  static const struct {
    const char *prefix;
    enum audit_transport transport;
  } transports[] = {{"udp:", AUDIT_UDP}, {"tcp:", AUDIT_TCP}, {"tls:", AUDIT_TLS}};
  for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
    const size_t size = strlen(transports[i].prefix);
    if (strncmp(text, transports[i].prefix, size) != 0) continue;
    options->transport = transports[i].transport;
    return peer_parse_destination(text + size, place);
  }
  return false;
}

cas_status daemon_audit_open(const struct config *config, struct daemon_log *log, struct tls_context *tls,
                             struct audit **audit, struct cas_error *error) {
  *audit = NULL;
  if (config->audit_file == NULL && config->audit_collector == NULL) return CAS_OK;
  struct dicom_peer collector = {0};
  struct audit_options options = {.source = config->aet,
                                  .file = config->audit_file,
                                  .spool_bytes_max =
                                      (uint64_t)(config->audit_spool_mib != 0 ? config->audit_spool_mib : 64) << 20,
                                  .log = daemon_log_write,
                                  .log_arg = log};
  if (config->audit_collector != NULL && !parse_collector(config->audit_collector, &options, &collector)) {
    snprintf(error->message, sizeof error->message,
             "audit collector: \"%.200s\" is none of udp:, tcp:, tls: with HOST:PORT", config->audit_collector);
    return CAS_INVALID;
  }
  if (options.transport == AUDIT_TLS && tls == NULL) {
    snprintf(error->message, sizeof error->message, "audit collector: tls: needs ca in [tls]");
    return CAS_INVALID;
  }
  options.tls = tls;
  options.host = collector.host;
  options.port = collector.port;
  char *spool = NULL;
  if (config->audit_spool == NULL && asprintf(&spool, "%s/audit.spool", config->store) < 0) return CAS_NO_MEMORY;
  options.spool = spool != NULL ? spool : config->audit_spool;
  const cas_status status = audit_open(&options, audit, error);
  free(spool);
  if (status == CAS_OK) audit_post(*audit, &(struct audit_event){.kind = AUDIT_START});
  return status;
}

void daemon_audit_close(struct audit *audit) {
  audit_post(audit, &(struct audit_event){.kind = AUDIT_STOP});
  audit_close(audit);
}
