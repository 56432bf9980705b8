/*
 * Corrections of many instances, in the store or over the control socket: there the request says why, a file of JSON
 * beside it what becomes of which instances, {"assignments": [[TAG, "VALUE", "VR"], ...], "paths": ["PATH", ...]}. Who
 * it was the daemon asks the kernel.
 *
 * Threads: any.
 */
#ifndef CONTROL_CORRECT_H
#define CONTROL_CORRECT_H

#include <jansson.h>

#include "cassette/correct.h"
#include "control_session.h"

/* What came of it. Each instance is corrected by itself; one that fails does not stop the others. */
struct control_corrected {
  uint64_t corrected;
  uint64_t unchanged; /* had these values already */
  uint64_t failed;
  cas_status status; /* of the last that failed, or CAS_OK */
  char reason[512];
};

/* Corrects the instances at the paths, as cas_store_correct(). `each` (NULL: nobody asks) gets the SOP Instance UID of
 * each that was corrected. */
CAS_MUST_USE cas_status control_correct_run(struct cas_store *store, const struct cas_correction *correction,
                                            const char *const *paths, size_t path_count,
                                            void (*each)(void *arg, const char *uid), void *arg,
                                            struct control_corrected *corrected, struct cas_error *error);

/* The request, NULL without memory; *file gets an open file, -1 on failure. */
json_t *control_correct_request(const struct cas_correction *correction, const char *const *paths, size_t count,
                                int *file);

/* Serves a request with its file, which stays open. The answer, a new reference; NULL: `error` says why. */
json_t *control_correct_serve(struct control_node *node, int fd, json_int_t id, const json_t *request, int file,
                              struct cas_error *error);

/* What an answer says. */
void control_correct_result(const json_t *answer, struct control_corrected *corrected);

#endif
