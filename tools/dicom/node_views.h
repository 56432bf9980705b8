/*
 * The node's views: an open store handle for each, which is all that its associations read from (cassette/filter.h).
 *
 * Threads: open and close belong to one thread; the others from any in between.
 */
#ifndef NODE_VIEWS_H
#define NODE_VIEWS_H

#include "association.h"

/* Opens options.views. CAS_NO_MEMORY; then what is open is left to node_views_close(). */
CAS_MUST_USE cas_status node_views_open(struct dicom_node *node);
void node_views_close(struct dicom_node *node);

/* Which part of the archive answers at a called title; false: none. */
struct node_title {
  const struct dicom_view *view; /* NULL: the whole */
  const char *aet;               /* the title at which it answers */
  struct cas_store *store;       /* what is read from */
};
bool node_title_find(const struct dicom_node *node, const char *called, struct node_title *title);

#endif
