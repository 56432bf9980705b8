/*
 * Owns one C-MOVE: the lanes that send (move_lane.h), and the conversation with the peer that asked. States:
 *
 *   moving -> ending (all sent, cancelled, stopping, or the peer went away) -> answered
 *
 * Invariants:
 *  1. While lanes send, this thread alone reads from and writes to the peer that asked.
 *  2. The final response goes out at most MOVE_GRACE_MS after the end began, whatever the destination does.
 */
#include "move_scp.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "move_lane.h"

/* For the object under way and the destination's goodbye. */
#define MOVE_GRACE_MS 2000

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool lanes_run(struct move *move) {
  pthread_mutex_lock(&move->lock);
  const bool run = move->running > 0;
  pthread_mutex_unlock(&move->lock);
  return run;
}

static void drain(const struct move *move) {
  uint64_t count;
  (void)!read(move->progress_fd, &count, sizeof count);
}

/* Readable when a lane got on, or the node stops; for dicom_association_wait(), which takes one. Negative: errno. */
static int watch(const struct move *move) {
  const int watched[] = {move->progress_fd, move->retrieve->session->node->stop_fd};
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  for (size_t i = 0; fd >= 0 && i < sizeof watched / sizeof watched[0]; i++) {
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(fd, EPOLL_CTL_ADD, watched[i], &event) == 0) continue;
    close(fd);
    return -1;
  }
  return fd;
}

/* Answers the peer's C-CANCEL and tells it of each sub-operation, while the lanes send. */
static void accompany(struct move *move, int watch_fd) {
  struct retrieve *retrieve = move->retrieve;
  struct session *session = retrieve->session;
  size_t told = 0;
  while (retrieve_goes_on(retrieve) && lanes_run(move)) {
    const size_t done = retrieve_done(retrieve);
    if (done == retrieve->selection.count) return;
    if (done != told) retrieve_pending(retrieve, true);
    told = done;
    if (retrieve->ended != PDU_FRAGMENT) return;
    if (!pdu_stream_has_input(&session->stream) &&
        dicom_association_wait(session->association, 0, watch_fd) == DICOM_WAIT_STOP)
      drain(move);
  }
}

/* Lets lanes finish what they have under way, and cuts them off when the time is over. */
static void end_lanes(struct move *move, struct move_lane *lanes, unsigned count) {
  const int64_t end = now_ms() + MOVE_GRACE_MS;
  pthread_mutex_lock(&move->lock);
  move->stop = true;
  pthread_mutex_unlock(&move->lock);
  for (int64_t left = MOVE_GRACE_MS; lanes_run(move) && left > 0; left = end - now_ms()) {
    struct pollfd progress = {.fd = move->progress_fd, .events = POLLIN};
    if (poll(&progress, 1, (int)left) > 0) drain(move);
  }
  pthread_mutex_lock(&move->lock);
  move->closed = true;
  for (unsigned i = 0; i < count; i++) move_lane_cut_off(&lanes[i]);
  pthread_mutex_unlock(&move->lock);
}

static unsigned lanes_wanted(const struct move *move) {
  const size_t count = move->retrieve->selection.count;
  const unsigned own = move->destination->move_associations;
  const unsigned wanted = own > 0 ? own : move->retrieve->session->node->options.move_associations;
  return count < wanted ? (unsigned)count : wanted;
}

static enum pdu_event run_lanes(struct move *move, int watch_fd) {
  struct move_lane *lanes = calloc(PEER_MOVE_ASSOCIATIONS_MAX, sizeof *lanes);
  const unsigned wanted = lanes != NULL ? lanes_wanted(move) : 0;
  unsigned started = 0;
  while (started < wanted && move_lane_start(&lanes[started], move)) started++;
  const bool none = started == 0 && move->retrieve->selection.count > 0;
  if (!none) {
    accompany(move, watch_fd);
    end_lanes(move, lanes, started);
  }
  const enum pdu_event event =
      none ? retrieve_refuse(move->retrieve, DIMSE_OUT_OF_RESOURCES, "no thread") : retrieve_finish(move->retrieve);
  for (unsigned i = 0; i < started; i++) move_lane_join(&lanes[i]);
  free(lanes);
  return event;
}

static enum pdu_event move_all(struct retrieve *retrieve, const struct dicom_peer *destination) {
  struct move move = {.retrieve = retrieve, .destination = destination};
  move.progress_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const int watch_fd = move.progress_fd >= 0 ? watch(&move) : -1;
  pthread_mutex_init(&move.lock, NULL);
  const enum pdu_event event = watch_fd >= 0
                                   ? run_lanes(&move, watch_fd)
                                   : retrieve_refuse(retrieve, DIMSE_OUT_OF_RESOURCES, "no descriptor is free");
  pthread_mutex_destroy(&move.lock);
  if (watch_fd >= 0) close(watch_fd);
  if (move.progress_fd >= 0) close(move.progress_fd);
  return event;
}

enum pdu_event move_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                              struct cas_error *error) {
  enum pdu_event event;
  struct retrieve *retrieve = retrieve_create(session, context_id, request, "C-MOVE", error, &event);
  if (retrieve == NULL) return event;
  const struct dicom_server_options *options = &session->node->options;
  const struct dicom_peer *destination = peer_find(options->peers, options->peer_count, request->move_destination);
  if (destination == NULL) {
    session_log(session, CAS_LOG_WARNING, "%s: C-MOVE refused: the destination %s is not among the peers",
                session->source, request->move_destination);
    event = retrieve_refuse(retrieve, DIMSE_MOVE_DESTINATION_UNKNOWN, "the move destination is not configured");
  } else {
    retrieve->destination = destination;
    event = retrieve_select(retrieve, MOVE_PATIENT_ROOT_UID) ? move_all(retrieve, destination) : retrieve->ended;
  }
  retrieve_destroy(retrieve);
  return event;
}
