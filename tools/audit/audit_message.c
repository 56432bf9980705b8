/* Owns nothing. */
#include "audit_message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A text under way. After a failure nothing more is appended. */
struct writer {
  struct cas_buffer *text;
  cas_status status;
};

static void put_bytes(struct writer *writer, const char *bytes, size_t size) {
  if (writer->status == CAS_OK)
    writer->status = cas_buffer_append(writer->text, (struct cas_slice){.data = (const uint8_t *)bytes, .size = size});
}

static void put(struct writer *writer, const char *text) { put_bytes(writer, text, strlen(text)); }

/* Length of the UTF-8 character at `text`; 0: it is none, or none that XML allows (XML 1.0 2.2). */
static size_t character_bytes(const unsigned char *text) {
  if (text[0] < 0x20) return text[0] == '\t' ? 1 : 0;
  if (text[0] < 0x80) return text[0] == 0x7F ? 0 : 1;
  const size_t size = text[0] >= 0xF0 ? 4 : text[0] >= 0xE0 ? 3 : 2;
  if (text[0] < 0xC2 || text[0] > 0xF4) return 0;
  for (size_t i = 1; i < size; i++)
    if ((text[i] & 0xC0) != 0x80) return 0;
  const bool surrogate = text[0] == 0xED && text[1] >= 0xA0;
  const bool none = text[0] == 0xEF && text[1] == 0xBF && text[2] >= 0xBE;
  const bool overlong = (text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xF0 && text[1] < 0x90);
  const bool beyond = text[0] == 0xF4 && text[1] >= 0x90;
  return surrogate || none || overlong || beyond ? 0 : size;
}

static void put_value(struct writer *writer, const char *value) {
  const unsigned char *at = (const unsigned char *)value;
  size_t left = AUDIT_VALUE_BYTES_MAX;
  while (*at != '\0' && left > 0) {
    const size_t size = character_bytes(at);
    const char *escaped = *at == '&'   ? "&amp;"
                          : *at == '<' ? "&lt;"
                          : *at == '>' ? "&gt;"
                          : *at == '"' ? "&quot;"
                                       : NULL;
    if (escaped != NULL) {
      put(writer, escaped);
    } else if (size == 0) {
      put(writer, "?");
    } else if (size <= left) {
      put_bytes(writer, (const char *)at, size);
    }
    const size_t passed = size != 0 ? size : 1;
    at += passed;
    left -= passed < left ? passed : left;
  }
}

static void put_attribute(struct writer *writer, const char *name, const char *value) {
  put(writer, " ");
  put(writer, name);
  put(writer, "=\"");
  put_value(writer, value);
  put(writer, "\"");
}

static bool given(const char *text) { return text != NULL && text[0] != '\0'; }

/* --- codes --- */

struct code {
  const char *value, *text;
};

static void put_code(struct writer *writer, const char *element, struct code code) {
  put(writer, "<");
  put(writer, element);
  put_attribute(writer, "csd-code", code.value);
  put_attribute(writer, "codeSystemName", "DCM");
  put_attribute(writer, "originalText", code.text);
  put(writer, "/>");
}

/* PS3.15 A.5.3, PS3.16 CID 400 and 401. */
static const struct {
  struct code id, type;
  char action;
} events[] = {
    [AUDIT_START] = {{"110100", "Application Activity"}, {"110120", "Application Start"}, 'E'},
    [AUDIT_STOP] = {{"110100", "Application Activity"}, {"110121", "Application Stop"}, 'E'},
    [AUDIT_LOGIN] = {{"110114", "User Authentication"}, {"110122", "Login"}, 'E'},
    [AUDIT_SECURITY_ALERT] = {{"110113", "Security Alert"}, {"110126", "Node Authentication"}, 'E'},
    [AUDIT_LOST] = {{"110113", "Security Alert"}, {"110133", "Audit Recording Stopped"}, 'E'},
    [AUDIT_BEGIN_TRANSFER] = {{"110102", "Begin Transferring DICOM Instances"}, {NULL, NULL}, 'E'},
    [AUDIT_SENT] = {{"110104", "DICOM Instances Transferred"}, {NULL, NULL}, 'R'},
    [AUDIT_RECEIVED] = {{"110104", "DICOM Instances Transferred"}, {NULL, NULL}, 'C'},
    [AUDIT_QUERY] = {{"110112", "Query"}, {NULL, NULL}, 'E'},
    [AUDIT_UPDATED] = {{"110103", "DICOM Instances Accessed"}, {NULL, NULL}, 'U'},
    [AUDIT_REMOVED] = {{"110103", "DICOM Instances Accessed"}, {NULL, NULL}, 'D'},
    [AUDIT_STUDY_DELETED] = {{"110105", "DICOM Study Deleted"}, {NULL, NULL}, 'D'},
    [AUDIT_IMPORTED] = {{"110107", "Import"}, {NULL, NULL}, 'C'},
    [AUDIT_MOUNTED] = {{"110113", "Security Alert"}, {"110141", "Local Service Operation Started"}, 'E'},
    [AUDIT_UNMOUNTED] = {{"110113", "Security Alert"}, {"110142", "Local Service Operation Stopped"}, 'E'},
    [AUDIT_EXPORTED] = {{"110106", "Export"}, {NULL, NULL}, 'R'},
};

