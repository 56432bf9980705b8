/*
 * Interruption as a question.
 */
#include "cli_interrupt.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void fill(sigset_t *signals) {
  sigemptyset(signals);
  sigaddset(signals, SIGINT);
  sigaddset(signals, SIGTERM);
  sigaddset(signals, SIGHUP);
}

void cli_interrupt_open(struct cli_interrupt *interrupt) {
  sigset_t signals;
  fill(&signals);
  interrupt->signals = -1;
  interrupt->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (interrupt->event < 0) return;
  interrupt->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (interrupt->signals >= 0) pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static bool readable(int descriptor) {
  struct pollfd wait = {.fd = descriptor, .events = POLLIN};
  return descriptor >= 0 && poll(&wait, 1, 0) > 0;
}

bool cli_interrupted(struct cli_interrupt *interrupt) {
  if (readable(interrupt->event)) return true;
  struct signalfd_siginfo signal;
  if (interrupt->signals < 0 || read(interrupt->signals, &signal, sizeof signal) != sizeof signal) return false;
  sigset_t signals;
  fill(&signals);
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
  return write(interrupt->event, &(uint64_t){1}, sizeof(uint64_t)) == sizeof(uint64_t);
}
