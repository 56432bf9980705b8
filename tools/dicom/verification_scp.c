/* Owns nothing. */
#include "verification_scp.h"

cas_status verification_scp_serve(struct session *session, uint8_t context_id, const struct dimse_command *request,
                                  struct cas_error *error) {
  session->tally.echoes++;
  return session_respond(session, context_id, request, DIMSE_SUCCESS, NULL, error);
}