static void format_time(int64_t time_ns, char text[40]) {
  const time_t seconds = (time_t)(time_ns / 1000000000);
  struct tm utc;
  gmtime_r(&seconds, &utc);
  const size_t used = strftime(text, 40, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(text + used, 40 - used, ".%03dZ", (int)(time_ns / 1000000 % 1000));
}

static void put_identification(struct writer *writer, const struct audit_event *event, int64_t time_ns) {
  char action[2] = {events[event->kind].action, '\0'}, outcome[8], moment[40];
  snprintf(outcome, sizeof outcome, "%d", (int)event->outcome);
  format_time(time_ns, moment);
  put(writer, "<EventIdentification");
  put_attribute(writer, "EventActionCode", action);
  put_attribute(writer, "EventDateTime", moment);
  put_attribute(writer, "EventOutcomeIndicator", outcome);
  put(writer, ">");
  put_code(writer, "EventID", events[event->kind].id);
  if (events[event->kind].type.value != NULL) put_code(writer, "EventTypeCode", events[event->kind].type);
  if (given(event->description)) {
    put(writer, "<EventOutcomeDescription>");
    put_value(writer, event->description);
    put(writer, "</EventOutcomeDescription>");
  }
  put(writer, "</EventIdentification>");
}

/* --- participants --- */

static const struct code role_source = {"110153", "Source Role ID"};
static const struct code role_destination = {"110152", "Destination Role ID"};
static const struct code role_application = {"110150", "Application"};

static void put_participant(struct writer *writer, const struct audit_party *party, bool requestor,
                            const struct code *role) {
  char titles[64];
  const char *id = given(party->user) ? party->user : given(party->aet) ? party->aet : party->address;
  put(writer, "<ActiveParticipant");
  put_attribute(writer, "UserID", given(id) ? id : "unknown");
  if (given(party->aet)) {
    snprintf(titles, sizeof titles, "AETITLES=%.32s", party->aet);
    put_attribute(writer, "AlternativeUserID", titles);
  }
  put_attribute(writer, "UserIsRequestor", requestor ? "true" : "false");
  if (given(party->address)) {
    const bool numeric =
        strchr(party->address, ':') != NULL || strspn(party->address, "0123456789.") == strlen(party->address);
    put_attribute(writer, "NetworkAccessPointID", party->address);
    put_attribute(writer, "NetworkAccessPointTypeCode", numeric ? "2" : "1");
  }
  put(writer, ">");
  if (role != NULL) put_code(writer, "RoleIDCode", *role);
  put(writer, "</ActiveParticipant>");
}

static bool known(const struct audit_party *party) {
  return given(party->user) || given(party->aet) || given(party->address);
}

static void put_participants(struct writer *writer, const struct audit_event *event, const char *source,
                             const char *host) {
  const struct audit_party ours = {.aet = given(event->called) ? event->called : source, .address = host};
  const bool alone = !known(&event->peer);
  const struct code *our_role = NULL, *peer_role = NULL;
  switch (event->kind) {
  case AUDIT_START:
  case AUDIT_STOP: our_role = &role_application; break;
  case AUDIT_IMPORTED: our_role = &role_destination; break;
  case AUDIT_RECEIVED:
  case AUDIT_QUERY:
    our_role = &role_destination;
    peer_role = &role_source;
    break;
  case AUDIT_BEGIN_TRANSFER:
  case AUDIT_SENT:
  case AUDIT_EXPORTED:
    our_role = &role_source;
    peer_role = &role_destination;
    break;
  default: break;
  }
  put_participant(writer, &ours, false, our_role);
  if (!alone) put_participant(writer, &event->peer, !known(&event->requestor), peer_role);
  if (known(&event->requestor)) put_participant(writer, &event->requestor, true, NULL);
}

/* --- objects --- */

static void open_object(struct writer *writer, const char *id, const char *type, const char *role, struct code code) {
  put(writer, "<ParticipantObjectIdentification");
  put_attribute(writer, "ParticipantObjectID", id);
  put_attribute(writer, "ParticipantObjectTypeCode", type);
  put_attribute(writer, "ParticipantObjectTypeCodeRole", role);
  put(writer, ">");
  put_code(writer, "ParticipantObjectIDTypeCode", code);
}

static void put_name(struct writer *writer, const char *name) {
  put(writer, "<ParticipantObjectName>");
  put_value(writer, name);
  put(writer, "</ParticipantObjectName>");
}

static void close_object(struct writer *writer) { put(writer, "</ParticipantObjectIdentification>"); }

static void put_study(struct writer *writer, const struct audit_object *object) {
  open_object(writer, object->study_uid, "2", "3", (struct code){"110180", "Study Instance UID"});
  put_name(writer, object->study_uid);
  if (given(object->accession_number)) {
    put(writer, "<Accession");
    put_attribute(writer, "Number", object->accession_number);
    put(writer, "/>");
  }
  for (size_t i = 0; i < object->class_count && i < AUDIT_CLASSES_MAX; i++) {
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)object->classes[i].instances);
    put(writer, "<SOPClass");
    put_attribute(writer, "UID", object->classes[i].uid);
    put_attribute(writer, "NumberOfInstances", number);
    put(writer, "/>");
  }
  close_object(writer);
}

