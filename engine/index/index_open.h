/* What opening to write and opening to follow share. Only for the files of this folder. */
#ifndef INDEX_INDEX_OPEN_H
#define INDEX_INDEX_OPEN_H

#include "index/index_db.h"
#include "index/index_options.h"

#define CLEANUP_INDEX __attribute__((cleanup(index_cleanup_close)))
void index_cleanup_close(struct index **index);

/* An index without a database yet. */
CAS_MUST_USE cas_status index_create(const char *folder, const char *scratch, enum index_use use, struct index **index,
                                     struct cas_error *error);

/* CAS_NOT_FOUND where there is no version, CAS_UNSUPPORTED where it is another. */
CAS_MUST_USE cas_status index_check_version(struct index *index, struct cas_error *error);

#endif
