/*
 * File names for UIDs, and back. A UID should be digits and dots, but files in the field have others; such bytes are
 * written as %XX, so that every UID has exactly one name and every name is safe.
 *
 *   1.2.840.113619.2.1        a folder, or 1.2.840.113619.2.1.dcm: the first version of an instance
 *   1.2.840.113619.2.1.v2.dcm its second version
 *
 * Threads: any.
 */
#ifndef FUSE_UID_NAME_H
#define FUSE_UID_NAME_H

#include <limits.h>
#include <stdbool.h>

#include "cassette/attributes.h"

/* Writes the folder name of a UID; false where it has none: empty, or too long for a name. */
bool uid_name_encode(const char *uid, char name[NAME_MAX + 1]);

/* The UID that a folder name stands for; false where it is not what uid_name_encode() makes. */
bool uid_name_parse(const char *name, char uid[CAS_UID_TEXT_MAX]);

/* The same for the file of one version of an instance. */
bool uid_name_encode_file(const char *uid, uint32_t version, char name[NAME_MAX + 1]);
bool uid_name_parse_file(const char *name, char uid[CAS_UID_TEXT_MAX], uint32_t *version);

#endif
