/*
 * The transport connection under an association: DCMTK's TCP connection with buffered reads, acknowledgements at once,
 * whole-PDU writes and time limits. C++, private to the shim.
 *
 * Why each: DCMTK reads a PDU's head and body apart (two system calls a PDU). It writes a PDU in two pieces, and with
 * Nagle's algorithm on, as it is by default in DCMTK, the second piece waits for the acknowledgement of the first,
 * which the receiver delays by 40 ms: hence TCP_QUICKACK, re-armed after each read since Linux forgets it, and
 * TCP_NODELAY for what we send. And DCMTK reads a PDU's body without a time limit.
 *
 * With TLS a session of OpenSSL lies between buffer and socket, under the same time limits.
 *
 * Threads: one thread at a time.
 */
#ifndef DICOM_TRANSPORT_H
#define DICOM_TRANSPORT_H

#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmnet/dcmlayer.h"
#include "dcmtk/dcmnet/dcmtrans.h"

#include <pthread.h>

#include <vector>

#include "dicom_shim.h"

class BufferedConnection : public DcmTCPConnection {
public:
  /* Sets *timed_out when a read or write failed because the peer was too slow: it outlives the connection, which DCMTK
   * deletes as soon as it meets the end of it. */
  BufferedConnection(int fd, const struct dicom_timeouts &timeouts, bool *timed_out);

  ~BufferedConnection() override;
  void close() override;

  /* Makes it TLS from here on, within the time limit. CAS_REFUSED, CAS_BUSY, CAS_NO_MEMORY. */
  cas_status shake_hands(struct tls_context *context, bool acceptor, struct cas_error *error);
  bool has_certificate(const char *wanted) const { return tls_ != nullptr && tls_session_matches(tls_, wanted); }

  /* Reads the whole A-ASSOCIATE-RQ ahead and checks it, so that DCMTK's parser meets only what is well formed. A
   * malformed one is answered here. CAS_REFUSED, CAS_IO, CAS_BUSY as dicom_association_receive(). */
  cas_status await_request(struct cas_error *error);

  int descriptor() { return getSocket(); }

  ssize_t read(void *bytes, size_t size) override;
  ssize_t write(void *bytes, size_t size) override;
  OFBool networkDataAvailable(int seconds) override;
  OFBool isTransparentConnection() override { return OFFalse; } // bytes may wait in our buffer, where poll() sees none

  /* The negotiation is over: from now on the limit is on silence, not on the whole. */
  void negotiated();

  /* Gathers what is written from now on, until flush() sends it in one piece. */
  void cork() { corked_ = true; }
  bool flush();

  /* What is read from now on is thrown away; the end of the stream is reported at once, or after a short wait for it.
   */
  void closing();

  enum dicom_wait wait(unsigned seconds, int stop_fd);

private:
  BufferedConnection(const BufferedConnection &) = delete;
  BufferedConnection &operator=(const BufferedConnection &) = delete;

  bool await(short events);
  ssize_t take(void *bytes, size_t size);
  ssize_t give(const void *bytes, size_t size);
  bool buffered() const { return start_ < end_; }
  ssize_t receive(void *bytes, size_t size);
  bool fill(size_t size);
  ssize_t send_all(const unsigned char *bytes, size_t size);

  struct tls_session *tls_ = nullptr; // ours
  std::vector<unsigned char> buffer_; // [start_, end_) was received and not yet read
  size_t start_ = 0, end_ = 0;
  std::vector<unsigned char> outgoing_;
  bool corked_ = false, closing_ = false;
  bool *timed_out_;
  unsigned message_seconds_;
  int64_t deadline_ns_; // of the negotiation; 0 once it is over
};

/* A connection on its way into DCMTK. */
struct Handover {
  BufferedConnection *connection;
  bool taken; // DCMTK owns the connection
};

/*
 * Makes the connections. DCMTK takes a socket that is already connected from a global variable, and calls
 * createConnection() as soon as it has it, before it reads a byte; so the lock is held for microseconds, not while the
 * peer makes up its mind.
 */
class HandoverLayer : public DcmTransportLayer {
public:
  DcmTransportConnection *createConnection(DcmNativeSocketType fd, OFBool secure) override;

  /* Between begin() and createConnection() or end(), in one thread, the next association received takes
   * handover->connection. */
  void begin(Handover *handover);
  void end(const Handover *handover);

private:
  void release();

  pthread_mutex_t lock_ =
      PTHREAD_MUTEX_INITIALIZER; // guards current_ and dcmExternalSocketHandle; held while current_ is set
  Handover *current_ = nullptr;
};

#endif
