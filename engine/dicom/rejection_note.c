#include "dicom/rejection_note.h"

#include "base/status.h"
#include "cassette/attributes.h"

enum {
  TAG_CODE_VALUE = 0x00080100,
  TAG_CODING_SCHEME = 0x00080102,
  TAG_REFERENCED_SERIES = 0x00081115,
  TAG_REFERENCED_INSTANCE_UID = 0x00081155,
  TAG_REFERENCED_INSTANCES = 0x00081199,
  TAG_CONCEPT_NAME = 0x0040A043,
  TAG_EVIDENCE = 0x0040A375,
};

enum rejection rejection_note_reason(const struct data_set *note) {
  static const char *const codes[] = {"", "113001", "113037", "113038", "113039"};
  struct data_element concept_name;
  struct data_set item;
  char class_uid[CAS_UID_TEXT_MAX], code[17], scheme[17];
  size_t offset = 0;
  data_set_text(note, CAS_TAG_SOP_CLASS_UID, class_uid, sizeof class_uid);
  if (strcmp(class_uid, KEY_OBJECT_SELECTION_UID) != 0) return REJECTION_NONE;
  if (!data_set_find(note, TAG_CONCEPT_NAME, &concept_name)) return REJECTION_NONE;
  const struct data_set items = data_element_items(&concept_name);
  if (data_set_next_item(&items, &offset, &item) != DATA_SET_ELEMENT) return REJECTION_NONE;
  data_set_text(&item, TAG_CODE_VALUE, code, sizeof code);
  data_set_text(&item, TAG_CODING_SCHEME, scheme, sizeof scheme);
  if (strcmp(scheme, "DCM") != 0) return REJECTION_NONE;
  for (unsigned i = REJECTION_QUALITY; i <= REJECTION_RETENTION; i++)
    if (strcmp(code, codes[i]) == 0) return (enum rejection)i;
  return REJECTION_NONE;
}

struct walk {
  rejection_fn each;
  void *arg;
  bool *is_whole;
};

/* The tags on the way down: each a sequence, in whose items the next one stands. */
static const uint32_t way[] = {TAG_EVIDENCE, TAG_REFERENCED_SERIES, TAG_REFERENCED_INSTANCES};
#define WAY_STEPS (sizeof way / sizeof *way)

static cas_status walk_down(const struct walk *walk, const struct data_set *set, size_t step) {
  struct data_element sequence;
  struct data_set item;
  char uid[CAS_UID_TEXT_MAX];
  enum data_set_step found;
  size_t offset = 0;
  if (step == WAY_STEPS) {
    data_set_text(set, TAG_REFERENCED_INSTANCE_UID, uid, sizeof uid);
    if (uid[0] != '\0') return walk->each(walk->arg, uid);
    *walk->is_whole = false;
    return CAS_OK;
  }
  if (!data_set_find(set, way[step], &sequence)) {
    *walk->is_whole = false;
    return CAS_OK;
  }
  const struct data_set items = data_element_items(&sequence);
  while ((found = data_set_next_item(&items, &offset, &item)) == DATA_SET_ELEMENT)
    STATUS_TRY(walk_down(walk, &item, step + 1));
  if (found == DATA_SET_BROKEN) *walk->is_whole = false;
  return CAS_OK;
}

cas_status rejection_note_list(const struct data_set *note, rejection_fn each, void *arg, bool *is_whole) {
  struct walk walk = {.each = each, .arg = arg, .is_whole = is_whole};
  *is_whole = true;
  return walk_down(&walk, note, 0);
}
