/*
 * Which texts may name an instance.
 */
#ifndef DICOM_UID_H
#define DICOM_UID_H

#include <stdbool.h>

/*
 * True for 1 to DICOM_UID_BYTES_MAX characters of [0-9A-Za-z._-] with at least one letter or digit, no leading "." and
 * no "..". This is wider than PS3.5 9.1 (files in the field have letters, leading zeros and overlong UIDs) and still
 * safe as a file name, in a URL and in a log line.
 */
bool uid_is_acceptable(const char *uid);

#endif
