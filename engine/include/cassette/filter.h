/*
 * Filters: views of a store that show only the series which meet conditions, and of instances, studies and patients
 * what lies below and above such series. What a view does not show is not there for any function that reads nodes,
 * instances and headers (node.h, reader.h), and counts in no sum.
 *
 * Caveats
 *  - A view shows nothing that the store does not: where the newest version of a SOP instance lies in a series that is
 *    not shown, the older ones are no current versions in the view either.
 *  - Attributes of a patient and a study are those that the whole store has of them.
 *
 * Threads: any; one filter serves any number of views.
 */
#ifndef CASSETTE_FILTER_H
#define CASSETTE_FILTER_H

#include "cassette/node.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CAS_FILTER_CONDITIONS_MAX 16

struct cas_filter;

/* Of conditions on attributes of patients, studies and series that can be searched (cas_search_attribute_by_tag), all
 * of which must be met; what is gathered of a study is gathered from all of its series. The patterns are copied.
 * CAS_INVALID: there are too many, a pattern is no value of its VR, or an attribute is one of instances or of their
 * headers. */
CAS_API CAS_MUST_USE cas_status cas_filter_create(const struct cas_condition *conditions, size_t count,
                                                  struct cas_filter **filter, struct cas_error *error);
CAS_API void cas_filter_destroy(struct cas_filter *filter); /* NULL is allowed */

/* Opens a view of the store, or of another view without a filter, which `filter` outlives. Close it with
 * cas_snapshot_close(), before `store`. CAS_INVALID: `store` is such a view already; CAS_NO_MEMORY. Cheap; reading is
 * slower than in the store, since folders are summed up from what is shown of them. */
CAS_API CAS_MUST_USE cas_status cas_filter_open(struct cas_store *store, const struct cas_filter *filter,
                                                struct cas_store **view);

#ifdef __cplusplus
}
#endif
#endif
