/*
 * The network below associations as C functions: one process-wide network, the negotiation of associations, and the
 * bytes of the connection afterwards. Behind it stand DCMTK's ASC and DUL modules and nothing of DCMTK's data sets;
 * once an association is acknowledged, pdu.h frames what flows over it.
 *
 * Caveats
 *  - One network at a time in a process: DCMTK takes a connected socket only through a global variable, which this
 *    shim guards for the instant of the handover.
 *  - An association's functions block; its time limits are those of struct dicom_timeouts, enforced below DCMTK, in the
 *    transport connection, since DCMTK reads the body of a PDU without a limit.
 *
 * Threads: a network may be used by any number of threads; an association belongs to one thread at a time.
 * Source: PS3.8 7 and 9 (upper layer service and protocol).
 */
#ifndef DICOM_SHIM_H
#define DICOM_SHIM_H

#include <stdbool.h>
#include <sys/types.h>

#include "cassette/store.h"
#include "negotiation.h"
#include "tls.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DICOM_UID_TEXT_MAX 65          /* as DCMTK's DIC_UI */
#define DICOM_AE_TITLE_TEXT_MAX 17     /* PS3.5 6.2, AE: 16 characters */
#define DICOM_TRANSFER_SYNTAXES_MAX 64 /* of one context; PS3.6 has not as many. Others are not looked at */
#define DICOM_PDU_BYTES_MIN 4096u
#define DICOM_PDU_BYTES_MAX 131072u /* what DCMTK can receive */

struct dicom_network;
struct dicom_association;

/* Makes the network. `pdu_bytes_max`: largest P-DATA-TF PDU that peers are told to send. DCMTK's warnings go to `log`.
 */
CAS_MUST_USE cas_status dicom_network_create(uint32_t pdu_bytes_max, cas_log_fn log, void *log_arg,
                                             struct dicom_network **network, struct cas_error *error);
void dicom_network_destroy(struct dicom_network *network);

/* What DCMTK's dictionary knows of a UID. */
enum dicom_uid_kind dicom_uid_kind_of(const char *uid);

/* The VR of an attribute, and the tag of a keyword, by DCMTK's dictionary; false where it has none. Any thread. */
bool dicom_dictionary_vr(uint32_t tag, char vr[3]);
bool dicom_dictionary_tag(const char *keyword, uint32_t *tag);

/* The storage SOP classes that are met most, some hundred, one after the other; NULL: there are no more. Static. */
const char *dicom_common_storage_class(size_t index);

struct dicom_timeouts {
  unsigned negotiation_seconds; /* from the handover to the end of the negotiation */
  unsigned message_seconds;     /* without a byte to or from the peer while a message is under way */
};

/*
 * Reads the A-ASSOCIATE-RQ from the connected socket `fd`, which is taken over whatever the result:
 * dicom_association_destroy() or a failure closes it. CAS_REFUSED: no association request, or a malformed one; CAS_IO:
 * the peer went away; CAS_BUSY: it was too slow. With `tls` (NULL: none) a handshake comes first.
 */
CAS_MUST_USE cas_status dicom_association_receive(struct dicom_network *network, int fd, struct tls_context *tls,
                                                  const struct dicom_timeouts *timeouts,
                                                  struct dicom_association **association, struct cas_error *error);

/*
 * Takes the connected socket `fd` over, whatever the result, for an association that we request. Only send, recv, wait,
 * timed_out, linger and destroy may be called on it: the negotiation is the caller's (association_proposal.h), who says
 * by dicom_association_adopted() that it is over, and the limit is on silence from then on. CAS_NO_MEMORY.
 */
CAS_MUST_USE cas_status dicom_association_adopt(int fd, const struct dicom_timeouts *timeouts,
                                                struct dicom_association **association, struct cas_error *error);
/* Shakes hands as the client of TLS, before anything is sent. CAS_REFUSED: the peer has no TLS that we take, or no
 * certificate that we trust; CAS_BUSY: it was too slow; CAS_NO_MEMORY. */
CAS_MUST_USE cas_status dicom_association_secure(struct dicom_association *association, struct tls_context *tls,
                                                 struct cas_error *error);

/* The peer's certificate, see tls_session_matches(). False without TLS. */
bool dicom_association_has_certificate(const struct dicom_association *association, const char *wanted);

void dicom_association_adopted(struct dicom_association *association);

/* AE titles as proposed. Borrowed. */
const char *dicom_association_calling(const struct dicom_association *association);
const char *dicom_association_called(const struct dicom_association *association);

struct dicom_proposed_context {
  uint8_t id;
  char abstract_syntax[DICOM_UID_TEXT_MAX];
  bool requestor_provides; /* it proposes to be SCP */
  size_t transfer_syntax_count;
  char transfer_syntaxes[DICOM_TRANSFER_SYNTAXES_MAX][DICOM_UID_TEXT_MAX];
};

