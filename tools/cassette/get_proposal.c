/* Owns nothing. Invariant: one context less than there may be is left for the retrieve. */
#include <string.h>

#include "remote_get.h"

static const char *const syntaxes[] = {
    "1.2.840.10008.1.2.1",     "1.2.840.10008.1.2",       "1.2.840.10008.1.2.4.80",  "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.90",  "1.2.840.10008.1.2.5",     "1.2.840.10008.1.2.4.50",  "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",  "1.2.840.10008.1.2.4.81",  "1.2.840.10008.1.2.4.91",  "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",     "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.101", "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.103",
    "1.2.840.10008.1.2.4.104", "1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108", "1.2.840.10008.1.2.8.1",
};
#define SYNTAX_COUNT (sizeof syntaxes / sizeof syntaxes[0])

static bool note_class(void *arg, const struct identifier *match) {
  struct get_proposal *proposal = arg;
  char uid[CAS_UID_TEXT_MAX];
  const struct identifier_key *key = identifier_find(match, CAS_TAG_SOP_CLASS_UID);
  if (key == NULL || !identifier_text(match, key->value, uid, sizeof uid) || uid[0] == '\0') return true;
  for (size_t i = 0; i < proposal->class_count; i++)
    if (strcmp(proposal->classes[i], uid) == 0) return true;
  memcpy(proposal->classes[proposal->class_count++], uid, sizeof uid);
  return proposal->class_count < PROPOSAL_CONTEXTS_MAX - 1;
}

/* What the peer says, if it does; that it does not is no failure. */
static cas_status ask_classes(const struct remote *remote, const struct remote_keys *keys,
                              struct get_proposal *proposal, struct cas_error *error) {
  struct remote_keys wanted = *keys;
  wanted.level = CAS_LEVEL_INSTANCE;
  remote_keys_want(&wanted, CAS_TAG_SOP_CLASS_UID, "UI", "SOPClassUID");
  remote_keys_want(&wanted, CAS_TAG_SOP_INSTANCE_UID, "UI", "SOPInstanceUID");
  const struct proposal_context context = {.abstract_syntax = remote_keys_model(&wanted, REMOTE_FIND),
                                           .transfer_syntaxes = {"1.2.840.10008.1.2"},
                                           .transfer_syntax_count = 1};
  struct requestor *requestor;
  cas_status status = remote_open(remote, &context, 1, (struct cas_slice){0}, &requestor, error);
  if (status != CAS_OK) return status;
  size_t syntax;
  uint16_t final;
  struct cas_error ignored = {0};
  const uint8_t context_id = requestor_context(requestor, 0, &syntax);
  status =
      context_id != 0 ? remote_find(requestor, context_id, &wanted, note_class, proposal, &final, &ignored) : CAS_OK;
  if (status == CAS_OK)
    requestor_release(requestor);
  else
    requestor_abort(requestor);
  return status == CAS_NO_MEMORY ? status : CAS_OK;
}

static void add(struct get_proposal *proposal, const char *sop_class, const char *const *offered, size_t count) {
  if (proposal->count == PROPOSAL_CONTEXTS_MAX) return;
  struct proposal_context *context = &proposal->contexts[proposal->count++];
  *context = (struct proposal_context){.abstract_syntax = sop_class, .provider = true};
  while (context->transfer_syntax_count < count && context->transfer_syntax_count < PROPOSAL_SYNTAXES_MAX) {
    context->transfer_syntaxes[context->transfer_syntax_count] = offered[context->transfer_syntax_count];
    context->transfer_syntax_count++;
  }
}

cas_status get_proposal_make(const struct remote *remote, const struct remote_keys *keys, struct get_proposal *proposal,
                             struct cas_error *error) {
  *proposal = (struct get_proposal){.count = 1};
  proposal->contexts[0] = (struct proposal_context){.abstract_syntax = remote_keys_model(keys, REMOTE_GET),
                                                    .transfer_syntaxes = {"1.2.840.10008.1.2"},
                                                    .transfer_syntax_count = 1};
  const cas_status status = ask_classes(remote, keys, proposal, error);
  if (status != CAS_OK) return status;
  const bool apart = proposal->class_count * SYNTAX_COUNT < PROPOSAL_CONTEXTS_MAX;
  for (size_t i = 0; i < proposal->class_count && apart; i++)
    for (size_t k = 0; k < SYNTAX_COUNT; k++) add(proposal, proposal->classes[i], &syntaxes[k], 1);
  for (size_t i = 0; i < proposal->class_count && !apart; i++)
    add(proposal, proposal->classes[i], syntaxes, SYNTAX_COUNT);
  const char *common;
  for (size_t i = 0; proposal->class_count == 0 && (common = dicom_common_storage_class(i)) != NULL; i++)
    add(proposal, common, syntaxes, SYNTAX_COUNT);
  return CAS_OK;
}
