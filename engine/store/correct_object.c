/* Owns what is read of the object, and what it becomes, until the ingest has it. */
#include "store/correct_object.h"

#include <stdio.h>
#include <time.h>

#include "base/limits.h"
#include "dicom/charset_encode.h"
#include "dicom/data_set_edit.h"
#include "dicom/transfer_syntax.h"
#include "store/correct_check.h"
#include "store/correct_source.h"
#include "store/ingest_here.h"
#include "store/store.h"

#define HEAD_BYTES_FIRST ((size_t)256 << 10)
#define COPY_BYTES ((size_t)1 << 20)

struct correcting {
  struct cas_store *store;
  const struct cas_correction *correction;
  const struct commit_hold *hold;
  char uid[CAS_UID_TEXT_MAX], syntax[CAS_UID_TEXT_MAX];
  uint32_t version;
  struct correct_source source;
  struct cas_buffer head; /* the first bytes of it */
  struct cas_buffer values;
  struct element_edit edits[CAS_ASSIGNMENTS_MAX + 1];
  uint32_t tags[CAS_ASSIGNMENTS_MAX + 1];
  size_t edit_count;
  struct cas_buffer changed; /* what the data set begins with afterwards */
  size_t used;               /* of the data set before, which that stands for */
  struct cas_error *error;
};

/* --- the object --- */

static cas_status take_node(void *arg, const struct cas_node *node) {
  struct correcting *correcting = arg;
  if (node->level != CAS_LEVEL_INSTANCE) return status_fail(correcting->error, CAS_INVALID, "this is no instance");
  correcting->version = node->version;
  snprintf(correcting->uid, sizeof correcting->uid, "%s",
           cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID));
  snprintf(correcting->syntax, sizeof correcting->syntax, "%s",
           cas_attributes_text(node->attributes, CAS_TAG_TRANSFER_SYNTAX_UID));
  return CAS_OK;
}

static cas_status read_head(struct correcting *correcting, size_t wanted) {
  struct cas_buffer *head = &correcting->head;
  STATUS_TRY(cas_buffer_reserve(head, wanted));
  while (head->size < wanted) {
    size_t got;
    STATUS_TRY(correct_source_read(&correcting->source, head->data + head->size, wanted - head->size, &got,
                                   correcting->error));
    head->size += got;
    if (correcting->source.has_ended) break;
  }
  return CAS_OK;
}

static cas_status refuse(const struct correcting *correcting, const char *why) {
  return status_fail(correcting->error, CAS_REFUSED, "the object cannot be changed: %s", why);
}

static cas_status begin_data_set(const struct correcting *correcting, struct data_set *set) {
  struct transfer_syntax syntax = {0};
  const char *inflated = correcting->source.inflates_to;
  uint64_t offset = correct_source_data_set_offset(&correcting->source);
  bool is_declared = transfer_syntax_of_uid(inflated != NULL ? inflated : correcting->syntax, &syntax);
  if (offset + ELEMENT_HEADER_BYTES_MAX > correcting->head.size) return refuse(correcting, "it is too short");
  set->bytes = slice_of(correcting->head.data + offset, correcting->head.size - offset);
  if (element_form_judge(set->bytes.data, is_declared ? &syntax.form : NULL, &set->form) == FORM_IMPLAUSIBLE)
    return refuse(correcting, "it begins with no element");
  return CAS_OK;
}

/* --- the edits --- */

static void insert_edit(struct correcting *correcting, const struct element_edit *edit) {
  size_t at = correcting->edit_count++;
  for (; at > 0 && correcting->edits[at - 1].tag > edit->tag; at--) correcting->edits[at] = correcting->edits[at - 1];
  correcting->edits[at] = *edit;
}

static struct cas_slice trimmed(struct cas_slice value) {
  while (value.size > 0 && (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == 0)) value.size--;
  return value;
}

/* The edit of one assignment, unless the element has that value. */
static cas_status add_edit(struct correcting *correcting, const struct data_set *set,
                           const struct cas_assignment *assignment, struct cas_slice character_set) {
  struct data_element element;
  char name[CORRECT_NAME_BYTES_MAX];
  size_t begin = correcting->values.size;
  cas_status status = charset_encode(character_set, assignment->value, &correcting->values);
  if (status == CAS_UNSUPPORTED)
    return status_fail(correcting->error, CAS_REFUSED, "%s: the object's character set has not all of its characters",
                       correct_name(assignment, name));
  STATUS_TRY(status);
  struct element_edit edit = {.tag = assignment->tag,
                              .value = slice_of(correcting->values.data + begin, correcting->values.size - begin)};
  memcpy(edit.vr, correct_vr(assignment), sizeof edit.vr);
  if (data_set_find(set, edit.tag, &element) && slice_equal(trimmed(element.value), edit.value)) return CAS_OK;
  insert_edit(correcting, &edit);
  return CAS_OK;
}

static bool needs_unicode(const struct cas_correction *correction) {
  for (size_t i = 0; i < correction->count; i++)
    if (!charset_is_ascii(correction->assignments[i].value)) return true;
  return false;
}

