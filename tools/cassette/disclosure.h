/*
 * What leaves the store past the daemon, told to it for its audit trail. Where no daemon answers, nobody is told; where
 * one cannot be told, that is said, and holds up nothing.
 *
 * Threads: one at a time.
 */
#ifndef DISCLOSURE_H
#define DISCLOSURE_H

#include "control/control_client.h"

/* Told at once: what a killed command has not told. */
#define DISCLOSURE_MAX 256u

/* Set the first two, and zero the rest. */
struct disclosure {
  const char *store_path;
  const char *how; /* the command */
  char uids[DISCLOSURE_MAX][CAS_UID_TEXT_MAX];
  size_t count;
  bool has_failed;
};

/* An instance left. */
void disclosure_add(struct disclosure *disclosure, const char *uid);

/* Tells what is left to tell. */
void disclosure_end(struct disclosure *disclosure);

/* The store was mounted at a folder, or is no longer. */
void disclosure_mount(const char *store_path, enum control_access_kind kind, const char *folder);

#endif
