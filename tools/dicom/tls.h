/*
 * TLS over a connected, non-blocking socket: contexts with certificates and a profile, sessions that never wait.
 *
 * Caveats
 *  - Peers are known by their chain to the configured CA. Host names are not compared with certificates, as DICOM peers
 *    have certificates of devices; bind a peer to its certificate instead (tls_session_matches()).
 *  - There is no renegotiation, no compression, and no resumption.
 *
 * Threads: a context may be used by many; a session belongs to one thread at a time.
 * Source: PS3.15 B.9 to B.11 (BCP 195 profiles), RFC 9325 (BCP 195).
 */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <sys/types.h>

#include "cassette/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tls_context;
struct tls_session;

enum tls_profile {
  TLS_BCP195, /* non-downgrading: TLS 1.2 and 1.3, forward secrecy, authenticated encryption, or CBC with SHA-2 */
  TLS_BCP195_EXTENDED /* of these AES-GCM alone */
};

/* What the acceptor asks of its clients. */
enum tls_clients { TLS_CLIENTS_REQUIRED, TLS_CLIENTS_OPTIONAL, TLS_CLIENTS_NONE };

/* Files are PEM. Zero is the default. */
struct tls_options {
  const char *certificate; /* ours, with its chain; a requestor may have none */
  const char *key;         /* NULL: it is in the file of the certificate */
  const char *ca;          /* whom we trust; needed but for TLS_CLIENTS_NONE of an acceptor */
  enum tls_profile profile;
  enum tls_clients clients;
};

/* CAS_INVALID: a file is missing or does not fit; the detail says which. */
CAS_MUST_USE cas_status tls_context_create(const struct tls_options *options, struct tls_context **context,
                                           struct cas_error *error);
void tls_context_destroy(struct tls_context *context);

/* NULL: no memory. The socket stays the caller's. */
struct tls_session *tls_session_create(struct tls_context *context, int fd, bool acceptor);

/* Says goodbye without waiting, unless the session failed, and frees. NULL is allowed. */
void tls_session_destroy(struct tls_session *session);

/* Goes on with the handshake. 1: done; 0: poll for tls_session_events() and call again; -1: failed, and why. */
int tls_session_handshake(struct tls_session *session, struct cas_error *error);

/* As recv(2) and send(2) on a non-blocking socket: EAGAIN in errno means to poll for tls_session_events(). 0 from read
 * is the end; one without a goodbye is ECONNRESET. */
ssize_t tls_session_read(struct tls_session *session, void *bytes, size_t size);
ssize_t tls_session_write(struct tls_session *session, const void *bytes, size_t size);
short tls_session_events(const struct tls_session *session);

/* Whether a read would give something, or the end, at once. */
bool tls_session_has_input(struct tls_session *session);

/* Whether the peer has shown this certificate: "sha256:" and 64 hexadecimal digits, or its subject as RFC 4514 writes
 * it, as "CN=ct1,O=Hospital". */
bool tls_session_matches(const struct tls_session *session, const char *wanted);

#ifdef __cplusplus
}
#endif
#endif
