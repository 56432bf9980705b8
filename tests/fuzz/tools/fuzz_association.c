/*
 * Anything that a peer sends over an association: a connection to the real server over a real store, behind a proposal
 * with contexts for every service. C-MOVE and reports of storage commitment come back to the same server.
 *
 * What must hold: every answer is well formed, whatever was asked; what was acknowledged is in the store; a line of the
 * log is one line.
 *
 * The first byte says who calls, and whether it wants relational queries. Records follow: a byte, of whose lower bits
 * 0 is a command set, 1 a part of a data set, 2 its last part, 3 bytes as they are, and whose upper six are the index
 * of the presentation context; two bytes of length, the lower first; the body. So an input need not get the lengths of
 * PDUs right to reach what lies behind, but can get them wrong.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "../fuzz_child.h"
#include "../fuzz_store.h"
#include "association_proposal.h"
#include "cassette/state.h"
#include "dicom_server.h"
#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Objects pile up: after so many inputs the store is made anew. */
#define INPUTS_PER_STORE 1000u

/* What is kept of the answers to one input; more is read, and not looked at. */
#define ANSWER_BYTES_MAX (4u << 20)

#define OUR_PDU_BYTES 16384u

static struct dicom_server *server;
static struct audit *audit;
static unsigned inputs;
static struct dicom_peer peers[] = {
    {.aet = "FUZZ", .host = "127.0.0.1", .caller = true, .rights = PEER_EVERYTHING, .address_count = 1},
    {.aet = "WEAK", .host = "127.0.0.1", .caller = true, .rights = PEER_STORE | PEER_FIND, .address_count = 1},
    {.aet = "CASSETTE", .host = "127.0.0.1", .caller = true, .rights = PEER_EVERYTHING, .address_count = 1},
    {.aet = "GONE", .host = "127.0.0.1", .port = 1},
};

/* --- the server --- */

static void stop_server(void) {
  dicom_server_stop(server, 5);
  server = NULL;
  audit_close(audit);
  audit = NULL;
}

static void check_log(void *arg, enum cas_log_level level, const char *line) {
  (void)arg, (void)level;
  for (; *line != '\0'; line++) fuzz_must((unsigned char)*line >= ' ' && *line != 0x7F);
}

/* Its peers have to know its port before it starts. */
static void start_server(void) {
  static int registered;
  struct cas_store *store = fuzz_store();
  char commitments[80], trail[80];
  snprintf(commitments, sizeof commitments, "%s/commitments", fuzz_store_folder);
  snprintf(trail, sizeof trail, "%s/audit", fuzz_store_folder);
  fuzz_must(audit_open(&(struct audit_options){.source = "CASSETTE", .file = trail}, &audit, NULL) == CAS_OK);
  struct dicom_server_options options = {.peers = peers,
                                         .peer_count = sizeof peers / sizeof peers[0],
                                         .commitments = commitments,
                                         .audit = audit,
                                         .negotiation_seconds = 5,
                                         .message_seconds = 5,
                                         .move_associations = 2,
                                         .find_matches_max = 100,
                                         .transcode_mib = 16,
                                         .log = check_log};
  struct cas_error error = {0};
  cas_status status = CAS_BUSY;
  for (unsigned i = 0; status == CAS_BUSY && i < 1000; i++) {
    options.port = (uint16_t)(10000 + ((unsigned)getpid() * 7 + i) % 20000);
    for (size_t j = 0; j < 3; j++) peers[j].port = options.port;
    status = dicom_server_start(store, &options, &server, &error);
  }
  fuzz_must(status == CAS_OK);
  if (!registered) fuzz_must(atexit(stop_server) == 0);
  registered = 1;
}

/* --- what is sent --- */

#define CT "1.2.840.10008.5.1.4.1.1.2"
#define IMPLICIT "1.2.840.10008.1.2"
#define EXPLICIT "1.2.840.10008.1.2.1"
#define ONE(class, syntax)                                                                                             \
  { .abstract_syntax = class, .transfer_syntaxes = {syntax}, .transfer_syntax_count = 1 }

