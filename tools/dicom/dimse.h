/*
 * DIMSE commands as bytes: parse a request's command set, encode a response's.
 *
 * Written by hand, though DCMTK has it: DCMTK's DIMSE_receiveCommand() lets the peer choose how long a command set is
 * and how much memory its elements take, hands structures of C++ over, and gives up the association on a command it
 * does not know. Here a command set has a limit, and an unknown command gets an answer.
 *
 * Threads: pure functions. Source: PS3.7 6.3 (command sets), 9.3 and 10.3 (their fields), C (statuses), E.1 (registry).
 */
#ifndef DIMSE_H
#define DIMSE_H

#include <stdbool.h>

#include "cassette/attributes.h"

/* Longest command set that is taken. The longest of the standard's own with all optional elements stay under 2 KiB. */
#define DIMSE_COMMAND_BYTES_MAX 16384u

/* Error Comment is LO: 64 characters (PS3.7 C). */
#define DIMSE_ERROR_COMMENT_MAX 64u

enum dimse_field {
  DIMSE_C_STORE_RQ = 0x0001,
  DIMSE_C_ECHO_RQ = 0x0030,
  DIMSE_C_CANCEL_RQ = 0x0FFF,
  DIMSE_RESPONSE_BIT = 0x8000,
};

/* Statuses that Cassette answers with. PS3.7 C, PS3.4 B.2.3. */
enum dimse_status {
  DIMSE_SUCCESS = 0x0000,
  DIMSE_PROCESSING_FAILURE = 0x0110,
  DIMSE_UNRECOGNIZED_OPERATION = 0x0211,
  DIMSE_OUT_OF_RESOURCES = 0xA700,
  DIMSE_CANNOT_UNDERSTAND = 0xC000,
};

struct dimse_command {
  uint16_t field;
  uint16_t message_id;
  bool has_data_set;
  char sop_class_uid[CAS_UID_TEXT_MAX];    /* Affected or Requested SOP Class UID, "" if absent; trailing padding cut */
  char sop_instance_uid[CAS_UID_TEXT_MAX]; /* Affected or Requested SOP Instance UID, likewise */
};

/* Parses the command set of a request. CAS_REFUSED: it breaks PS3.7 6.3.1, or lacks Command Field or, but for a
 * response or C-CANCEL, Message ID; `command` is then unspecified. */
CAS_MUST_USE cas_status dimse_command_parse(struct cas_slice bytes, struct dimse_command *command,
                                            struct cas_error *error);

/* Appends the command set of the response to `request`, without a data set. `comment` (NULL: none) becomes Error
 * Comment, made ASCII and cut to its limit; it is left out with DIMSE_SUCCESS. CAS_NO_MEMORY only. */
CAS_MUST_USE cas_status dimse_response_encode(const struct dimse_command *request, enum dimse_status status,
                                              const char *comment, struct cas_buffer *bytes);

/* The one place where a status of the engine becomes one of C-STORE. docs/conformance.md shows the same table. */
enum dimse_status dimse_status_of(cas_status status);

#endif
