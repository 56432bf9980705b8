/*
 * Owns the socket of one association. Invariants:
 *  1. A read returns bytes in order: those of the buffer before those of the socket.
 *  2. No call blocks longer than the time limit that stands at that moment.
 *  3. After a failed write nothing more is sent.
 */
#include "dicom_transport.h"

#include "dcmtk/dcmnet/dul.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "associate_request.h"

namespace {

/* Holds most association requests whole; grows to ASSOCIATE_REQUEST_BYTES_MAX for those it does not. */
const size_t READ_BUFFER_BYTES = 16384;

/* How long the end of the stream is waited for when we close; a reset would destroy an A-ABORT under way. */
const int64_t CLOSING_NS = 1000000000;

cas_status fail(struct cas_error *error, cas_status status, const char *what, const char *why) {
  if (error != nullptr) {
    error->status = status;
    error->system_errno = 0;
    snprintf(error->message, sizeof error->message, "%s%s", what, why);
  }
  return status;
}

int64_t now_ns() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

int milliseconds(int64_t ns) {
  if (ns <= 0) return 0;
  const int64_t ms = ns / 1000000 + 1;
  return ms > INT_MAX ? INT_MAX : static_cast<int>(ms);
}

void set_option(int fd, int option) {
  const int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, option, &on, sizeof on); // a Unix socket in a test has neither; slower is not wrong
}

} // namespace

BufferedConnection::BufferedConnection(int fd, const struct dicom_timeouts &timeouts, bool *timed_out)
    : DcmTCPConnection(fd), buffer_(READ_BUFFER_BYTES), timed_out_(timed_out),
      message_seconds_(timeouts.message_seconds),
      deadline_ns_(now_ns() + static_cast<int64_t>(timeouts.negotiation_seconds) * 1000000000) {
  set_option(fd, TCP_NODELAY);
  set_option(fd, TCP_QUICKACK);
}

BufferedConnection::~BufferedConnection() {
  tls_session_destroy(tls_); // while the socket is open: the base class closes it
}

void BufferedConnection::close() {
  tls_session_destroy(tls_);
  tls_ = nullptr;
  DcmTCPConnection::close();
}

cas_status BufferedConnection::shake_hands(struct tls_context *context, bool acceptor, struct cas_error *error) {
  const int fd = getSocket();
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return fail(error, CAS_IO, "TLS: the socket", "");
  tls_ = tls_session_create(context, fd, acceptor);
  if (tls_ == nullptr) return fail(error, CAS_NO_MEMORY, "TLS", "");
  for (;;) {
    const int done = tls_session_handshake(tls_, error);
    if (done > 0) return CAS_OK;
    if (done < 0) return CAS_REFUSED;
    const bool over = deadline_ns_ != 0 && now_ns() >= deadline_ns_; // also of a peer that sends a byte now and then
    if (over || !await(tls_session_events(tls_))) {
      *timed_out_ = true;
      return fail(error, CAS_BUSY, "TLS handshake: not within the time limit", "");
    }
  }
}

/* What the socket, or the session above it, has at once. */
ssize_t BufferedConnection::take(void *bytes, size_t size) {
  return tls_ != nullptr ? tls_session_read(tls_, bytes, size) : ::recv(getSocket(), bytes, size, MSG_DONTWAIT);
}