/* Of MR images the peer is the provider: whatever came compressed with that SOP class, C-GET has to transcode. */
static const struct proposal_context contexts[] = {
    ONE("1.2.840.10008.1.1", IMPLICIT),
    ONE(CT, EXPLICIT),
    ONE(CT, IMPLICIT),
    ONE(CT, "1.2.840.10008.1.2.5"),
    ONE(CT, "1.2.840.10008.1.2.4.70"),
    ONE(CT, "1.2.840.10008.1.2.4.80"),
    ONE(CT, "1.2.840.10008.1.2.4.50"),
    ONE(CT, "1.2.840.10008.1.2.1.99"),
    {.abstract_syntax = "1.2.840.10008.5.1.4.1.1.4",
     .transfer_syntaxes = {EXPLICIT},
     .transfer_syntax_count = 1,
     .provider = true},
    ONE("1.2.840.10008.5.1.4.1.1.88.59", EXPLICIT),
    ONE("1.2.840.10008.5.1.4.1.2.1.1", EXPLICIT),
    ONE("1.2.840.10008.5.1.4.1.2.2.1", IMPLICIT),
    ONE("1.2.840.10008.5.1.4.1.2.2.2", IMPLICIT),
    ONE("1.2.840.10008.5.1.4.1.2.2.3", IMPLICIT),
    ONE("1.2.840.10008.1.20.1", IMPLICIT),
    ONE("1.2.840.10008.5.1.4.31", IMPLICIT),
};

static void append(struct cas_buffer *bytes, const uint8_t *data, size_t size) {
  fuzz_must(cas_buffer_append(bytes, (struct cas_slice){.data = data, .size = size}) == CAS_OK);
}

/* One PDU with one value (PS3.8 9.3.5, E.2). */
static void append_value(struct cas_buffer *bytes, unsigned kind, unsigned context, const uint8_t *body, size_t size) {
  static const uint8_t controls[] = {0x03, 0x00, 0x02};
  const size_t value = size + 2, pdu = value + 4;
  const uint8_t head[] = {4,
                          0,
                          (uint8_t)(pdu >> 24),
                          (uint8_t)(pdu >> 16),
                          (uint8_t)(pdu >> 8),
                          (uint8_t)pdu,
                          (uint8_t)(value >> 24),
                          (uint8_t)(value >> 16),
                          (uint8_t)(value >> 8),
                          (uint8_t)value,
                          (uint8_t)(2 * context + 1),
                          controls[kind]};
  append(bytes, head, sizeof head);
  append(bytes, body, size);
}

static void make_stream(const uint8_t *data, size_t size, struct cas_buffer *bytes) {
  static const uint8_t relational = 1;
  const struct proposal proposal = {.calling = (data[0] & 2) != 0 ? "WEAK" : "FUZZ",
                                    .called = "CASSETTE",
                                    .pdu_bytes_max = OUR_PDU_BYTES,
                                    .contexts = contexts,
                                    .context_count = sizeof contexts / sizeof contexts[0],
                                    .extended = {.data = &relational, .size = data[0] & 1}};
  fuzz_must(proposal_encode(&proposal, bytes, NULL) == CAS_OK);
  for (size_t at = 1; at + 3 <= size;) {
    const unsigned kind = data[at] & 3, context = data[at] >> 2;
    size_t body = data[at + 1] | (size_t)data[at + 2] << 8;
    at += 3;
    if (body > size - at) body = size - at;
    if (kind == 3) {
      append(bytes, data + at, body);
    } else {
      append_value(bytes, kind, context, data + at, body);
    }
    at += body;
  }
}

/* --- the conversation --- */

