#include "store/identity.h"

#include "dicom/uid.h"

const char *identity_of(const struct dicom_summary *summary) {
  return summary->is_media_directory && summary->sop_instance_uid[0] == '\0' ? summary->media_storage_sop_instance_uid
                                                                             : summary->sop_instance_uid;
}

cas_status identity_check(const struct dicom_summary *summary, const char *requested, struct cas_error *error) {
  const char *uid = identity_of(summary);
  if (summary->defect == DICOM_DEFECT_NOT_DICOM) return status_fail(error, CAS_REFUSED, "not a DICOM object");
  if (uid[0] == '\0')
    return summary->defect == DICOM_DEFECT_NONE
               ? status_fail(error, CAS_REFUSED, "no SOP Instance UID")
               : status_fail(error, CAS_REFUSED, "no SOP Instance UID; %s at byte %llu",
                             dicom_defect_text(summary->defect), (unsigned long long)summary->defect_offset);
  if (!uid_is_acceptable(uid)) return status_fail(error, CAS_REFUSED, "the SOP Instance UID is no UID");
  if (requested != NULL && strcmp(uid, requested) != 0)
    return status_fail(error, CAS_REFUSED, "the data set's SOP Instance UID is not that of the C-STORE request");
  return CAS_OK;
}

void identity_of_data_set(XXH3_state_t *state, const char *transfer_syntax_uid, const struct cas_hash *header_text_hash,
                          struct manifest *manifest) {
  if (XXH3_128bits_reset(state) != XXH_OK) return;
  XXH3_128bits_update(state, transfer_syntax_uid, strlen(transfer_syntax_uid) + 1);
  XXH3_128bits_update(state, header_text_hash->bytes, sizeof header_text_hash->bytes);
  for (size_t i = 1; i < manifest->blob_count; i++)
    XXH3_128bits_update(state, manifest->blobs[i].id.hash.bytes, sizeof manifest->blobs[i].id.hash.bytes);
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
  memcpy(manifest->data_set_hash.bytes, canonical.digest, sizeof canonical.digest);
}
