/*
 * Owns DCMTK's network and association structures. Invariants:
 *  1. No exception and no C++ type crosses the functions of dicom_shim.h.
 *  2. No pointer to the transport connection is kept: DCMTK deletes it when it meets the end of the connection.
 */
#include "dicom_shim_private.h"

#include "dcmtk/dcmdata/dcuid.h"
#include "dcmtk/dcmnet/cond.h"
#include "dcmtk/oflog/oflog.h"
#include "dcmtk/oflog/spi/logevent.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include <sys/socket.h>
#include <unistd.h>

struct dicom_network {
  T_ASC_Network *network;
  HandoverLayer layer;
  uint32_t pdu_bytes_max;
};

namespace {

/* Passes DCMTK's warnings and errors to our log. */
class LogAppender : public dcmtk::log4cplus::Appender {
public:
  LogAppender(cas_log_fn log, void *arg) : log_(log), arg_(arg) {}
  ~LogAppender() override { destructorImpl(); }
  void close() override { closed = true; }

protected:
  void append(const dcmtk::log4cplus::spi::InternalLoggingEvent &event) override {
    char line[256];
    snprintf(line, sizeof line, "dcmtk: %s", event.getMessage().c_str());
    for (char *c = line; *c != '\0'; c++) {
      if (static_cast<unsigned char>(*c) < ' ' || *c == 0x7F) *c = ' ';
    }
    if (log_ != nullptr) log_(arg_, CAS_LOG_WARNING, line);
  }

private:
  cas_log_fn log_;
  void *arg_;
};

void route_log(cas_log_fn log, void *arg) {
  OFLog::configure(OFLogger::WARN_LOG_LEVEL);
  dcmtk::log4cplus::Logger root = dcmtk::log4cplus::Logger::getRoot();
  root.removeAllAppenders();
  if (log != nullptr) root.addAppender(dcmtk::log4cplus::SharedAppenderPtr(new LogAppender(log, arg)));
}

/* As in the meta headers that the engine writes (PS3.7 D.3.3.2). */
const char IMPLEMENTATION_CLASS_UID[] = "2.25.275522197922656192311366975484983416817";

/* NULL once the connection is gone. */
BufferedConnection *connection_of(const struct dicom_association *association) {
  if (association->requested != nullptr) return association->requested;
  const T_ASC_Association *asc = association->association;
  if (asc == nullptr || asc->DULassociation == nullptr) return nullptr;
  return static_cast<BufferedConnection *>(DUL_getTransportConnection(asc->DULassociation));
}

void cork(const struct dicom_association *association) {
  BufferedConnection *connection = connection_of(association);
  if (connection != nullptr) connection->cork();
}

bool flush(const struct dicom_association *association) {
  BufferedConnection *connection = connection_of(association);
  return connection != nullptr && connection->flush();
}

/* Why no association came about. */
cas_status receive_failure(const struct dicom_association *association, const OFCondition &condition,
                           struct cas_error *error) {
  if (condition == DUL_READTIMEOUT || association->timed_out) {
    return shim_fail(error, CAS_BUSY, "no complete association request within the time limit");
  }
  if (condition == DUL_NETWORKCLOSED || condition == DUL_PEERABORTEDASSOCIATION) {
    return shim_fail(error, CAS_IO, "the peer closed the connection before it requested an association");
  }
  return shim_fail(error, CAS_REFUSED, "no association request", condition);
}

/* Makes the connection over `fd`, and has the whole association request in it. */
cas_status await_request(int fd, struct tls_context *tls, const struct dicom_timeouts &timeouts, bool *timed_out,
                         BufferedConnection **connection, struct cas_error *error) {
  BufferedConnection *made = nullptr;
  cas_status status;
  try {
    made = new BufferedConnection(fd, timeouts, timed_out);
    status = tls != nullptr ? made->shake_hands(tls, true, error) : CAS_OK;
    if (status == CAS_OK) status = made->await_request(error);
  } catch (const std::bad_alloc &) {
    if (made == nullptr) close(fd);
    status = shim_fail(error, CAS_NO_MEMORY, "association");
  }
  if (status == CAS_OK) {
    *connection = made;
  } else {
    delete made;
  }
  return status;
}

} // namespace

