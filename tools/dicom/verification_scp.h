/* C-ECHO: says that we are here. Source: PS3.7 9.1.5, PS3.4 A. */
#ifndef VERIFICATION_SCP_H
#define VERIFICATION_SCP_H

#include "association.h"

/* Answers `request`. The status is that of session_respond(). */
CAS_MUST_USE cas_status verification_scp_serve(struct session *session, uint8_t context_id,
                                               const struct dimse_command *request, struct cas_error *error);

#endif
