/*
 * Which series folder the objects lay in that came last. One whose patient, study and series attributes are all the
 * same lies there, too, and tells its folders nothing that they do not know; so only their sums change.
 *
 * Caveat: it must be forgotten whenever folders may have become others: when a batch is not applied, and when a
 * correction gives a folder another name or other values.
 *
 * Threads: one at a time.
 */
#ifndef STORE_PLACEMENT_MEMO_H
#define STORE_PLACEMENT_MEMO_H

#include "cassette/attributes.h"

/* Longest path: four names and three slashes. */
#define PLACEMENT_PATH_MAX (4 * 256)

struct placement_memo;

/* Memory is bounded by PLACEMENT_MEMO_ENTRIES and PLACEMENT_MEMO_KEY_BYTES_MAX. */
CAS_MUST_USE cas_status placement_memo_create(struct placement_memo **memo);
void placement_memo_destroy(struct placement_memo *memo); /* NULL is allowed */

void placement_memo_forget(struct placement_memo *memo);

/* The path of the series folder, valid until the next call; NULL: not known. */
const char *placement_memo_find(struct placement_memo *memo, const struct cas_attributes *attributes);

/* Keeps the path for the attributes that were asked for last. */
void placement_memo_keep(struct placement_memo *memo, const char *path);

#endif
