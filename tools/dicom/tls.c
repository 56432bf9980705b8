/*
 * Owns OpenSSL's contexts and sessions. Invariants:
 *  1. OpenSSL's queue of errors is empty before each call whose result is asked for.
 *  2. After a fatal error nothing more is written, not even a goodbye (SSL_shutdown(3)).
 */
#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct tls_context {
  SSL_CTX *ssl;
  enum tls_clients clients;
};

struct tls_session {
  SSL *ssl;
  short events;
  bool failed;
};

/* RFC 9325 4.2, and PS3.15 B.10, which asks for the four with GCM. */
static const char gcm[] = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
                          "ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256";
static const char others[] = ":ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-SHA384:"
                             "ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"
                             "DHE-RSA-AES256-SHA256:DHE-RSA-AES128-SHA256";
static const char gcm_13[] = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";

static cas_status fail(struct cas_error *error, cas_status status, const char *what, const char *file) {
  const unsigned long code = ERR_peek_last_error();
  const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
  if (error != NULL) {
    *error = (struct cas_error){.status = status};
    const bool colon = reason != NULL && file[0] != '\0';
    snprintf(error->message, sizeof error->message, "%s%.150s%s%s", what, file, colon ? ": " : "",
             reason != NULL ? reason : "");
  }
  ERR_clear_error();
  return status;
}

/* --- contexts --- */

static bool set_profile(SSL_CTX *ssl, enum tls_profile profile) {
  char ciphers[sizeof gcm + sizeof others];
  snprintf(ciphers, sizeof ciphers, "%s%s", gcm, profile == TLS_BCP195 ? others : "");
  SSL_CTX_set_security_level(ssl, 2); /* 112 bits: RSA and DH from 2048 */
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_dh_auto(ssl, 1);
  return SSL_CTX_set_num_tickets(ssl, 0) == 1 && SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(ssl, ciphers) == 1 &&
         (profile == TLS_BCP195 || SSL_CTX_set_ciphersuites(ssl, gcm_13) == 1);
}

static cas_status set_certificate(SSL_CTX *ssl, const struct tls_options *options, struct cas_error *error) {
  if (options->certificate == NULL) return CAS_OK;
  const char *key = options->key != NULL ? options->key : options->certificate;
  if (SSL_CTX_use_certificate_chain_file(ssl, options->certificate) != 1)
    return fail(error, CAS_INVALID, "TLS certificate ", options->certificate);
  const bool taken = SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) == 1;
  const bool other = !taken && ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
  if (!taken && !other) return fail(error, CAS_INVALID, "TLS key ", key);
  if (taken && SSL_CTX_check_private_key(ssl) == 1) return CAS_OK;
  return fail(error, CAS_INVALID, "the TLS key is not that of the certificate ", options->certificate);
}

static cas_status set_trust(SSL_CTX *ssl, const char *ca, struct cas_error *error) {
  if (ca == NULL) return CAS_OK;
  if (SSL_CTX_load_verify_file(ssl, ca) != 1) return fail(error, CAS_INVALID, "TLS CA ", ca);
  STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca); /* what clients are told to choose by */
  if (names == NULL) return fail(error, CAS_INVALID, "TLS CA ", ca);
  SSL_CTX_set_client_CA_list(ssl, names);
  return CAS_OK;
}

cas_status tls_context_create(const struct tls_options *options, struct tls_context **context,
                              struct cas_error *error) {
  struct tls_context *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  ERR_clear_error();
  made->clients = options->clients;
  made->ssl = SSL_CTX_new(TLS_method());
  cas_status status = made->ssl != NULL && set_profile(made->ssl, options->profile)
                          ? CAS_OK
                          : fail(error, CAS_UNSUPPORTED, "TLS profile", "");
  if (status == CAS_OK) status = set_certificate(made->ssl, options, error);
  if (status == CAS_OK) status = set_trust(made->ssl, options->ca, error);
  if (status != CAS_OK) {
    tls_context_destroy(made);
    return status;
  }
  *context = made;
  return CAS_OK;
}

void tls_context_destroy(struct tls_context *context) {
  if (context == NULL) return;
  SSL_CTX_free(context->ssl);
  free(context);
}

/* --- sessions --- */

