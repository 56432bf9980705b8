/*
 * The views of a configuration: the sections [view TITLE].
 *
 * Threads: none of this is safe for several threads.
 */
#ifndef CONFIG_VIEWS_H
#define CONFIG_VIEWS_H

#include "config.h"

/* Whether the section is one of these. */
bool config_views_own(const char *section);

/* Sets one key, or, while a file is loaded, refuses one that it has given before. CAS_INVALID: it does not fit. */
CAS_MUST_USE cas_status config_views_set(struct config *config, const char *section, const char *key, const char *value,
                                         bool once, struct cas_error *error);

/* Checks what only the whole can tell, with the defaults filled in: each view has its conditions and a title of its
 * own, and peers may call titles that are there. CAS_INVALID; the detail has the section's line. */
CAS_MUST_USE cas_status config_views_complete(struct config *config, struct cas_error *error);

void config_views_fini(struct config *config);

#endif
