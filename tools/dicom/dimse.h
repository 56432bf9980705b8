/*
 * DIMSE commands as bytes: parse a command set, encode that of a request or a response.
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

/* AE titles have at most 16 characters (PS3.5 6.2, AE). */
#define DIMSE_AE_TITLE_TEXT_MAX 17

enum dimse_field {
  DIMSE_C_STORE_RQ = 0x0001,
  DIMSE_C_GET_RQ = 0x0010,
  DIMSE_C_FIND_RQ = 0x0020,
  DIMSE_C_MOVE_RQ = 0x0021,
  DIMSE_C_ECHO_RQ = 0x0030,
  DIMSE_N_EVENT_REPORT_RQ = 0x0100,
  DIMSE_N_ACTION_RQ = 0x0130,
  DIMSE_C_CANCEL_RQ = 0x0FFF,
  DIMSE_RESPONSE_BIT = 0x8000,
};

/* Statuses that Cassette answers with. PS3.7 C and 10.1.4, PS3.4 B.2.3, C.4.1.1.4, C.4.2.1.5, C.4.3.1.4. */
enum dimse_status {
  DIMSE_SUCCESS = 0x0000,
  DIMSE_PROCESSING_FAILURE = 0x0110,
  DIMSE_NO_SUCH_INSTANCE = 0x0112,
  DIMSE_INVALID_ARGUMENT = 0x0115,
  DIMSE_NO_SUCH_CLASS = 0x0118,
  DIMSE_NO_SUCH_ACTION = 0x0123,
  DIMSE_NOT_AUTHORIZED = 0x0124,
  DIMSE_UNRECOGNIZED_OPERATION = 0x0211,
  DIMSE_RESOURCE_LIMITATION = 0x0213,
  DIMSE_OUT_OF_RESOURCES = 0xA700,
  DIMSE_CANNOT_COUNT_MATCHES = 0xA701,
  DIMSE_CANNOT_PERFORM_SUBOPERATIONS = 0xA702,
  DIMSE_MOVE_DESTINATION_UNKNOWN = 0xA801,
  DIMSE_IDENTIFIER_DOES_NOT_MATCH = 0xA900,
  DIMSE_SUBOPERATIONS_FAILED = 0xB000,
  DIMSE_CANNOT_UNDERSTAND = 0xC000,
  DIMSE_CANCELLED = 0xFE00,
  DIMSE_PENDING = 0xFF00,
  DIMSE_PENDING_UNSUPPORTED_KEYS = 0xFF01,
};

/* Of C-STORE sub-operations, PS3.7 9.3.3 and 9.3.4. */
struct dimse_counts {
  uint16_t remaining, completed, failed, warning;
};

struct dimse_command {
  uint16_t field;
  uint16_t message_id;   /* of a request */
  uint16_t responded_to; /* of a response and C-CANCEL: Message ID Being Responded To */
  uint16_t priority;     /* 0 medium, 1 high, 2 low */
  uint16_t status;       /* of a response */
  bool has_data_set;
  uint16_t event_type, action_type;        /* of N-EVENT-REPORT and N-ACTION */
  char sop_class_uid[CAS_UID_TEXT_MAX];    /* Affected or Requested SOP Class UID, "" if absent; trailing padding cut */
  char sop_instance_uid[CAS_UID_TEXT_MAX]; /* Affected or Requested SOP Instance UID, likewise */
  char move_destination[DIMSE_AE_TITLE_TEXT_MAX];  /* of C-MOVE; without spaces around, "" if absent */
  char move_originator[DIMSE_AE_TITLE_TEXT_MAX];   /* of C-STORE, likewise */
  uint16_t move_originator_id;                     /* of C-STORE */
  struct dimse_counts counts;                      /* of a response to C-MOVE or C-GET */
  char error_comment[DIMSE_ERROR_COMMENT_MAX + 1]; /* of a response; control characters are '?' */
};

/* Parses a command set. CAS_REFUSED: it breaks PS3.7 6.3.1, or lacks Command Field or, but for a response or C-CANCEL,
 * Message ID; `command` is then unspecified. */
CAS_MUST_USE cas_status dimse_command_parse(struct cas_slice bytes, struct dimse_command *command,
                                            struct cas_error *error);

/* Appends the command set of a request: C-ECHO, C-STORE, C-FIND, C-GET, C-MOVE, N-EVENT-REPORT, or C-CANCEL of
 * `responded_to`. What is
 * "" is left out, and a move originator's ID with its title. CAS_NO_MEMORY only. */
CAS_MUST_USE cas_status dimse_request_encode(const struct dimse_command *request, struct cas_buffer *bytes);

/* Appends the command set of the response to `request`, without a data set. `comment` (NULL: none) becomes Error
 * Comment, made ASCII and cut to its limit; it is left out with DIMSE_SUCCESS. CAS_NO_MEMORY only. */
CAS_MUST_USE cas_status dimse_response_encode(const struct dimse_command *request, enum dimse_status status,
                                              const char *comment, struct cas_buffer *bytes);

/* The same for C-FIND, C-GET and C-MOVE: with a data set to follow if `has_data_set`, with `counts` unless NULL.
 * Whether the operations remaining are stated depends on the status (PS3.7 9.1.3.1.8, 9.1.4.1.9). */
CAS_MUST_USE cas_status dimse_answer_encode(const struct dimse_command *request, enum dimse_status status,
                                            const char *comment, bool has_data_set, const struct dimse_counts *counts,
                                            struct cas_buffer *bytes);

/* The one place where a status of the engine becomes one of C-STORE. docs/conformance.md shows the same table. */
enum dimse_status dimse_status_of(cas_status status);

#endif
