/*
 * One association with the destination of a C-MOVE, in a thread of its own: takes one instance after the other from the
 * move's list and sends it.
 *
 * Threads: start, stop and join belong to the thread that serves the C-MOVE.
 * Source: PS3.4 C.4.2, PS3.7 9.1.1 (Move Originator).
 */
#ifndef MOVE_LANE_H
#define MOVE_LANE_H

#include "requestor.h"
#include "retrieve.h"

/* What the lanes of one C-MOVE share. */
struct move {
  struct retrieve *retrieve;
  const struct dicom_peer *destination;
  int progress_fd; /* an eventfd, written after each sub-operation and by the last act of each lane */
  pthread_mutex_t lock;
  size_t next;      /* instances that were given to lanes; guarded by the lock, as all that follows */
  unsigned running; /* lanes */
  bool stop;        /* give out no more */
  bool closed;      /* lanes are cut off */
};

struct move_lane {
  struct move *move;
  pthread_t thread;
  struct requestor *requestor;      /* NULL while there is none; written under the move's lock */
  const struct retrieve_item *item; /* under way and not accounted for; likewise */
  struct store_proposal proposal;
  bool fallbacks;             /* the destination has refused a kind that can be transcoded */
  struct store_object object; /* the one under way */
  unsigned losses;            /* associations that did not come about, or were lost */
  struct cas_error reason;    /* of the last loss */
};

/* Starts the thread. False: there is none to be had. */
bool move_lane_start(struct move_lane *lane, struct move *move);

/* Counts what a lane has under way as failed, and makes its association fail at once. The move's lock is held. */
void move_lane_cut_off(struct move_lane *lane);

/* Waits for the thread's end. */
void move_lane_join(struct move_lane *lane);

#endif
