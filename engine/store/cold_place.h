/*
 * What says of a folder that it is a store's cold place: the marker in it, and the note in the store. Both are a few
 * lines of text; docs/format.md has them.
 *
 * Threads: any.
 */
#ifndef STORE_COLD_PLACE_H
#define STORE_COLD_PLACE_H

#include "segment/segment.h"

CAS_MUST_USE cas_status cold_marker_format(const struct segment_store_key *key, struct cas_buffer *text);

/* `folder` is its path; without line breaks. */
CAS_MUST_USE cas_status cold_note_format(const char *folder, struct cas_buffer *text);

#endif
