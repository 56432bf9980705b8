/*
 * Owns nothing: presentation contexts and extended negotiation in DCMTK's association parameters. Invariant: as in
 * dicom_shim.cc, no exception and no C++ type crosses the functions of dicom_shim.h.
 */
#include "dicom_shim_private.h"

#include "dcmtk/dcmdata/dcuid.h"

#include <cstdio>
#include <cstring>
#include <new>

cas_status shim_fail(struct cas_error *error, cas_status status, const char *what, const OFCondition &condition) {
  if (error != nullptr) {
    error->status = status;
    error->system_errno = 0;
    snprintf(error->message, sizeof error->message, "%s: %s", what, condition.text());
    for (char *c = error->message; *c != '\0'; c++) {
      if (static_cast<unsigned char>(*c) < ' ') *c = ' ';
    }
  }
  return status;
}

cas_status shim_fail(struct cas_error *error, cas_status status, const char *message) {
  if (error != nullptr) {
    error->status = status;
    error->system_errno = 0;
    snprintf(error->message, sizeof error->message, "%s", message);
  }
  return status;
}

size_t dicom_association_context_count(const struct dicom_association *association) {
  return static_cast<size_t>(ASC_countPresentationContexts(association->association->params));
}

cas_status dicom_association_context(const struct dicom_association *association, size_t index,
                                     struct dicom_proposed_context *context) {
  // Not ASC_getPresentationContext(): it fails where a context proposes more than 50 transfer syntaxes, and leaves it
  // unanswered.
  LST_HEAD **list = &association->association->params->DULparams.requestedPresentationContext;
  if (*list == nullptr) return CAS_NOT_FOUND;
  DUL_PRESENTATIONCONTEXT *proposed = reinterpret_cast<DUL_PRESENTATIONCONTEXT *>(LST_Head(list));
  (void)LST_Position(list, reinterpret_cast<LST_NODE *>(proposed));
  for (; proposed != nullptr && index > 0; index--) {
    proposed = reinterpret_cast<DUL_PRESENTATIONCONTEXT *>(LST_Next(list));
  }
  if (proposed == nullptr) return CAS_NOT_FOUND;
  context->id = proposed->presentationContextID;
  context->requestor_provides =
      proposed->proposedSCRole == DUL_SC_ROLE_SCP || proposed->proposedSCRole == DUL_SC_ROLE_SCUSCP;
  context->transfer_syntax_count = 0;
  snprintf(context->abstract_syntax, sizeof context->abstract_syntax, "%s", proposed->abstractSyntax);
  if (proposed->proposedTransferSyntax == nullptr) return CAS_OK;
  LST_HEAD **syntaxes = &proposed->proposedTransferSyntax;
  DUL_TRANSFERSYNTAX *syntax = reinterpret_cast<DUL_TRANSFERSYNTAX *>(LST_Head(syntaxes));
  (void)LST_Position(syntaxes, reinterpret_cast<LST_NODE *>(syntax));
  while (syntax != nullptr && context->transfer_syntax_count < DICOM_TRANSFER_SYNTAXES_MAX) {
    snprintf(context->transfer_syntaxes[context->transfer_syntax_count++], DICOM_UID_TEXT_MAX, "%s",
             syntax->transferSyntax);
    syntax = reinterpret_cast<DUL_TRANSFERSYNTAX *>(LST_Next(syntaxes));
  }
  return CAS_OK;
}

cas_status dicom_association_accept_context(struct dicom_association *association, uint8_t id,
                                            const char *transfer_syntax, bool any_role, struct cas_error *error) {
  T_ASC_SC_ROLE role = ASC_SC_ROLE_SCU;
  LST_HEAD **list = &association->association->params->DULparams.requestedPresentationContext;
  DUL_PRESENTATIONCONTEXT *proposed = reinterpret_cast<DUL_PRESENTATIONCONTEXT *>(LST_Head(list));
  (void)LST_Position(list, reinterpret_cast<LST_NODE *>(proposed));
  while (proposed != nullptr && proposed->presentationContextID != id) {
    proposed = reinterpret_cast<DUL_PRESENTATIONCONTEXT *>(LST_Next(list));
  }
  if (any_role && proposed != nullptr && proposed->proposedSCRole == DUL_SC_ROLE_SCP) role = ASC_SC_ROLE_SCP;
  if (any_role && proposed != nullptr && proposed->proposedSCRole == DUL_SC_ROLE_SCUSCP) role = ASC_SC_ROLE_SCUSCP;
  const OFCondition condition =
      ASC_acceptPresentationContext(association->association->params, id, transfer_syntax, role);
  return condition.good() ? CAS_OK : shim_fail(error, CAS_REFUSED, "presentation context", condition);
}

