/*
 * By which of their attributes nodes are found through the index, besides UIDs and Study Date: what archives are asked
 * for. A change here needs a new INDEX_VERSION.
 *
 * Threads: pure functions.
 */
#ifndef STORE_TERMS_H
#define STORE_TERMS_H

#include "index/index.h"

/* Names of persons are terms folded, each component group by itself (dicom/name_fold.h); all others as they are. */
struct term_field {
  char field;
  enum cas_level level;
  uint32_t tag;
  bool is_person;
};

/* In the order in which they are tried: the most selective first. */
const struct term_field *term_fields(size_t *count);

/* An index_terms_fn. */
CAS_MUST_USE cas_status terms_of(enum cas_level level, struct cas_slice attributes, index_term_fn each, void *arg);

#endif
