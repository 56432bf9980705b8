/*
 * Folder and file names from DICOM values: UTF-8, safe in a file system and a shell's listing, at most
 * FOLDER_NAME_BYTES_MAX bytes. Pure functions.
 */
#ifndef STORE_FOLDER_NAME_H
#define STORE_FOLDER_NAME_H

#include "base/limits.h"
#include "cassette/attributes.h"

struct folder_name {
  char text[FOLDER_NAME_BYTES_MAX + 1];
};

/* "ID name", "(no ID) name", "(no ID)". */
void folder_name_patient(const struct cas_attributes *attributes, struct folder_name *name);

/* "YYYY-MM-DD description accession"; "(no date)" where there is none. */
void folder_name_study(const struct cas_attributes *attributes, struct folder_name *name);

/* "0003 MR description"; what is missing is left out; "(series)" if all is. */
void folder_name_series(const struct cas_attributes *attributes, struct folder_name *name);

/* "00012 1.2.3.dcm"; from the second version on "00012 1.2.3.v2.dcm". */
void folder_name_instance(const struct cas_attributes *attributes, const char *sop_instance_uid, uint32_t version,
                          struct folder_name *name);

/* The same name made different from its siblings by eight hexadecimal digits of the identity's hash: "name ~1a2b3c4d".
 */
void folder_name_distinguish(struct folder_name *name, const char *identity, unsigned attempt);

#endif
