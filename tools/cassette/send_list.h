/*
 * What `cassette send` sends: files, or instances of a store, in the order in which they were named, and the kinds of
 * objects that they are.
 *
 * Threads: one at a time.
 */
#ifndef SEND_LIST_H
#define SEND_LIST_H

#include "cassette/store.h"
#include "store_proposal.h"

struct send_item {
  char *path; /* of a file, or in the tree */
  char sop_instance_uid[CAS_UID_TEXT_MAX];
  uint32_t kind;
  uint64_t data_set_offset; /* of a file */
};

/* Zero-initialise. */
struct send_list {
  struct send_item *items;
  size_t count, capacity;
  struct store_kind *kinds;
  size_t kind_count;
  uint64_t left_out; /* files that are no DICOM objects, or cannot be read; each was named on standard error */
};
void send_list_fini(struct send_list *list);

/* Adds a file, or what is below a folder. CAS_NO_MEMORY. */
CAS_MUST_USE cas_status send_list_add_path(struct send_list *list, const char *path);

/* Adds the newest versions of what WHAT means in a store; NULL: everything. Fails as cas_select(). */
CAS_MUST_USE cas_status send_list_add_instances(struct send_list *list, struct cas_store *store, const char *what,
                                                struct cas_error *error);

/* Brings objects of a kind together, so that few associations are needed where there are many kinds. */
void send_list_sort(struct send_list *list);

#endif
