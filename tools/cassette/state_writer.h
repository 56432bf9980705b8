/*
 * Changing the states of instances from the command line: through the daemon that holds the store, or, where none does,
 * by opening the store for writing for a moment.
 *
 * Threads: any.
 */
#ifndef STATE_WRITER_H
#define STATE_WRITER_H

#include "cassette/state.h"

/* As cas_store_change(), by the user of this process, whatever `who` says. CAS_BUSY: another kind of process holds the
 * store. */
CAS_MUST_USE cas_status state_writer_change(const char *store_path, const struct cas_change *change, uint64_t *changed,
                                            struct cas_error *error);

#endif
