/* Owns nothing. Invariant: each tag is there once. */
#include "remote_keys.h"

#include <string.h>

#define UTF_8 "ISO_IR 192"

/* Attributes that peers compute, beside those of the index. */
static const struct cas_attribute_definition computed[] = {
    {0x00080056, 0, "CS", "InstanceAvailability"},
    {0x00080061, CAS_LEVEL_STUDY, "CS", "ModalitiesInStudy"},
    {0x00080062, CAS_LEVEL_STUDY, "UI", "SOPClassesInStudy"},
    {0x00201200, CAS_LEVEL_PATIENT, "IS", "NumberOfPatientRelatedStudies"},
    {0x00201202, CAS_LEVEL_PATIENT, "IS", "NumberOfPatientRelatedSeries"},
    {0x00201204, CAS_LEVEL_PATIENT, "IS", "NumberOfPatientRelatedInstances"},
    {0x00201206, CAS_LEVEL_STUDY, "IS", "NumberOfStudyRelatedSeries"},
    {0x00201208, CAS_LEVEL_STUDY, "IS", "NumberOfStudyRelatedInstances"},
    {0x00201209, CAS_LEVEL_SERIES, "IS", "NumberOfSeriesRelatedInstances"},
};

static const struct cas_attribute_definition *definition_of(const char *name) {
  for (size_t i = 0; i < sizeof computed / sizeof computed[0]; i++)
    if (strcmp(computed[i].keyword, name) == 0) return &computed[i];
  return cas_attribute_by_name(name);
}

static bool has_tag(const struct remote_keys *keys, uint32_t tag) {
  for (size_t i = 0; i < keys->count; i++)
    if (keys->keys[i].tag == tag) return true;
  return false;
}

static bool add(struct remote_keys *keys, uint32_t tag, const char *vr, const char *keyword, const char *value) {
  if (keys->count == REMOTE_KEYS_MAX || has_tag(keys, tag)) return false;
  struct remote_key *key = &keys->keys[keys->count++];
  *key = (struct remote_key){.tag = tag, .value = value};
  snprintf(key->vr, sizeof key->vr, "%.2s", vr);
  snprintf(key->keyword, sizeof key->keyword, "%s", keyword);
  return true;
}

bool remote_key_tag(const char *text, uint32_t *tag) {
  char *end;
  if (strlen(text) != 9 || text[4] != ',' || strspn(text, "0123456789abcdefABCDEF") != 4) return false;
  const unsigned long group = strtoul(text, &end, 16), number = strtoul(text + 5, &end, 16);
  *tag = (uint32_t)(group << 16 | number);
  return *end == '\0';
}

static int read_one(struct cli_arguments *arguments, char *operand, struct remote_keys *keys) {
  char *equals = strchr(operand, '=');
  const char *name = equals != NULL ? operand : "StudyInstanceUID";
  const char *value = equals != NULL ? equals + 1 : operand;
  if (equals != NULL) *equals = '\0';
  if (strlen(value) > 65534) return cli_usage(arguments, "the value of %s is too long", name);
  const struct cas_attribute_definition *known = definition_of(name);
  uint32_t tag;
  bool added;
  if (known != NULL)
    added = add(keys, known->tag, known->vr, known->keyword, value);
  else if (remote_key_tag(name, &tag) && tag >> 16 > 2)
    added = add(keys, tag, "LO", name, value);
  else
    return cli_usage(arguments, "\"%s\" is neither a known keyword nor gggg,eeee", name);
  return added ? CLI_OK : cli_usage(arguments, "%s is given twice, or there are more than %u", name, REMOTE_KEYS_MAX);
}

int remote_keys_read(struct cli_arguments *arguments, int first, struct remote_keys *keys) {
  for (int i = first; i < arguments->operand_count; i++) {
    const int code = read_one(arguments, arguments->operands[i], keys);
    if (code != CLI_OK) return code;
  }
  return CLI_OK;
}

void remote_keys_want(struct remote_keys *keys, uint32_t tag, const char *vr, const char *keyword) {
  (void)add(keys, tag, vr, keyword, "");
}

void remote_keys_settle(struct remote_keys *keys) {
  static const uint32_t unique[] = {0, CAS_TAG_PATIENT_ID, CAS_TAG_STUDY_INSTANCE_UID, CAS_TAG_SERIES_INSTANCE_UID,
                                    CAS_TAG_SOP_INSTANCE_UID};
  enum cas_level by_unique = 0, by_any = 0;
  for (size_t i = 0; i < keys->count; i++) {
    const struct remote_key *key = &keys->keys[i];
    const struct cas_attribute_definition *known = definition_of(key->keyword);
    if (known != NULL && known->level > by_any) by_any = known->level;
    for (enum cas_level level = CAS_LEVEL_PATIENT; level <= CAS_LEVEL_INSTANCE; level++)
      if (key->tag == unique[level] && key->value[0] != '\0' && level > by_unique) by_unique = level;
  }
  if (keys->level == 0) keys->level = by_unique != 0 ? by_unique : by_any != 0 ? by_any : CAS_LEVEL_STUDY;
}

const char *remote_keys_model(const struct remote_keys *keys, enum remote_service service) {
  static const char *const patient_root[] = {"1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.1.2",
                                             "1.2.840.10008.5.1.4.1.2.1.3"};
  static const char *const study_root[] = {"1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2",
                                           "1.2.840.10008.5.1.4.1.2.2.3"};
  return keys->level == CAS_LEVEL_PATIENT ? patient_root[service] : study_root[service];
}

static int by_tag(const void *a, const void *b) {
  const struct remote_key *left = a, *right = b;
  return (left->tag > right->tag) - (left->tag < right->tag);
}

static bool is_ascii(const char *text) {
  while (*text > 0) text++;
  return *text == '\0';
}

cas_status remote_keys_encode(const struct remote_keys *keys, struct cas_buffer *bytes) {
  static const char *const names[] = {"", "PATIENT", "STUDY", "SERIES", "IMAGE"};
  struct remote_keys all = *keys;
  bool ascii = true;
  for (size_t i = 0; i < all.count; i++) ascii = ascii && is_ascii(all.keys[i].value);
  if (!has_tag(&all, CAS_TAG_SPECIFIC_CHARACTER_SET) && !ascii && all.count < REMOTE_KEYS_MAX)
    (void)add(&all, CAS_TAG_SPECIFIC_CHARACTER_SET, "CS", "SpecificCharacterSet", UTF_8);
  cas_status status = CAS_OK;
  qsort(all.keys, all.count, sizeof all.keys[0], by_tag);
  bool level_put = false;
  for (size_t i = 0; i <= all.count && status == CAS_OK; i++) {
    if (!level_put && (i == all.count || all.keys[i].tag > IDENTIFIER_TAG_LEVEL)) {
      const char *name = names[all.level];
      const struct cas_slice value = {.data = (const uint8_t *)name, .size = strlen(name)};
      status = identifier_put(bytes, false, IDENTIFIER_TAG_LEVEL, "CS", value);
      level_put = true;
    }
    if (i == all.count || status != CAS_OK || all.keys[i].tag == IDENTIFIER_TAG_LEVEL) continue;
    const struct cas_slice value = {.data = (const uint8_t *)all.keys[i].value, .size = strlen(all.keys[i].value)};
    status = identifier_put(bytes, false, all.keys[i].tag, all.keys[i].vr, value);
  }
  return status;
}