cas_status dicom_network_create(uint32_t pdu_bytes_max, cas_log_fn log, void *log_arg, struct dicom_network **network,
                                struct cas_error *error) {
  if (pdu_bytes_max < DICOM_PDU_BYTES_MIN || pdu_bytes_max > DICOM_PDU_BYTES_MAX) {
    return shim_fail(error, CAS_INVALID, "the PDU size is out of range");
  }
  route_log(log, log_arg);
  dcmDisableGethostbyaddr.set(OFTrue);
  struct dicom_network *made = new (std::nothrow) dicom_network;
  if (made == nullptr) return shim_fail(error, CAS_NO_MEMORY, "DICOM network");
  made->pdu_bytes_max = pdu_bytes_max;
  made->network = nullptr;
  // A valid descriptor in the global variable keeps DCMTK from opening a listening socket of its own: it would listen
  // on all addresses.
  dcmExternalSocketHandle.set(STDERR_FILENO);
  // The timeout is DCMTK's for the first bytes of a connection; the transport connection has its own, shorter one.
  OFCondition condition = ASC_initializeNetwork(NET_ACCEPTOR, 0, DUL_TIMEOUT, &made->network);
  dcmExternalSocketHandle.set(DCMNET_INVALID_SOCKET);
  if (condition.good()) condition = ASC_setTransportLayer(made->network, &made->layer, 0);
  if (condition.bad()) {
    if (made->network != nullptr) (void)ASC_dropNetwork(&made->network);
    delete made;
    return shim_fail(error, CAS_IO, "DICOM network", condition);
  }
  *network = made;
  return CAS_OK;
}

void dicom_network_destroy(struct dicom_network *network) {
  if (network == nullptr) return;
  (void)ASC_dropNetwork(&network->network);
  delete network;
  dcmtk::log4cplus::Logger::getRoot().removeAllAppenders();
}

enum dicom_uid_kind dicom_uid_kind_of(const char *uid) {
  if (dcmIsaStorageSOPClassUID(uid, ESSC_All)) return DICOM_UID_STORAGE;
  return dcmFindNameOfUID(uid) != nullptr ? DICOM_UID_OTHER : DICOM_UID_UNKNOWN;
}

cas_status dicom_association_receive(struct dicom_network *network, int fd, struct tls_context *tls,
                                     const struct dicom_timeouts *timeouts, struct dicom_association **association,
                                     struct cas_error *error) {
  struct dicom_association *made = new (std::nothrow) dicom_association();
  if (made == nullptr) {
    close(fd);
    return shim_fail(error, CAS_NO_MEMORY, "association");
  }
  BufferedConnection *connection = nullptr;
  const cas_status requested = await_request(fd, tls, *timeouts, &made->timed_out, &connection, error);
  if (requested != CAS_OK) {
    dicom_association_destroy(made);
    return requested;
  }
  Handover handover = {connection, false};
  network->layer.begin(&handover);
  const OFCondition condition =
      ASC_receiveAssociation(network->network, &made->association, static_cast<long>(network->pdu_bytes_max));
  network->layer.end(&handover);
  if (condition.bad()) {
    const cas_status status = receive_failure(made, condition, error);
    dicom_association_destroy(made);
    if (!handover.taken) delete connection;
    return status;
  }
  *association = made;
  return CAS_OK;
}

cas_status dicom_association_adopt(int fd, const struct dicom_timeouts *timeouts,
                                   struct dicom_association **association, struct cas_error *error) {
  struct dicom_association *made = new (std::nothrow) dicom_association();
  if (made != nullptr) {
    made->requested = new (std::nothrow) BufferedConnection(fd, *timeouts, &made->timed_out);
    if (made->requested != nullptr) {
      *association = made;
      return CAS_OK;
    }
  }
  delete made;
  close(fd);
  return shim_fail(error, CAS_NO_MEMORY, "association");
}

cas_status dicom_association_secure(struct dicom_association *association, struct tls_context *tls,
                                    struct cas_error *error) {
  return association->requested->shake_hands(tls, false, error);
}

bool dicom_association_has_certificate(const struct dicom_association *association, const char *wanted) {
  const BufferedConnection *connection = connection_of(association);
  return connection != nullptr && connection->has_certificate(wanted);
}

void dicom_association_adopted(struct dicom_association *association) { association->requested->negotiated(); }

const char *dicom_association_calling(const struct dicom_association *association) {
  return association->association->params->DULparams.callingAPTitle;
}

