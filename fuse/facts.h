/*
 * Facts: what the extended attributes user.cassette.* say of a path in the view.
 *
 *   all        instances, bytes (of their files)          where one node stands behind the path
 *   study      study_instance_uid, study_date
 *   series     the same, and series_instance_uid, modality
 *   instance   the same, and sop_instance_uid, sop_class_uid, transfer_syntax_uid, version, xxh3_128 (of the whole
 *              file), source, stored_bytes, codec, tier
 *
 * Threads: any.
 */
#ifndef FUSE_FACTS_H
#define FUSE_FACTS_H

#include "fuse/tree.h"

#define FACT_PREFIX "user.cassette."

/* Whether a list of names has this one: what the file itself and its attributes do not tell. Each name in a list costs
 * backup programs a question for each image. */
bool facts_are_listed(const char *name);

/* Receives names (without the prefix) and values; another status than CAS_OK stops and is returned. */
typedef cas_status (*fact_fn)(void *arg, const char *name, const char *value);

/* Calls `each` for every fact that has a value; with `only` not NULL, just for the one of that name. CAS_NOT_FOUND: no
 * such path. */
CAS_MUST_USE cas_status facts_list(const struct tree *tree, const char *path, const char *only, fact_fn each, void *arg,
                                   struct cas_error *error);

#endif
