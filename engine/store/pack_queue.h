/*
 * Records on their way from a segment to its next generation: in order, while threads encode those whose encoding was
 * put off. What goes in comes out in the same order.
 *
 * Threads: a queue belongs to one thread, beside those that it has itself.
 */
#ifndef STORE_PACK_QUEUE_H
#define STORE_PACK_QUEUE_H

#include "codec/codec.h"
#include "segment/segment.h"

struct packed_record {
  struct record record; /* codec and stored_size as it is to be written */
  uint64_t group;
  bool is_commit; /* nothing else: the end of a group */
  bool was_packed;
  struct cas_slice payload;
  uint32_t version; /* the owner's, as `uid` */
  const char *uid;
};

typedef cas_status (*pack_queue_fn)(void *arg, const struct packed_record *record);

struct pack_queue;

/* `background`: the threads give way to others. `out` is called by the thread that puts. */
CAS_MUST_USE cas_status pack_queue_create(struct codec *codec, unsigned threads, bool background, pack_queue_fn out,
                                          void *arg, struct pack_queue **queue, struct cas_error *error);

/* Ends the threads; what is in the queue is lost. NULL is allowed. */
void pack_queue_destroy(struct pack_queue *queue);

/* Copies the record, with its payload and `uid`, and writes those out that are ready and first. Stops with the status
 * of `out`. */
CAS_MUST_USE cas_status pack_queue_put(struct pack_queue *queue, const struct packed_record *record);

/* Writes all out that is in the queue. */
CAS_MUST_USE cas_status pack_queue_finish(struct pack_queue *queue);

#endif