ssize_t BufferedConnection::give(const void *bytes, size_t size) {
  if (tls_ != nullptr) return tls_session_write(tls_, bytes, size);
  return ::send(getSocket(), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void BufferedConnection::negotiated() { deadline_ns_ = 0; }

void BufferedConnection::closing() {
  closing_ = true;
  start_ = end_ = 0;
  deadline_ns_ = now_ns() + CLOSING_NS;
}

/* Waits for the socket within the time limit. */
bool BufferedConnection::await(short events) {
  const int64_t end = deadline_ns_ != 0 ? deadline_ns_ : now_ns() + static_cast<int64_t>(message_seconds_) * 1000000000;
  for (;;) {
    struct pollfd entry = {getSocket(), events, 0};
    const int left = milliseconds(end - now_ns());
    const int ready = left == 0 ? 0 : ::poll(&entry, 1, left);
    if (ready > 0) return true;
    if (ready == 0) {
      *timed_out_ = true;
      errno = ETIMEDOUT;
      return false;
    }
    if (errno != EINTR) return false;
  }
}

/* One recv(), as much as there is. */
ssize_t BufferedConnection::receive(void *bytes, size_t size) {
  for (;;) {
    if (deadline_ns_ != 0 &&
        now_ns() >= deadline_ns_) { // a peer that sends a byte now and then may not negotiate for ever
      *timed_out_ = true;
      errno = ETIMEDOUT;
      return -1;
    }
    const ssize_t got = take(bytes, size);
    if (got >= 0) {
      set_option(getSocket(), TCP_QUICKACK);
      return got;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!await(tls_ != nullptr ? tls_session_events(tls_) : POLLIN)) return -1;
    } else if (errno != EINTR) {
      return -1;
    }
  }
}

/* Receives until `size` bytes are in the buffer, from its start. */
bool BufferedConnection::fill(size_t size) {
  if (buffer_.size() < size) buffer_.resize(size);
  while (end_ < size) {
    const ssize_t got = receive(buffer_.data() + end_, buffer_.size() - end_);
    if (got <= 0) return false;
    end_ += static_cast<size_t>(got);
  }
  return true;
}

cas_status BufferedConnection::await_request(struct cas_error *error) {
  const char *why = nullptr;
  size_t size = 0;
  enum associate_verdict verdict = ASSOCIATE_GOOD;
  bool whole = fill(ASSOCIATE_HEAD_BYTES);
  if (whole) verdict = associate_request_head(buffer_.data(), &size, &why);
  if (whole && verdict == ASSOCIATE_GOOD) {
    whole = fill(size);
    if (whole) verdict = associate_request_check({buffer_.data(), size}, &why);
  }
  if (!whole && *timed_out_) return fail(error, CAS_BUSY, "no complete association request within the time limit", "");
  if (!whole) return fail(error, CAS_IO, "the peer closed the connection before it requested an association", "");
  if (verdict == ASSOCIATE_GOOD) return CAS_OK;
  unsigned char answer[ASSOCIATE_ANSWER_BYTES];
  associate_request_answer(verdict, answer);
  closing();
  if (send_all(answer, sizeof answer) >= 0) (void)read(answer, sizeof answer);
  return fail(error, CAS_REFUSED, "no association request: ", why);
}

ssize_t BufferedConnection::read(void *bytes, size_t size) {
  if (closing_) {
    unsigned char waste[4096];
    while (receive(waste, sizeof waste) > 0) {
    }
    return 0;
  }
  if (!buffered()) {
    if (buffer_.size() > READ_BUFFER_BYTES) std::vector<unsigned char>(READ_BUFFER_BYTES).swap(buffer_);
    if (size >= buffer_.size()) return receive(bytes, size);
    const ssize_t got = receive(buffer_.data(), buffer_.size());
    if (got <= 0) return got;
    start_ = 0;
    end_ = static_cast<size_t>(got);
  }
  const size_t count = size < end_ - start_ ? size : end_ - start_;
  memcpy(bytes, buffer_.data() + start_, count);
  start_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t BufferedConnection::send_all(const unsigned char *bytes, size_t size) {
  size_t sent = 0;
  while (sent < size) {
    const ssize_t count = give(bytes + sent, size - sent);
    if (count >= 0) {
      sent += static_cast<size_t>(count);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!await(tls_ != nullptr ? tls_session_events(tls_) : POLLOUT)) return -1;
    } else if (errno != EINTR) {
      return -1;
    }
  }
  return static_cast<ssize_t>(size);
}

ssize_t BufferedConnection::write(void *bytes, size_t size) {
  const unsigned char *from = static_cast<const unsigned char *>(bytes);
  if (!corked_) return send_all(from, size);
  outgoing_.insert(outgoing_.end(), from, from + size);
  return static_cast<ssize_t>(size);
}

bool BufferedConnection::flush() {
  corked_ = false;
  const bool sent = outgoing_.empty() || send_all(outgoing_.data(), outgoing_.size()) >= 0;
  outgoing_.clear();
  return sent;
}

OFBool BufferedConnection::networkDataAvailable(int seconds) {
  if (buffered() || closing_ || (tls_ != nullptr && tls_session_has_input(tls_))) return OFTrue;
  int64_t end = now_ns() + static_cast<int64_t>(seconds) * 1000000000;
  if (deadline_ns_ != 0 && deadline_ns_ < end) end = deadline_ns_;
  for (;;) {
    struct pollfd entry = {getSocket(), POLLIN, 0};
    const int ready = ::poll(&entry, 1, milliseconds(end - now_ns()));
    if (ready > 0 && (tls_ == nullptr || tls_session_has_input(tls_))) return OFTrue;
    if (ready > 0 && seconds > 0) continue;
    if (ready >= 0 || errno != EINTR) return OFFalse;
  }
}

enum dicom_wait BufferedConnection::wait(unsigned seconds, int stop_fd) {
  const int64_t end = now_ns() + static_cast<int64_t>(seconds) * 1000000000;
  for (;;) {
    struct pollfd entries[] = {{getSocket(), POLLIN, 0}, {stop_fd, POLLIN, 0}};
    const bool waiting = buffered() || (tls_ != nullptr && tls_session_has_input(tls_));
    const int timeout = waiting ? 0 : seconds == 0 ? -1 : milliseconds(end - now_ns());
    const int ready = ::poll(entries, 2, timeout);
    if (ready > 0 && entries[1].revents != 0) return DICOM_WAIT_STOP;
    if (waiting || (ready > 0 && (tls_ == nullptr || tls_session_has_input(tls_)))) return DICOM_WAIT_READY;
    if (ready > 0) continue; // a part of a record, or none of the association's
    if (ready == 0) return DICOM_WAIT_TIMEOUT;
    if (errno != EINTR) return DICOM_WAIT_READY; // the read that follows reports it
  }
}

void HandoverLayer::begin(Handover *handover) {
  pthread_mutex_lock(&lock_);
  current_ = handover;
  dcmExternalSocketHandle.set(handover->connection->descriptor());
}

void HandoverLayer::release() {
  dcmExternalSocketHandle.set(DCMNET_INVALID_SOCKET);
  current_ = nullptr;
  pthread_mutex_unlock(&lock_);
}

DcmTransportConnection *HandoverLayer::createConnection(DcmNativeSocketType, OFBool) {
  Handover *handover = current_;
  handover->taken = true;
  release();
  return handover->connection;
}

void HandoverLayer::end(const Handover *handover) {
  if (!handover->taken) release();
}
