/*
 * The called AE titles that are views: besides its own title, the archive answers at theirs, and shows there only what
 * their filter admits.
 *
 * Threads: pure functions.
 */
#ifndef VIEW_LIST_H
#define VIEW_LIST_H

#include <stdbool.h>

#include "cassette/filter.h"
#include "dimse.h"

struct dicom_view {
  char aet[DIMSE_AE_TITLE_TEXT_MAX];
  struct cas_filter *filter;
  bool store; /* who may store, may do so at this title, too */
};

/* The index of the view of that title, or `count`. Titles are compared without spaces around, with regard to case. */
size_t view_find(const struct dicom_view *views, size_t count, const char *aet);

#endif
