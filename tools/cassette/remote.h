/*
 * The remote application entity that a command talks to, and the association with it.
 *
 * Written [dicom://][AET@]HOST:PORT; the called AE title is ANY-SCP where none is given, HOST a name or an address, one
 * of IPv6 in brackets. Where `cassette find` could mean a folder, dicom:// says that it does not.
 *
 * Threads: as requestor.h.
 */
#ifndef REMOTE_H
#define REMOTE_H

#include "cli.h"
#include "requestor.h"

#define REMOTE_SCHEME "dicom://"

struct remote {
  char called[DIMSE_AE_TITLE_TEXT_MAX];
  char host[256];
  uint16_t port;
  const char *calling;                /* default CASSETTE */
  unsigned seconds;                   /* to wait for an answer; 0: the defaults */
  const char *certificate, *key, *ca; /* PEM files; ca NULL: no TLS */
  struct tls_context *context;        /* made by remote_operand(), and kept to the end of the process */
};

/* Reads an address; false if it is none. */
bool remote_parse(const char *text, struct remote *remote);

/* Whether an operand that may also be a store is a peer: with the scheme, or AET@HOST:PORT and no such folder is there.
 */
bool remote_is_meant(const char *text);

/* The options that all commands with a peer have: their table entries, and what takes them. remote_option() returns
 * true if the option was its own; *code is then CLI_OK or what the command is to return. */
#define REMOTE_KEY_TIMEOUT 300
#define REMOTE_KEY_TLS 301
#define REMOTE_KEY_TLS_CERTIFICATE 302
#define REMOTE_KEY_TLS_KEY 303
#define REMOTE_OPTIONS                                                                                                 \
  {'c', "calling", "AET", "our own AE title (default CASSETTE)"},                                                      \
      {REMOTE_KEY_TIMEOUT, "timeout", "SECONDS", "wait as long for an answer (default 600)"},                          \
      {REMOTE_KEY_TLS, "tls", "CA", "use TLS, and trust the authorities in this PEM file"},                            \
      {REMOTE_KEY_TLS_CERTIFICATE, "tls-cert", "FILE", "our own certificate, PEM"}, {                                  \
    REMOTE_KEY_TLS_KEY, "tls-key", "FILE", "its key, where the certificate's file has it not"                          \
  }
bool remote_option(struct cli_arguments *arguments, int key, struct remote *remote, int *code);

/* Reads the operand that names a peer, and the files for TLS, or says what is wrong with it and returns the exit code.
 */
int remote_operand(struct cli_arguments *arguments, int index, struct remote *remote);

/* How to reach it, without contexts; titles and host are borrowed from `remote`. */
struct requestor_options remote_requestor_options(const struct remote *remote);

/* Opens an association with these contexts. `extended`: as in struct proposal. */
CAS_MUST_USE cas_status remote_open(const struct remote *remote, const struct proposal_context *contexts, size_t count,
                                    struct cas_slice extended, struct requestor **requestor, struct cas_error *error);

/* The exit code for what failed with a peer, which is said. */
int remote_fail(const struct remote *remote, cas_status status, const struct cas_error *error);

/* A status that is no success, in words for people. */
const char *remote_status_text(uint16_t status);

#endif