const char *dicom_association_called(const struct dicom_association *association) {
  return association->association->params->DULparams.calledAPTitle;
}

cas_status dicom_association_acknowledge(struct dicom_association *association, struct cas_error *error) {
  T_ASC_Parameters *params = association->association->params;
  snprintf(params->ourImplementationClassUID, sizeof params->ourImplementationClassUID, "%s", IMPLEMENTATION_CLASS_UID);
  snprintf(params->ourImplementationVersionName, sizeof params->ourImplementationVersionName, "CASSETTE_%.7s",
           cas_version());
  cork(association);
  const OFCondition condition = ASC_acknowledgeAssociation(association->association);
  const bool sent = flush(association);
  if (condition.bad()) return shim_fail(error, CAS_IO, "acknowledging the association", condition);
  if (!sent) return shim_fail(error, CAS_IO, "acknowledging the association: the peer does not take it");
  connection_of(association)->negotiated();
  return CAS_OK;
}

void dicom_association_reject(struct dicom_association *association, enum dicom_reject why) {
  const T_ASC_RejectParameters called = {ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER,
                                         ASC_REASON_SU_CALLEDAETITLENOTRECOGNIZED};
  const T_ASC_RejectParameters calling = {ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER,
                                          ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED};
  const T_ASC_RejectParameters limit = {ASC_RESULT_REJECTEDTRANSIENT, ASC_SOURCE_SERVICEPROVIDER_PRESENTATION_RELATED,
                                        ASC_REASON_SP_PRES_LOCALLIMITEXCEEDED};
  const T_ASC_RejectParameters *parameters = why == DICOM_REJECT_CALLED_TITLE    ? &called
                                             : why == DICOM_REJECT_CALLING_TITLE ? &calling
                                                                                 : &limit;
  (void)ASC_rejectAssociation(association->association, parameters);
  BufferedConnection *connection = connection_of(association);
  if (connection == nullptr) return;
  connection->closing();
  char nothing;
  (void)connection->read(&nothing, 1);
}

enum dicom_wait dicom_association_wait(struct dicom_association *association, unsigned seconds, int stop_fd) {
  BufferedConnection *connection = connection_of(association);
  return connection != nullptr ? connection->wait(seconds, stop_fd) : DICOM_WAIT_READY; // the read reports it
}

bool dicom_association_has_input(struct dicom_association *association) {
  BufferedConnection *connection = connection_of(association);
  return connection == nullptr || connection->networkDataAvailable(0);
}

uint32_t dicom_association_peer_pdu_bytes(const struct dicom_association *association) {
  const unsigned long bytes = association->association->params->DULparams.peerMaxPDU;
  return bytes > UINT32_MAX ? 0 : static_cast<uint32_t>(bytes);
}

ssize_t dicom_association_recv(struct dicom_association *association, void *bytes, size_t size) {
  BufferedConnection *connection = connection_of(association);
  return connection != nullptr ? connection->read(bytes, size) : -1;
}

bool dicom_association_timed_out(const struct dicom_association *association) { return association->timed_out; }

cas_status dicom_association_send(struct dicom_association *association, struct cas_slice bytes,
                                  struct cas_error *error) {
  BufferedConnection *connection = connection_of(association);
  if (connection != nullptr && connection->write(const_cast<uint8_t *>(bytes.data), bytes.size) >= 0) return CAS_OK;
  if (association->timed_out) return shim_fail(error, CAS_BUSY, "the peer does not take what is sent");
  return shim_fail(error, CAS_IO, "the connection was lost");
}

void dicom_association_interrupt(struct dicom_association *association) {
  (void)shutdown(association->requested->descriptor(), SHUT_RDWR);
}

void dicom_association_linger(struct dicom_association *association) {
  BufferedConnection *connection = connection_of(association);
  if (connection == nullptr) return;
  connection->closing();
  char nothing;
  (void)connection->read(&nothing, 1);
}

void dicom_association_destroy(struct dicom_association *association) {
  if (association == nullptr) return;
  if (association->requested != nullptr) {
    association->requested->close();
    delete association->requested;
  }
  if (association->association != nullptr) {
    if (association->association->DULassociation != nullptr) (void)ASC_dropAssociation(association->association);
    (void)ASC_destroyAssociation(&association->association);
  }
  delete association;
}
