/*
 * Interruption by SIGINT, SIGTERM or SIGHUP as a question that is asked now and then, instead of a handler: the signals
 * are blocked and read from a descriptor. After the first one was noticed, the second ends the process at once.
 *
 * Threads: open before any thread is started, so that all of them block the signals. cli_interrupted() belongs to the
 * thread that opened; any thread may wait on `event`.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

struct cli_interrupt {
  int signals; /* a signalfd; -1: the signals act as ever */
  int event;   /* an eventfd, readable once an interruption was noticed; -1 without */
};

void cli_interrupt_open(struct cli_interrupt *interrupt);

/* Whether a signal has come. */
bool cli_interrupted(struct cli_interrupt *interrupt);

#endif