/* The contexts as proposed: 0 <= index < count, else CAS_NOT_FOUND; with their first DICOM_TRANSFER_SYNTAXES_MAX
 * transfer syntaxes. */
size_t dicom_association_context_count(const struct dicom_association *association);
CAS_MUST_USE cas_status dicom_association_context(const struct dicom_association *association, size_t index,
                                                  struct dicom_proposed_context *context);

/* Accepts a context with one of its transfer syntaxes: the requestor is SCU, or with `any_role` what it proposes to be
 * (PS3.7 D.3.3.4). Or refuses it: as user, since the peer may not use it, or its abstract syntax. */
CAS_MUST_USE cas_status dicom_association_accept_context(struct dicom_association *association, uint8_t id,
                                                         const char *transfer_syntax, bool any_role,
                                                         struct cas_error *error);
enum dicom_refusal { DICOM_REFUSE_SYNTAX, DICOM_REFUSE_USER };
CAS_MUST_USE cas_status dicom_association_refuse_context(struct dicom_association *association, uint8_t id,
                                                         enum dicom_refusal why, struct cas_error *error);

/* Answers the proposed extended negotiation items of accepted SOP classes as negotiation_answer_extended() says. */
CAS_MUST_USE cas_status dicom_association_answer_extended(struct dicom_association *association,
                                                          struct cas_error *error);

/* A byte of what was answered for a SOP class; 0 where nothing was, or less. */
unsigned dicom_association_extended(const struct dicom_association *association, const char *abstract_syntax,
                                    size_t index);

/* Ends the negotiation: A-ASSOCIATE-AC. */
CAS_MUST_USE cas_status dicom_association_acknowledge(struct dicom_association *association, struct cas_error *error);

/* Ends the negotiation: A-ASSOCIATE-RJ (PS3.8 9.3.4). Only destroy is left then. */
enum dicom_reject { DICOM_REJECT_CALLED_TITLE, DICOM_REJECT_CALLING_TITLE, DICOM_REJECT_LOCAL_LIMIT };
void dicom_association_reject(struct dicom_association *association, enum dicom_reject why);

/* The UIDs of an accepted context; false if `id` is none. */
bool dicom_association_accepted(const struct dicom_association *association, uint8_t id,
                                char abstract_syntax[DICOM_UID_TEXT_MAX], char transfer_syntax[DICOM_UID_TEXT_MAX]);

/* The accepted contexts with this abstract syntax in which the requestor is SCP, for what C-GET brings; returns how
 * many. */
#define DICOM_CONTEXTS_MAX 128u
struct dicom_provided {
  uint8_t id;
  char transfer_syntax[DICOM_UID_TEXT_MAX];
};
size_t dicom_association_provided(const struct dicom_association *association, const char *abstract_syntax,
                                  struct dicom_provided provided[DICOM_CONTEXTS_MAX]);

/* Waits between messages, with no input pending in the stream above, until the peer sends, the time is over (0: no
 * limit), or `stop_fd` (-1: none) becomes readable. */
enum dicom_wait { DICOM_WAIT_READY, DICOM_WAIT_TIMEOUT, DICOM_WAIT_STOP };
enum dicom_wait dicom_association_wait(struct dicom_association *association, unsigned seconds, int stop_fd);

/* Whether the peer has sent something, or closed the connection: a read would not wait. */
bool dicom_association_has_input(struct dicom_association *association);

/* The longest P-DATA-TF PDU that the peer takes; 0: no limit. */
uint32_t dicom_association_peer_pdu_bytes(const struct dicom_association *association);

/* Reads up to `size` bytes, at least one; 0 at the end, negative on failure. A pdu_read_fn, but for its type of
 * `association`. */
ssize_t dicom_association_recv(struct dicom_association *association, void *bytes, size_t size);

/* Whether a read or write failed because the peer was too slow. */
bool dicom_association_timed_out(const struct dicom_association *association);

/* Sends all bytes at once. CAS_IO; CAS_BUSY: the peer does not take them. */
CAS_MUST_USE cas_status dicom_association_send(struct dicom_association *association, struct cas_slice bytes,
                                               struct cas_error *error);

/* Shuts the connection down, so that whatever waits on it fails. The one function that any thread may call, while the
 * association is not destroyed. Only of associations that we requested. */
void dicom_association_interrupt(struct dicom_association *association);

/* Waits a moment for the peer to close the connection, throwing away what it still sends, so that the last PDU sent is
 * not destroyed by a reset. Only destroy is left then. */
void dicom_association_linger(struct dicom_association *association);

/* Closes the connection and frees. NULL is allowed. */
void dicom_association_destroy(struct dicom_association *association);

#ifdef __cplusplus
}
#endif
#endif
