/*
 * A bounded queue of pointers between threads. Putting waits while it is full (P6).
 *
 * Threads: any.
 */
#ifndef CLI_QUEUE_H
#define CLI_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct cli_queue;

/* NULL without memory. */
struct cli_queue *cli_queue_create(size_t capacity);
/* Nobody may use it any more; what is still in it is not freed. NULL is allowed. */
void cli_queue_destroy(struct cli_queue *queue);

/* Waits for room. False when the queue is closed: the item stays the caller's. */
bool cli_queue_put(struct cli_queue *queue, void *item);

/* Waits for an item. NULL when the queue is closed and empty. */
void *cli_queue_get(struct cli_queue *queue);

/* As get, but waits at most so long; NULL then too. */
void *cli_queue_get_within(struct cli_queue *queue, double seconds);

/* No more is put; what is in it can be got. */
void cli_queue_close(struct cli_queue *queue);

#endif
