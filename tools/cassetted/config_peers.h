/*
 * The peers of a configuration: section [peers] and the sections [peer TITLE].
 *
 * Threads: none of this is safe for several threads.
 */
#ifndef CONFIG_PEERS_H
#define CONFIG_PEERS_H

#include "config.h"

/* Whether the section is one of these. */
bool config_peers_own(const char *section);

/* Sets one key, or, while a file is loaded, refuses one that it has given before. CAS_INVALID: it does not fit. */
CAS_MUST_USE cas_status config_peers_set(struct config *config, const char *section, const char *key, const char *value,
                                         bool once, struct cas_error *error);

/* Checks what only the whole can tell. CAS_INVALID; the detail has the section's line. */
CAS_MUST_USE cas_status config_peers_complete(struct config *config, struct cas_error *error);

#endif
