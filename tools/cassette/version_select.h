/*
 * Which versions of instances a command means: those that the tree shows, or, of every instance that WHAT means, one by
 * its number, or all that are kept: also what is hidden, or was replaced by a correction, but not what was deleted.
 */
#ifndef VERSION_SELECT_H
#define VERSION_SELECT_H

#include "cassette/node.h"
#include "cli.h"

#define VERSION_SHOWN 0u
#define VERSION_ALL UINT32_MAX

/* Reads the number of --version, or with `may_be_all` the word all; else says what is wrong and returns false. */
bool version_read(struct cli_arguments *arguments, bool may_be_all, uint32_t *version);

/* Opens the view in which these versions are to be had and read: `store` itself for VERSION_SHOWN. */
CAS_MUST_USE cas_status version_view_open(struct cas_store *store, uint32_t version, struct cas_store **view);
void version_view_close(struct cas_store *store, struct cas_store *view); /* NULL is allowed */

/* Called with the SOP Instance UID of an instance that has not this version. */
typedef void (*version_missing_fn)(void *arg, const char *uid);

/* As cas_select() in such a view, with NULL for all that there is. A version that WHAT does not mean by itself, as it
 * was of another patient, is meant by any other of its instance. Each node comes once. */
CAS_MUST_USE cas_status version_select(struct cas_store *view, const char *what, uint32_t version, cas_node_fn each,
                                       version_missing_fn missing, void *arg, struct cas_error *error);

#endif