struct tls_session *tls_session_create(struct tls_context *context, int fd, bool acceptor) {
  struct tls_session *made = calloc(1, sizeof *made);
  if (made == NULL) return NULL;
  made->ssl = SSL_new(context->ssl);
  if (made->ssl == NULL || SSL_set_fd(made->ssl, fd) != 1) {
    tls_session_destroy(made);
    return NULL;
  }
  int mode = SSL_VERIFY_PEER;
  if (acceptor && context->clients == TLS_CLIENTS_REQUIRED) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  if (acceptor && context->clients == TLS_CLIENTS_NONE) mode = SSL_VERIFY_NONE;
  SSL_set_verify(made->ssl, mode, NULL);
  if (acceptor) {
    SSL_set_accept_state(made->ssl);
  } else {
    SSL_set_connect_state(made->ssl);
  }
  return made;
}

void tls_session_destroy(struct tls_session *session) {
  if (session == NULL) return;
  if (session->ssl != NULL && !session->failed && SSL_is_init_finished(session->ssl)) (void)SSL_shutdown(session->ssl);
  SSL_free(session->ssl);
  ERR_clear_error();
  free(session);
}

/* What a call that did not succeed means: errno, and what to poll for. */
static ssize_t explain(struct tls_session *session, int result) {
  const int system_errno = errno;
  switch (SSL_get_error(session->ssl, result)) {
  case SSL_ERROR_WANT_READ:
    session->events = POLLIN;
    errno = EAGAIN;
    return -1;
  case SSL_ERROR_WANT_WRITE:
    session->events = POLLOUT;
    errno = EAGAIN;
    return -1;
  case SSL_ERROR_ZERO_RETURN: return 0;
  case SSL_ERROR_SYSCALL:
    session->failed = true;
    errno = system_errno != 0 ? system_errno : ECONNRESET;
    return -1;
  default:
    session->failed = true;
    errno = ECONNRESET;
    return -1;
  }
}

int tls_session_handshake(struct tls_session *session, struct cas_error *error) {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(session->ssl);
  if (result == 1) return 1;
  const ssize_t meaning = explain(session, result);
  if (meaning < 0 && errno == EAGAIN) return 0;
  const long verified = SSL_get_verify_result(session->ssl);
  const char *why = verified != X509_V_OK        ? X509_verify_cert_error_string(verified)
                    : ERR_peek_last_error() == 0 ? "the peer closed the connection"
                                                 : "";
  fail(error, CAS_REFUSED, "TLS handshake: ", why);
  return -1;
}

ssize_t tls_session_read(struct tls_session *session, void *bytes, size_t size) {
  size_t got = 0;
  ERR_clear_error();
  errno = 0;
  const int result = SSL_read_ex(session->ssl, bytes, size, &got);
  return result == 1 ? (ssize_t)got : explain(session, result);
}

ssize_t tls_session_write(struct tls_session *session, const void *bytes, size_t size) {
  size_t sent = 0;
  ERR_clear_error();
  errno = 0;
  const int result = SSL_write_ex(session->ssl, bytes, size, &sent);
  if (result == 1) return (ssize_t)sent;
  const ssize_t meaning = explain(session, result);
  if (meaning == 0) errno = EPIPE;
  return -1;
}

short tls_session_events(const struct tls_session *session) { return session->events; }

bool tls_session_has_input(struct tls_session *session) {
  char byte;
  size_t got = 0;
  ERR_clear_error();
  const int result = SSL_peek_ex(session->ssl, &byte, 1, &got);
  if (result == 1) return true;
  const int reason = SSL_get_error(session->ssl, result);
  ERR_clear_error();
  return reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE; /* the read that follows reports it */
}

static bool same_fingerprint(X509 *certificate, const char *wanted) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  char text[2 * EVP_MAX_MD_SIZE + 1] = "";
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return false;
  for (unsigned i = 0; i < size; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
  return strcasecmp(text, wanted) == 0;
}

static bool same_subject(X509 *certificate, const char *wanted) {
  BIO *memory = BIO_new(BIO_s_mem());
  char text[512] = "";
  if (memory == NULL) return false;
  const bool printed =
      X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0;
  const int size = printed ? BIO_read(memory, text, (int)sizeof text - 1) : -1;
  BIO_free(memory);
  return size > 0 && (size_t)size < sizeof text - 1 && strcmp(text, wanted) == 0;
}

bool tls_session_matches(const struct tls_session *session, const char *wanted) {
  static const char prefix[] = "sha256:";
  X509 *certificate = SSL_get1_peer_certificate(session->ssl);
  if (certificate == NULL) return false;
  const bool fingerprint = strncmp(wanted, prefix, strlen(prefix)) == 0;
  const bool matches =
      fingerprint ? same_fingerprint(certificate, wanted + strlen(prefix)) : same_subject(certificate, wanted);
  X509_free(certificate);
  return matches;
}
