/* Owns the policy of presentation contexts. Nothing here has a state. */
#include "negotiation.h"

#include <string.h>

static bool starts_with(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

bool negotiation_is_query(const char *abstract_syntax) {
  static const char *const tails[] = {"1.1", "1.2", "1.3", "2.1", "2.2", "2.3"};
  static const char root[] = "1.2.840.10008.5.1.4.1.2.";
  if (!starts_with(abstract_syntax, root)) return false;
  for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++)
    if (strcmp(abstract_syntax + strlen(root), tails[i]) == 0) return true;
  return false;
}

size_t negotiation_answer_extended(const char *abstract_syntax, enum dicom_uid_kind kind, const unsigned char *proposed,
                                   size_t size, unsigned char answer[NEGOTIATION_INFO_BYTES_MAX]) {
  static const unsigned char storage[] = {2, 0, 3, 0, 0, 0};
  static const unsigned char finds[] = {1, 1, 0, 0, 0, 1, 1}, retrieves[] = {1, 0};
  if (kind == DICOM_UID_STORAGE) {
    memcpy(answer, storage, sizeof storage);
    return sizeof storage;
  }
  if (!negotiation_is_query(abstract_syntax)) return 0;
  const bool is_find = abstract_syntax[strlen(abstract_syntax) - 1] == '1';
  const unsigned char *can = is_find ? finds : retrieves;
  const size_t most = is_find ? sizeof finds : sizeof retrieves;
  if (size > most) size = most;
  for (size_t i = 0; i < size; i++) answer[i] = can[i] != 0 && proposed[i] == 1;
  return size;
}

const char *negotiation_choose_plain(const char *const *transfer_syntaxes, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(transfer_syntaxes[i], "1.2.840.10008.1.2") == 0 ||
        strcmp(transfer_syntaxes[i], "1.2.840.10008.1.2.1") == 0)
      return transfer_syntaxes[i];
  return NULL;
}

/* DCMTK's private SOP class: its providers stop when it is proposed. */
static const char shutdown_uid[] = "1.2.276.0.7230010.3.4.1915765545.18030.917282194.0";

bool negotiation_accepts(const char *abstract_syntax, enum dicom_uid_kind kind) {
  if (strcmp(abstract_syntax, "1.2.840.10008.1.1") == 0 || negotiation_is_query(abstract_syntax)) return true;
  if (starts_with(abstract_syntax, "1.2.840.10008.5.1.4.1.1.")) return true;
  if (kind == DICOM_UID_STORAGE) return true;
  if (strcmp(abstract_syntax, shutdown_uid) == 0) return false;
  return kind == DICOM_UID_UNKNOWN && abstract_syntax[0] != '\0' && !starts_with(abstract_syntax, "1.2.840.10008.");
}

/* Uncompressed, deflated, and the compressed ones that are lossless by definition (PS3.6 A). JPEG 2000 (.4.91), JPEG-LS
 * near-lossless (.4.81), JPEG XL (.4.112) and HTJ2K (.4.203) may lose something. */
static bool loses_nothing(const char *uid) {
  static const char *const tails[] = {"2",      "2.1",    "2.1.99", "2.2",   "2.4.57",  "2.4.70",  "2.4.80",
                                      "2.4.90", "2.4.92", "2.5",    "2.8.1", "2.4.110", "2.4.201", "2.4.202"};
  static const char root[] = "1.2.840.10008.1.";
  if (!starts_with(uid, root)) return false;
  for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
    if (strcmp(uid + strlen(root), tails[i]) == 0) return true;
  }
  return false;
}

size_t negotiation_choose(const char *const *transfer_syntaxes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (loses_nothing(transfer_syntaxes[i])) return i;
  }
  return 0;
}

static size_t trimmed(const char **text) {
  while (**text == ' ') (*text)++;
  size_t size = strlen(*text);
  while (size > 0 && (*text)[size - 1] == ' ') size--;
  return size;
}

bool negotiation_same_title(const char *called, const char *ours) {
  const size_t called_size = trimmed(&called);
  const size_t our_size = trimmed(&ours);
  return called_size == our_size && memcmp(called, ours, our_size) == 0;
}
