/*
 * Which instances a C-GET or C-MOVE means: the identifier's unique keys looked up in the index, into a list in tree
 * order. Only the newest version of a SOP instance is meant.
 *
 * Bounded (P6): at most RETRIEVE_INSTANCES_MAX instances, RETRIEVE_KINDS_MAX kinds and RETRIEVE_TEXT_BYTES_MAX bytes of
 * names; about 200 bytes an instance of ordinary names.
 *
 * Threads: one at a time. Source: PS3.4 C.4.2.2.1, C.4.3.2.1.
 */
#ifndef RETRIEVE_SELECTION_H
#define RETRIEVE_SELECTION_H

#include "cassette/node.h"
#include "identifier.h"
#include "store_proposal.h"

#define RETRIEVE_INSTANCES_MAX 65535u /* the counts of PS3.7 9.1.3.1 have 16 bits */
#define RETRIEVE_KINDS_MAX 1024u
#define RETRIEVE_TEXT_BYTES_MAX (32u << 20)
#define RETRIEVE_NAME_MAX 130u /* a Patient ID or UID that is looked up, with its NUL */

struct retrieve_item {
  uint32_t path, uid; /* where they begin in `text` */
  uint16_t kind;
};

/* Zero-initialise. */
struct retrieve_selection {
  struct retrieve_item *items;
  size_t count, capacity;
  struct store_kind *kinds;
  size_t kind_count;
  struct cas_buffer text;
};
void retrieve_selection_fini(struct retrieve_selection *selection);

const char *retrieve_path(const struct retrieve_selection *selection, const struct retrieve_item *item);
const char *retrieve_uid(const struct retrieve_selection *selection, const struct retrieve_item *item);

/*
 * Fills an empty selection. `patient_root`: of the two information models; in the study root, Patient ID is no key.
 * Keys other than Query/Retrieve Level and the unique keys of that level and those above are passed over; a unique key
 * above may be left out. No match is an empty selection. CAS_INVALID: the identifier does not fit the model, and why;
 * CAS_BUSY: more than the limits; else a fault of the index.
 */
CAS_MUST_USE cas_status retrieve_selection_fill(struct retrieve_selection *selection, struct cas_store *store,
                                                const struct identifier *identifier, bool patient_root,
                                                struct cas_error *error);

#endif
