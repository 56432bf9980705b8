/* Any bytes as a data set: the first says in which form. It is walked, by the front ends' reader, too, read as a
 * rejection note, and changed; what is changed can be walked and changed again, and tells what was there. */
#include <stdlib.h>
#include <string.h>

#include "cassette/data_set.h"
#include "dicom/data_set_edit.h"
#include "dicom/rejection_note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static cas_status count_uid(void *arg, const char *uid) {
  *(size_t *)arg += strlen(uid);
  return CAS_OK;
}

static size_t walk(const struct data_set *set, unsigned depth) {
  struct data_element element;
  struct data_set item;
  size_t offset = 0, count = 0;
  while (data_set_next(set, &offset, &element) == DATA_SET_ELEMENT) {
    size_t inside = 0;
    count++;
    if (element.whole.size < element.value.size || offset > set->bytes.size) abort();
    const struct data_set items = data_element_items(&element);
    while (depth < 4 && data_set_next_item(&items, &inside, &item) == DATA_SET_ELEMENT) count += walk(&item, depth + 1);
  }
  return count;
}

/* The same by the reader of the front ends. */
static size_t walk_publicly(struct cas_data_set set, unsigned depth) {
  const struct cas_data_set around = set;
  struct cas_element element;
  struct cas_data_set item;
  size_t count = 0;
  while (cas_data_set_next(&set, &element) == CAS_OK) {
    struct cas_data_set items = cas_data_set_items(&around, &element);
    count++;
    while (depth < 4 && cas_data_set_next_item(&items, &item) == CAS_OK) count += walk_publicly(item, depth + 1);
  }
  return count;
}

static const struct element_edit edits[] = {
    {.tag = 0x00080005, .vr = "CS", .value = {(const uint8_t *)"ISO_IR 192", 10}},
    {.tag = 0x00100010, .vr = "PN", .value = {(const uint8_t *)"Doe^Jane", 8}},
    {.tag = 0x00100020, .vr = "LO", .value = {(const uint8_t *)"4711x", 5}},
    {.tag = 0x30060002, .vr = "SH", .value = {(const uint8_t *)"label", 5}}};

static void try_edit(const struct data_set *set, bool all) {
  const struct data_set_edits wanted = {
      .edits = edits, .count = 4, .time = "20200101000000", .system = "CASSETTE", .reason = "CORRECT"};
  struct cas_buffer out = {0}, again = {0};
  struct data_element element;
  struct cas_error error;
  char text[16];
  size_t used;
  if (data_set_edit(set, all, &wanted, &out, &used, &error) == CAS_OK) {
    if (used > set->bytes.size) abort();
    struct data_set changed = {.form = set->form, .bytes = slice_of_buffer(&out)};
    data_set_text(&changed, 0x00100020, text, sizeof text);
    if (strcmp(text, "4711x") != 0) abort();
    data_set_text(&changed, 0x30060002, text, sizeof text);
    if (strcmp(text, "label") != 0) abort();
    if (!data_set_find(&changed, 0x04000561, &element)) abort();
    if (data_set_edit(&changed, true, &wanted, &again, &used, &error) != CAS_OK || used != out.size) abort();
  }
  cas_buffer_fini(&out);
  cas_buffer_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  size_t bytes = 0;
  bool is_whole;
  if (size == 0) return 0;
  struct data_set set = {.form = {.explicit_vr = (data[0] & 1) != 0, .big_endian = (data[0] & 3) == 3},
                         .bytes = slice_of(data + 1, size - 1)};
  const struct cas_data_set read = {
      .rest = set.bytes, .explicit_vr = set.form.explicit_vr, .big_endian = set.form.big_endian};
  if (walk(&set, 0) != walk_publicly(read, 0)) abort();
  (void)rejection_note_reason(&set);
  if (rejection_note_list(&set, count_uid, &bytes, &is_whole) != CAS_OK) abort();
  try_edit(&set, (data[0] & 4) != 0);
  return 0;
}