cas_status dicom_association_refuse_context(struct dicom_association *association, uint8_t id, enum dicom_refusal why,
                                            struct cas_error *error) {
  const OFCondition condition =
      ASC_refusePresentationContext(association->association->params, id,
                                    why == DICOM_REFUSE_USER ? ASC_P_USERREJECTION : ASC_P_ABSTRACTSYNTAXNOTSUPPORTED);
  return condition.good() ? CAS_OK : shim_fail(error, CAS_REFUSED, "presentation context", condition);
}

cas_status dicom_association_answer_extended(struct dicom_association *association, struct cas_error *error) {
  T_ASC_Association *asc = association->association;
  SOPClassExtendedNegotiationSubItemList *requested = nullptr;
  ASC_getRequestedExtNegList(asc->params, &requested);
  if (requested == nullptr || requested->empty()) return CAS_OK;
  try {
    SOPClassExtendedNegotiationSubItemList *answers = new SOPClassExtendedNegotiationSubItemList;
    ASC_setAcceptedExtNegList(asc->params, answers); // the parameters own it from here
    for (OFListIterator(SOPClassExtendedNegotiationSubItem *) it = requested->begin(); it != requested->end(); ++it) {
      const OFString &uid = (*it)->sopClassUID;
      unsigned char info[NEGOTIATION_INFO_BYTES_MAX];
      if (ASC_findAcceptedPresentationContextID(asc, uid.c_str()) == 0) continue;
      const size_t size =
          negotiation_answer_extended(uid.c_str(), dicom_uid_kind_of(uid.c_str()), (*it)->serviceClassAppInfo,
                                      (*it)->serviceClassAppInfoLength, info);
      if (size == 0) continue;
      SOPClassExtendedNegotiationSubItem *item = new SOPClassExtendedNegotiationSubItem;
      answers->push_back(item);
      item->sopClassUID = uid;
      item->sopClassUIDLength = static_cast<unsigned short>(uid.length());
      item->serviceClassAppInfo = new unsigned char[size];
      memcpy(item->serviceClassAppInfo, info, size);
      item->serviceClassAppInfoLength = static_cast<unsigned short>(size);
      item->itemLength = static_cast<unsigned short>(2 + uid.length() + size);
    }
  } catch (const std::bad_alloc &) {
    return shim_fail(error, CAS_NO_MEMORY, "extended negotiation");
  }
  return CAS_OK;
}

unsigned dicom_association_extended(const struct dicom_association *association, const char *abstract_syntax,
                                    size_t index) {
  SOPClassExtendedNegotiationSubItemList *answers = nullptr;
  ASC_getAcceptedExtNegList(association->association->params, &answers);
  if (answers == nullptr) return 0;
  for (OFListIterator(SOPClassExtendedNegotiationSubItem *) it = answers->begin(); it != answers->end(); ++it)
    if ((*it)->sopClassUID == abstract_syntax && (*it)->serviceClassAppInfoLength > index)
      return (*it)->serviceClassAppInfo[index];
  return 0;
}

bool dicom_association_accepted(const struct dicom_association *association, uint8_t id,
                                char abstract_syntax[DICOM_UID_TEXT_MAX], char transfer_syntax[DICOM_UID_TEXT_MAX]) {
  T_ASC_PresentationContext found;
  if (ASC_findAcceptedPresentationContext(association->association->params, id, &found).bad()) return false;
  snprintf(abstract_syntax, DICOM_UID_TEXT_MAX, "%s", found.abstractSyntax);
  snprintf(transfer_syntax, DICOM_UID_TEXT_MAX, "%s", found.acceptedTransferSyntax);
  return true;
}

size_t dicom_association_provided(const struct dicom_association *association, const char *abstract_syntax,
                                  struct dicom_provided provided[DICOM_CONTEXTS_MAX]) {
  size_t count = 0;
  for (unsigned id = 1; id < 2 * DICOM_CONTEXTS_MAX; id += 2) {
    T_ASC_PresentationContext found;
    T_ASC_Parameters *params = association->association->params;
    if (ASC_findAcceptedPresentationContext(params, static_cast<T_ASC_PresentationContextID>(id), &found).bad())
      continue;
    if (found.acceptedRole != ASC_SC_ROLE_SCP && found.acceptedRole != ASC_SC_ROLE_SCUSCP) continue;
    if (strcmp(found.abstractSyntax, abstract_syntax) != 0) continue;
    provided[count].id = static_cast<uint8_t>(id);
    snprintf(provided[count++].transfer_syntax, DICOM_UID_TEXT_MAX, "%s", found.acceptedTransferSyntax);
  }
  return count;
}

const char *dicom_common_storage_class(size_t index) {
  return index < static_cast<size_t>(numberOfDcmLongSCUStorageSOPClassUIDs) ? dcmLongSCUStorageSOPClassUIDs[index]
                                                                            : nullptr;
}
