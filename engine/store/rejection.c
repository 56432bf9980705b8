#include "store/rejection.h"

#include "dicom/rejection_note.h"
#include "dicom/transfer_syntax.h"
#include "dicom/uid.h"

static cas_status add_target(void *arg, const char *uid) {
  return uid_is_acceptable(uid) ? instance_states_add(arg, uid, 0) : CAS_OK;
}

static cas_status refuse(struct cas_error *error, const char *why) {
  return status_fail(error, CAS_REFUSED, "a rejection note that is not understood: %s", why);
}

static cas_status read_note(const struct data_set *note, enum cas_reason reason, const char *who,
                            struct instance_states **states, struct cas_error *error) {
  bool is_whole;
  struct instance_states *read = instance_states_create(CAS_ACTION_HIDE, reason, who, "rejection note");
  if (read == NULL) return CAS_NO_MEMORY;
  read->change.ahead = true;
  cas_status status = rejection_note_list(note, add_target, read, &is_whole);
  if (status == CAS_OK && (!is_whole || read->change.target_count == 0))
    status = refuse(error, "its evidence names no instances, or is broken");
  if (status == CAS_OK && read->change.target_count > CAS_CHANGE_TARGETS_MAX)
    status = refuse(error, "it names too many instances");
  if (status == CAS_OK)
    *states = read;
  else
    instance_states_destroy(read);
  return status;
}

cas_status rejection_read(const struct cas_store *store, const struct dicom_summary *summary, struct cas_slice data_set,
                          const char *who, struct instance_states **states, struct cas_error *error) {
  struct transfer_syntax syntax = {0};
  *states = NULL;
  if (strcmp(summary->sop_class_uid, KEY_OBJECT_SELECTION_UID) != 0) return CAS_OK;
  if (data_set.size < ELEMENT_HEADER_BYTES_MIN) return refuse(error, "it is too long");
  bool is_declared = transfer_syntax_of_uid(summary->transfer_syntax_uid, &syntax);
  if (syntax.is_deflated) return refuse(error, "it is deflated");
  struct data_set note = {.bytes = data_set};
  if (element_form_judge(data_set.data, is_declared ? &syntax.form : NULL, &note.form) == FORM_IMPLAUSIBLE)
    return refuse(error, "it begins with no element");
  enum rejection rejection = rejection_note_reason(&note);
  /* The reasons stand in the same order. */
  enum cas_reason reason = (enum cas_reason)rejection;
  if (rejection == REJECTION_NONE || (store->ignored_reasons & 1u << reason) != 0) return CAS_OK;
  return read_note(&note, reason, who, states, error);
}