static void put_patient(struct writer *writer, const struct audit_object *object) {
  put(writer, "<ParticipantObjectIdentification");
  put_attribute(writer, "ParticipantObjectID", given(object->patient_id) ? object->patient_id : "unknown");
  put_attribute(writer, "ParticipantObjectTypeCode", "1");
  put_attribute(writer, "ParticipantObjectTypeCodeRole", "1");
  put(writer,
      "><ParticipantObjectIDTypeCode csd-code=\"2\" codeSystemName=\"RFC-3881\" originalText=\"Patient Number\"/>");
  put_name(writer, given(object->patient_name) ? object->patient_name : "");
  close_object(writer);
}

static void put_base64(struct writer *writer, struct cas_slice bytes) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size; i += 3) {
    const size_t count = bytes.size - i < 3 ? bytes.size - i : 3;
    unsigned three = 0;
    for (size_t j = 0; j < 3; j++) three = three << 8 | (j < count ? bytes.data[i + j] : 0);
    char four[4];
    for (size_t j = 0; j < 4; j++) four[j] = j <= count ? digits[three >> (18 - 6 * j) & 63] : '=';
    put_bytes(writer, four, sizeof four);
  }
}

static void put_query(struct writer *writer, const struct audit_event *event) {
  open_object(writer, event->query_class, "2", "3", (struct code){"110181", "SOP Class UID"});
  put(writer, "<ParticipantObjectQuery>");
  if (event->query.size <= AUDIT_QUERY_BYTES_MAX) put_base64(writer, event->query);
  put(writer, "</ParticipantObjectQuery>");
  if (given(event->query_syntax)) {
    const struct cas_slice syntax = {.data = (const uint8_t *)event->query_syntax, .size = strlen(event->query_syntax)};
    put(writer, "<ParticipantObjectDetail type=\"TransferSyntax\" value=\"");
    put_base64(writer, syntax);
    put(writer, "\"/>");
  }
  close_object(writer);
}

cas_status audit_message_format(const struct audit_event *event, int64_t time_ns, const char *source, const char *host,
                                struct cas_buffer *text) {
  struct writer writer = {.text = text, .status = CAS_OK};
  put(&writer, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><AuditMessage>");
  put_identification(&writer, event, time_ns);
  put_participants(&writer, event, source, host);
  put(&writer, "<AuditSourceIdentification");
  put_attribute(&writer, "AuditSourceID", source);
  put(&writer, "><AuditSourceTypeCode csd-code=\"4\"/></AuditSourceIdentification>");
  if (given(event->object.study_uid)) put_study(&writer, &event->object);
  if (given(event->object.patient_id) || given(event->object.patient_name)) put_patient(&writer, &event->object);
  if (given(event->query_class)) put_query(&writer, event);
  put(&writer, "</AuditMessage>");
  return writer.status;
}

cas_status audit_header_format(const struct audit_event *event, int64_t time_ns, const char *host, long process,
                               struct cas_buffer *text) {
  char line[400], moment[40];
  format_time(time_ns, moment);
  const int severity = event->outcome == AUDIT_SUCCESS ? 5 : 4; /* notice, warning */
  snprintf(line, sizeof line, "<%d>1 %s %.255s cassetted %ld DICOM+RFC3881 - \xEF\xBB\xBF", 10 * 8 + severity, moment,
           given(host) ? host : "-", process);
  struct writer writer = {.text = text, .status = CAS_OK};
  put(&writer, line);
  return writer.status;
}