/* An object without a character set has ASCII alone, and so may get Unicode. */
static cas_status make_edits(struct correcting *correcting, const struct data_set *set) {
  const struct cas_correction *correction = correcting->correction;
  struct data_element element;
  struct cas_slice character_set = {0};
  size_t room = 0;
  if (data_set_find(set, CAS_TAG_SPECIFIC_CHARACTER_SET, &element)) character_set = trimmed(element.value);
  bool is_ascii = character_set.size == 0 || slice_equal(character_set, slice_of("ISO_IR 6", 8));
  bool switches = is_ascii && needs_unicode(correction);
  if (switches) character_set = slice_of("ISO_IR 192", 10);
  for (size_t i = 0; i < correction->count; i++) room += 4 * strlen(correction->assignments[i].value) + 16;
  STATUS_TRY(cas_buffer_reserve(&correcting->values, room)); /* values stay where they are */
  correcting->edit_count = 0;
  correcting->values.size = 0;
  for (size_t i = 0; i < correction->count; i++)
    STATUS_TRY(add_edit(correcting, set, &correction->assignments[i], character_set));
  if (correcting->edit_count == 0) return status_fail(correcting->error, CAS_EXISTS, "it has these values already");
  for (size_t i = 0; i < correcting->edit_count; i++) correcting->tags[i] = correcting->edits[i].tag;
  struct element_edit set_edit = {.tag = CAS_TAG_SPECIFIC_CHARACTER_SET, .vr = "CS", .value = character_set};
  if (switches) insert_edit(correcting, &set_edit);
  return CAS_OK;
}

static cas_status edit(struct correcting *correcting, bool all) {
  struct data_set set;
  char now[32];
  time_t seconds = time(NULL);
  struct tm parts;
  gmtime_r(&seconds, &parts);
  strftime(now, sizeof now, "%Y%m%d%H%M%S+0000", &parts);
  STATUS_TRY(begin_data_set(correcting, &set));
  STATUS_TRY(make_edits(correcting, &set));
  struct data_set_edits edits = {.edits = correcting->edits,
                                 .count = correcting->edit_count,
                                 .time = now,
                                 .system = "CASSETTE",
                                 .reason = "CORRECT"};
  return data_set_edit(&set, all, &edits, &correcting->changed, &correcting->used, correcting->error);
}

/* Reads more of the object until all that changes is at hand. */
static cas_status read_and_edit(struct correcting *correcting) {
  cas_status status = CAS_END;
  for (size_t wanted = HEAD_BYTES_FIRST; status == CAS_END; wanted *= 4) {
    if (wanted > CORRECTED_HEAD_BYTES_MAX) return refuse(correcting, "its header is too long");
    STATUS_TRY(read_head(correcting, wanted));
    status = edit(correcting, correcting->source.has_ended);
  }
  return status;
}

/* --- the new version --- */

static cas_status write_rest(struct correcting *correcting, struct cas_ingest *ingest) {
  CLEANUP_FREE uint8_t *bytes = malloc(COPY_BYTES);
  size_t got;
  if (bytes == NULL) return CAS_NO_MEMORY;
  while (!correcting->source.has_ended) {
    STATUS_TRY(correct_source_read(&correcting->source, bytes, COPY_BYTES, &got, correcting->error));
    STATUS_TRY(cas_ingest_write(ingest, slice_of(bytes, got), correcting->error));
  }
  return CAS_OK;
}

static cas_status write_all(struct correcting *correcting, struct cas_ingest *ingest) {
  struct cas_slice head = slice_of_buffer(&correcting->head);
  size_t offset = (size_t)correct_source_data_set_offset(&correcting->source), rest = offset + correcting->used;
  if (offset > 0) STATUS_TRY(cas_ingest_write(ingest, slice_of(head.data, offset), correcting->error));
  STATUS_TRY(cas_ingest_write(ingest, slice_of_buffer(&correcting->changed), correcting->error));
  STATUS_TRY(cas_ingest_write(ingest, slice_of(head.data + rest, head.size - rest), correcting->error));
  return write_rest(correcting, ingest);
}

static cas_status begin_version(const struct correcting *correcting, struct cas_ingest **ingest) {
  const struct cas_correction *correction = correcting->correction;
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_CORRECTED, .description = correction->who};
  struct instance_states *states =
      instance_states_create(CAS_ACTION_REPLACE, CAS_REASON_OTHER, correction->who, correction->why);
  cas_status status =
      states == NULL ? CAS_NO_MEMORY : instance_states_add(states, correcting->uid, correcting->version);
  if (status == CAS_OK) status = cas_ingest_begin(correcting->store, &source, ingest, correcting->error);
  if (status != CAS_OK) {
    instance_states_destroy(states);
    return status;
  }
  size_t tags = correcting->edit_count - (correcting->edits[0].tag == CAS_TAG_SPECIFIC_CHARACTER_SET);
  ingest_corrects(*ingest, states, correcting->tags, tags, correcting->hold);
  return CAS_OK;
}

static cas_status put_version(struct correcting *correcting, struct cas_ingest **ingest) {
  struct cas_ingest *begun;
  STATUS_TRY(begin_version(correcting, &begun));
  cas_status status = write_all(correcting, begun);
  if (status == CAS_OK)
    *ingest = begun;
  else
    cas_ingest_abort(begun);
  return status;
}

cas_status correct_object(struct cas_store *store, const char *path, const struct cas_correction *correction,
                          const struct commit_hold *hold, struct cas_ingest **ingest, uint64_t *bytes,
                          struct cas_error *error) {
  struct correcting correcting = {.store = store, .correction = correction, .hold = hold, .error = error};
  STATUS_TRY(cas_node_get(store, path, take_node, &correcting, error));
  cas_status status = correct_source_open(store, path, correcting.syntax, &correcting.source, error);
  if (status == CAS_OK) status = read_and_edit(&correcting);
  if (status == CAS_OK) status = put_version(&correcting, ingest);
  if (status == CAS_OK) *bytes = cas_reader_size(correcting.source.reader);
  correct_source_fini(&correcting.source);
  cas_buffer_fini(&correcting.head);
  cas_buffer_fini(&correcting.values);
  cas_buffer_fini(&correcting.changed);
  return status;
}
