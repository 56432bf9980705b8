/* Owns nothing but the text of an address. */
#include "remote.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool copy_part(const char *text, size_t size, char *part, size_t capacity) {
  if (size == 0 || size >= capacity) return false;
  memcpy(part, text, size);
  part[size] = '\0';
  return true;
}

bool remote_parse(const char *text, struct remote *remote) {
  if (strncmp(text, REMOTE_SCHEME, strlen(REMOTE_SCHEME)) == 0) text += strlen(REMOTE_SCHEME);
  const char *at = strrchr(text, '@');
  if (at == NULL) {
    (void)copy_part("ANY-SCP", 7, remote->called, sizeof remote->called);
  } else {
    if (!copy_part(text, (size_t)(at - text), remote->called, sizeof remote->called)) return false;
    text = at + 1;
  }
  const char *colon = strrchr(text, ':');
  if (colon == NULL) return false;
  const bool bracketed = *text == '[' && colon > text + 1 && colon[-1] == ']';
  const char *host = bracketed ? text + 1 : text;
  const size_t size = (size_t)(colon - host) - (bracketed ? 1 : 0);
  if (!bracketed && memchr(host, ':', size) != NULL) return false;
  if (!copy_part(host, size, remote->host, sizeof remote->host)) return false;
  char *end;
  const unsigned long port = strtoul(colon + 1, &end, 10);
  if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port == 0 || port > UINT16_MAX) return false;
  remote->port = (uint16_t)port;
  return true;
}

bool remote_is_meant(const char *text) {
  struct remote remote;
  if (strncmp(text, REMOTE_SCHEME, strlen(REMOTE_SCHEME)) == 0) return true;
  return strchr(text, '@') != NULL && remote_parse(text, &remote) && access(text, F_OK) != 0;
}

bool remote_option(struct cli_arguments *arguments, int key, struct remote *remote, int *code) {
  unsigned long long number;
  *code = CLI_OK;
  switch (key) {
  case 'c':
    if (strlen(arguments->value) == 0 || strlen(arguments->value) >= DIMSE_AE_TITLE_TEXT_MAX)
      *code = cli_usage(arguments, "\"%s\" has not 1 to 16 characters", arguments->value);
    remote->calling = arguments->value;
    return true;
  case REMOTE_KEY_TLS: remote->ca = arguments->value; return true;
  case REMOTE_KEY_TLS_CERTIFICATE: remote->certificate = arguments->value; return true;
  case REMOTE_KEY_TLS_KEY: remote->key = arguments->value; return true;
  case REMOTE_KEY_TIMEOUT:
    if (cli_number(arguments, arguments->value, 1, 86400, &number))
      remote->seconds = (unsigned)number;
    else
      *code = CLI_USAGE;
    return true;
  default: return false;
  }
}

static void end_tls(int status, void *context) {
  (void)status;
  tls_context_destroy(context);
}

static int open_tls(struct cli_arguments *arguments, struct remote *remote) {
  if (remote->ca == NULL && remote->certificate == NULL && remote->key == NULL) return CLI_OK;
  if (remote->ca == NULL) return cli_usage(arguments, "--tls-cert and --tls-key go with --tls");
  const struct tls_options options = {.certificate = remote->certificate, .key = remote->key, .ca = remote->ca};
  struct cas_error error = {0};
  if (tls_context_create(&options, &remote->context, &error) != CAS_OK)
    return cli_usage(arguments, "%s", error.message);
  (void)!on_exit(end_tls, remote->context);
  return CLI_OK;
}

int remote_operand(struct cli_arguments *arguments, int index, struct remote *remote) {
  if (remote_parse(arguments->operands[index], remote)) return open_tls(arguments, remote);
  return cli_usage(arguments, "\"%s\" is no peer: [dicom://][AET@]HOST:PORT", arguments->operands[index]);
}

struct requestor_options remote_requestor_options(const struct remote *remote) {
  return (struct requestor_options){
      .host = remote->host,
      .port = remote->port,
      .connect_seconds = remote->seconds,
      .timeouts = {.negotiation_seconds = remote->seconds},
      .response_seconds = remote->seconds,
      .tls = remote->context,
      .proposal = {.calling = remote->calling != NULL ? remote->calling : "CASSETTE", .called = remote->called},
  };
}

cas_status remote_open(const struct remote *remote, const struct proposal_context *contexts, size_t count,
                       struct cas_slice extended, struct requestor **requestor, struct cas_error *error) {
  struct requestor_options options = remote_requestor_options(remote);
  options.proposal.contexts = contexts;
  options.proposal.context_count = count;
  options.proposal.extended = extended;
  return requestor_open(&options, requestor, error);
}

int remote_fail(const struct remote *remote, cas_status status, const struct cas_error *error) {
  char name[sizeof remote->called + sizeof remote->host + 16];
  snprintf(name, sizeof name, "%s@%s:%u", remote->called, remote->host, (unsigned)remote->port);
  return cli_fail(name, status, error);
}

const char *remote_status_text(uint16_t status) {
  static const struct {
    uint16_t status;
    const char *text;
  } known[] = {
      {0x0110, "processing failure"},
      {0x0112, "no such SOP instance"},
      {0x0117, "invalid SOP instance"},
      {0x0118, "no such SOP class"},
      {0x0122, "SOP class not supported"},
      {0x0124, "not authorized"},
      {0x0210, "duplicate invocation"},
      {0x0211, "unrecognized operation"},
      {0xA701, "out of resources: cannot count the matches"},
      {0xA702, "out of resources: cannot perform sub-operations"},
      {0xA801, "move destination unknown"},
      {0xA900, "identifier or data set does not match the SOP class"},
      {0xB000, "done, with failures or changed elements"},
      {0xFE00, "cancelled"},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (known[i].status == status) return known[i].text;
  if ((status & 0xFF00) == 0xA700) return "out of resources";
  if ((status & 0xFF00) == 0xA900) return "data set does not match the SOP class";
  if ((status & 0xF000) == 0xC000) return "unable to process or understand";
  if ((status & 0xF000) == 0xB000) return "warning";
  return "failed";
}
