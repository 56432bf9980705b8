/*
 * Which attributes can be corrected, and what values they can have.
 *
 * Threads: pure functions. Source: PS3.5 6.2 (VRs), PS3.6.
 */
#ifndef STORE_CORRECT_CHECK_H
#define STORE_CORRECT_CHECK_H

#include "cassette/attributes.h"
#include "cassette/correct.h"

/* The VR of the attribute, "" where neither the index nor the assignment has it. */
const char *correct_vr(const struct cas_assignment *assignment);

/* Its keyword, or "gggg,eeee", which is written to `name`. */
#define CORRECT_NAME_BYTES_MAX 10
const char *correct_name(const struct cas_assignment *assignment, char name[CORRECT_NAME_BYTES_MAX]);

#endif
