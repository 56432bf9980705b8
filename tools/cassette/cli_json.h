/*
 * JSON for programs: one object a line. Keys are snake_case; DICOM attributes stand by keyword in an object
 * "attributes"; sizes are bytes, times are UTC; text that is not UTF-8 has U+FFFD where it is not.
 *
 * Threads: an object belongs to one thread; printing may be done from any.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "cassette/bytes.h"

/* Each sets a key of `object`; without memory the key is left out, and cli_json_line() fails. */
void cli_json_text(json_t *object, const char *key, const char *text);
void cli_json_count(json_t *object, const char *key, uint64_t value);
void cli_json_time(json_t *object, const char *key, int64_t ns);
void cli_json_hash(json_t *object, const char *key, const struct cas_hash *hash);

/* The object as one line without a newline, which the caller frees; the object is released. NULL without memory. */
char *cli_json_line(json_t *object);

/* Prints the object as one line; the object is released. */
void cli_json_print(json_t *object);

#endif