static int connect_to_server(void) {
  const struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(dicom_server_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  fuzz_must(fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
  return fd;
}

/* Reads what is there; 0: the server has ended the association. */
static ssize_t take_answers(int fd, struct cas_buffer *answers) {
  uint8_t part[65536];
  const ssize_t count = recv(fd, part, sizeof part, MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN ? 1 : 0; /* reset: there was more than the server wanted to read */
  if (answers->size + (size_t)count <= ANSWER_BYTES_MAX) append(answers, part, (size_t)count);
  return count;
}

/* Sends all and then nothing more, and reads until the server closes: its last act, so that all is done then. */
static void converse(const struct cas_buffer *bytes, struct cas_buffer *answers) {
  const int fd = connect_to_server();
  size_t sent = 0;
  for (;;) {
    struct pollfd entry = {.fd = fd, .events = (short)(POLLIN | (sent < bytes->size ? POLLOUT : 0))};
    if (poll(&entry, 1, -1) <= 0) continue; /* libFuzzer's timer */
    if (sent < bytes->size && (entry.revents & POLLOUT) != 0) {
      const ssize_t count = send(fd, bytes->data + sent, bytes->size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      sent = count >= 0 ? sent + (size_t)count : errno == EAGAIN ? sent : bytes->size;
      if (sent == bytes->size) shutdown(fd, SHUT_WR);
    }
    if ((entry.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && take_answers(fd, answers) == 0) break;
  }
  close(fd);
}

/* --- the answers --- */

static ssize_t read_answers(void *arg, void *bytes, size_t size) {
  struct cas_slice *left = arg;
  const size_t count = left->size < size ? left->size : size;
  if (count > 0) memcpy(bytes, left->data, count);
  *left = (struct cas_slice){.data = left->data + count, .size = left->size - count};
  return (ssize_t)count;
}

/* Our side of a stream does not expect the answer to a release, which can only be the last one. */
static void cut_release(struct cas_slice *answers) {
  if (answers->size < PDU_SHORT_BYTES) return;
  const uint8_t *last = answers->data + answers->size - PDU_SHORT_BYTES;
  if (memcmp(last, pdu_release_response, PDU_SHORT_BYTES) == 0) answers->size -= PDU_SHORT_BYTES;
}

static cas_status found(void *arg, const struct cas_node *node) {
  (void)node;
  *(int *)arg = 1;
  return CAS_END;
}

/* A rejection note may have hidden it since. */
static void check_stored(const char *uid) {
  struct cas_store *view;
  int is_there = 0;
  fuzz_must(cas_view_open(fuzz_store(), UINT32_MAX, &view) == CAS_OK);
  const cas_status status = cas_node_by_uid(view, CAS_LEVEL_INSTANCE, uid, found, &is_there, NULL);
  fuzz_must(status == CAS_END && is_there);
  cas_snapshot_close(view);
}

static void check_answers(const struct cas_buffer *answers) {
  struct cas_slice left = {.data = answers->data, .size = answers->size};
  struct cas_buffer bytes = {0};
  struct cas_error error = {0};
  struct pdu_stream stream;
  struct dimse_command command;
  enum pdu_event event;
  uint8_t context;
  bool whole;
  if (left.size < 6) return;
  const size_t accepted = proposal_answer_size(left.data);
  fuzz_must(left.data[0] == 2 && accepted > 0);
  if (accepted > left.size) return;
  left = (struct cas_slice){.data = left.data + accepted, .size = left.size - accepted};
  cut_release(&left);
  fuzz_must(pdu_stream_init(&stream, OUR_PDU_BYTES, read_answers, &left) == CAS_OK);
  while ((event = message_read_command(&stream, &bytes, &context, &command, &error)) == PDU_FRAGMENT) {
    if (command.field == (DIMSE_C_STORE_RQ | DIMSE_RESPONSE_BIT) && command.status == DIMSE_SUCCESS)
      check_stored(command.sop_instance_uid);
    if (!command.has_data_set) continue;
    event = message_read_data_set(&stream, context, ANSWER_BYTES_MAX, &bytes, &whole, &error);
    if (event != PDU_FRAGMENT) break;
  }
  fuzz_must(event != PDU_PROTOCOL);
  pdu_stream_fini(&stream);
  cas_buffer_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct cas_buffer bytes = {0}, answers = {0};
  if (size == 0) return 0;
  if (inputs++ % INPUTS_PER_STORE == 0 && server != NULL) {
    stop_server();
    fuzz_store_remove();
  }
  if (server == NULL) start_server();
  make_stream(data, size, &bytes);
  converse(&bytes, &answers);
  check_answers(&answers);
  cas_buffer_fini(&bytes);
  cas_buffer_fini(&answers);
  return 0;
}
