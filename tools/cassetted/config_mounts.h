/*
 * The mounts of a configuration: section [mount] and the sections [mount NAME].
 *
 * Threads: none of this is safe for several threads.
 */
#ifndef CONFIG_MOUNTS_H
#define CONFIG_MOUNTS_H

#include "config.h"
#include "mount_options.h"

/* The name is only there to tell them apart; that of [mount] is "". */
#define MOUNT_NAME_MAX 64

struct config_mount {
  char name[MOUNT_NAME_MAX + 1];
  char *folder;
  struct mount_settings settings; /* without a user, and its mountpoint is `folder` */
  struct config_mark mark;
};

/* Whether the section is one of these. */
bool config_mounts_own(const char *section);

/* Sets one key, or, while a file is loaded, refuses one that it has given before. CAS_INVALID: it does not fit. */
CAS_MUST_USE cas_status config_mounts_set(struct config *config, const char *section, const char *key,
                                          const char *value, bool once, struct cas_error *error);

/* Checks what only the whole can tell. CAS_INVALID; the detail has the section's line. */
CAS_MUST_USE cas_status config_mounts_complete(struct config *config, struct cas_error *error);

void config_mounts_fini(struct config *config);

#endif
