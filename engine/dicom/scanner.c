/*
 * The scanner: preamble, meta group and data set of one object, the captured values, the summary.
 *
 * Stages: START (up to 132 bytes, until the prefix is there or not) -> ELEMENTS -> DEFLATED.
 *
 * Invariants
 *  1. Every pushed byte is with the router, in `start`, or held by the parser; all of it went to the sink at finish.
 *  2. A tag is captured once: the first value stands, so that bytes behind a broken structure cannot rename an object.
 */
#include "dicom/scanner.h"

#include "base/limits.h"
#include "base/status.h"
#include "dicom/deflate_reader.h"
#include "dicom/inflater.h"

enum {
  PREAMBLE_BYTES = 128,
  START_BYTES = PREAMBLE_BYTES + 4,
  CAPTURED_VALUES_MAX = 128, /* the indexed attributes and two of the meta group; the rest is room */
  TAG_MEDIA_STORAGE_SOP_CLASS_UID = 0x00020002,
  TAG_MEDIA_STORAGE_SOP_INSTANCE_UID = 0x00020003,
};

static const char media_directory_class_uid[] = "1.2.840.10008.1.3.10";

enum stage { STAGE_START, STAGE_ELEMENTS, STAGE_DEFLATED };

/* A value as it stood in the object. It is converted at the end: the character set may come behind it. */
struct captured_value {
  uint32_t tag;
  struct raw_value value; /* its `bytes.data` is unused: the bytes lie at `offset` of `captured_bytes` */
  size_t offset;
};

struct dicom_scanner {
  struct byte_router router;
  struct element_listener listener;
  struct element_parser parser;
  struct deflate_reader *deflate;
  enum stage stage;
  uint8_t start[START_BYTES];
  size_t start_bytes;
  struct captured_value captured[CAPTURED_VALUES_MAX];
  size_t captured_count;
  struct cas_buffer captured_bytes;
  struct cas_attributes *attributes;
  struct dicom_summary summary;
};

static bool scanner_wants(void *arg, uint32_t tag, char vr[2]) {
  struct dicom_scanner *scanner = arg;
  const struct cas_attribute_definition *definition = cas_attribute_by_tag(tag);
  if (definition != NULL) {
    memcpy(vr, definition->vr, 2);
  } else if (tag == TAG_MEDIA_STORAGE_SOP_CLASS_UID || tag == TAG_MEDIA_STORAGE_SOP_INSTANCE_UID) {
    vr[0] = 'U';
    vr[1] = 'I';
  } else {
    return false;
  }
  for (size_t i = 0; i < scanner->captured_count; i++) {
    if (scanner->captured[i].tag == tag) return false;
  }
  return true;
}

static cas_status scanner_value(void *arg, uint32_t tag, const struct raw_value *value) {
  struct dicom_scanner *scanner = arg;
  char vr[2];
  if (scanner->captured_count == CAPTURED_VALUES_MAX || !scanner_wants(scanner, tag, vr)) return CAS_OK;
  struct captured_value captured = {.tag = tag, .value = *value, .offset = scanner->captured_bytes.size};
  STATUS_TRY(cas_buffer_append(&scanner->captured_bytes, value->bytes));
  scanner->captured[scanner->captured_count++] = captured;
  return CAS_OK;
}

static void scanner_defect(void *arg, enum dicom_defect defect, uint64_t offset) {
  struct dicom_scanner *scanner = arg;
  if (scanner->summary.defect == DICOM_DEFECT_NONE) {
    scanner->summary.defect = defect;
    scanner->summary.defect_offset = offset;
  }
  scanner->summary.defects |= 1u << defect;
}

cas_status dicom_scanner_create(const struct dicom_sink *sink, struct dicom_scanner **scanner) {
  struct dicom_scanner *created = calloc(1, sizeof *created);
  if (created == NULL) return CAS_NO_MEMORY;
  cas_status status = cas_attributes_create(&created->attributes);
  if (status != CAS_OK) {
    free(created);
    return status;
  }
  created->router.sink = *sink;
  created->listener = (struct element_listener){
      .wants = scanner_wants, .value = scanner_value, .defect = scanner_defect, .arg = created};
  *scanner = created;
  return CAS_OK;
}

void dicom_scanner_destroy(struct dicom_scanner *scanner) {
  if (scanner == NULL) return;
  deflate_reader_destroy(scanner->deflate);
  cas_attributes_destroy(scanner->attributes);
  cas_buffer_fini(&scanner->captured_bytes);
  free(scanner);
}

/* The captured value of a tag; false where there is none. */
static bool captured_get(const struct dicom_scanner *scanner, uint32_t tag, struct raw_value *value) {
  for (size_t i = 0; i < scanner->captured_count; i++) {
    if (scanner->captured[i].tag != tag) continue;
    *value = scanner->captured[i].value;
    bool is_empty = value->bytes.size == 0;
    value->bytes.data = is_empty ? NULL : scanner->captured_bytes.data + scanner->captured[i].offset;
    return true;
  }
  return false;
}

/* The transfer syntax UID of the meta group, as far as it can be one: longer ones are unknown anyway. */
static void transfer_syntax_uid(const struct dicom_scanner *scanner, char uid[CAS_UID_TEXT_MAX]) {
  struct raw_value value;
  uid[0] = '\0';
  if (!captured_get(scanner, CAS_TAG_TRANSFER_SYNTAX_UID, &value)) return;
  size_t size = value.bytes.size;
  while (size > 0 && (value.bytes.data[size - 1] == 0 || value.bytes.data[size - 1] == ' ')) size--;
  if (size >= CAS_UID_TEXT_MAX) return;
  if (size > 0) memcpy(uid, value.bytes.data, size);
  uid[size] = '\0';
}

static void check_meta(struct dicom_scanner *scanner, const char *syntax_uid) {
  const struct element_parser *parser = &scanner->parser;
  bool length_is_right = parser->has_meta_length && parser->meta_end == parser->offset;
  if (!parser->meta_seen || !length_is_right || syntax_uid[0] == '\0') {
    scanner_defect(scanner, DICOM_DEFECT_META, parser->offset);
  }
}

/* Hands the data set to a deflate reader, beginning with what the parser holds. */
static cas_status deflated_begin(struct dicom_scanner *scanner, const uint8_t *first) {
  STATUS_TRY(
      deflate_reader_create(&scanner->router, &scanner->listener, scanner->parser.offset, first, &scanner->deflate));
  scanner->stage = STAGE_DEFLATED;
  return deflate_reader_push(scanner->deflate, element_parser_release(&scanner->parser));
}

/* Decides how the data set is written, from what the meta group says and from its first element. */
static cas_status data_set_begin(struct dicom_scanner *scanner, struct cas_slice input) {
  struct element_parser *parser = &scanner->parser;
  const uint8_t *first = element_parser_first(parser, input);
  char syntax_uid[CAS_UID_TEXT_MAX];
  struct transfer_syntax syntax = {0};
  struct element_form form;
  transfer_syntax_uid(scanner, syntax_uid);
  bool is_declared = transfer_syntax_of_uid(syntax_uid, &syntax);
  enum form_judgement judgement = element_form_judge(first, is_declared ? &syntax.form : NULL, &form);
  if (judgement == FORM_IMPLAUSIBLE && !parser->meta_seen) {
    scanner_defect(scanner, DICOM_DEFECT_NOT_DICOM, parser->offset);
    return element_parser_rest(parser);
  }
  scanner->summary.data_set_offset = parser->offset;
  check_meta(scanner, syntax_uid);
  if (syntax.is_deflated) {
    bool is_plain = judgement == FORM_AS_DECLARED && element_looks_explicit(first) && !deflate_is_stored_block(first);
    if (!is_plain) return deflated_begin(scanner, first);
    judgement = FORM_OTHER;
  }
  if (is_declared && judgement == FORM_OTHER) scanner_defect(scanner, DICOM_DEFECT_META, parser->offset);
  if (judgement == FORM_IMPLAUSIBLE) {
    scanner_defect(scanner, DICOM_DEFECT_STRUCTURE, parser->offset);
    return element_parser_rest(parser);
  }
  syntax.form = form;
  element_parser_begin(parser, &syntax);
  return CAS_OK;
}

static cas_status elements_push(struct dicom_scanner *scanner, struct cas_slice *input) {
  STATUS_TRY(element_parser_push(&scanner->parser, input));
  if (scanner->parser.state != PARSER_DATA_SET) return CAS_OK;
  STATUS_TRY(data_set_begin(scanner, *input));
  return scanner->stage == STAGE_ELEMENTS ? element_parser_push(&scanner->parser, input) : CAS_OK;
}

/* Ends STAGE_START: all 132 bytes are there, or the object has ended before. */
static cas_status start_end(struct dicom_scanner *scanner) {
  struct cas_slice start = slice_of(scanner->start, scanner->start_bytes);
  bool has_preamble = start.size == START_BYTES && memcmp(start.data + PREAMBLE_BYTES, "DICM", 4) == 0;
  scanner->summary.has_preamble = has_preamble;
  scanner->stage = STAGE_ELEMENTS;
  element_parser_init(&scanner->parser, &scanner->router, &scanner->listener, has_preamble ? START_BYTES : 0);
  if (has_preamble) return byte_router_header(&scanner->router, start);
  STATUS_TRY(elements_push(scanner, &start));
  return scanner->stage == STAGE_DEFLATED ? deflate_reader_push(scanner->deflate, start) : CAS_OK;
}

static cas_status start_push(struct dicom_scanner *scanner, struct cas_slice *input) {
  size_t missing = START_BYTES - scanner->start_bytes;
  size_t size = input->size < missing ? input->size : missing;
  memcpy(scanner->start + scanner->start_bytes, input->data, size);
  scanner->start_bytes += size;
  *input = slice_of(input->data + size, input->size - size);
  return scanner->start_bytes == START_BYTES ? start_end(scanner) : CAS_OK;
}

cas_status dicom_scanner_push(struct dicom_scanner *scanner, struct cas_slice bytes) {
  if (bytes.size == 0) return CAS_OK;
  scanner->summary.size += bytes.size;
  if (scanner->stage == STAGE_START) STATUS_TRY(start_push(scanner, &bytes));
  if (scanner->stage == STAGE_ELEMENTS) STATUS_TRY(elements_push(scanner, &bytes));
  if (scanner->stage == STAGE_DEFLATED) STATUS_TRY(deflate_reader_push(scanner->deflate, bytes));
  return byte_router_flush(&scanner->router);
}

bool dicom_scanner_at_pixels(const struct dicom_scanner *scanner) {
  const struct element_parser *parser = &scanner->parser;
  if (scanner->stage != STAGE_ELEMENTS) return false;
  if (parser->state == PARSER_FRAGMENT_VALUE) return !parser->fragments.in_table;
  return parser->state == PARSER_VALUE && parser->value.header_left == 0 && parser->value.frames_left > 0;
}

static cas_status attributes_fill(struct dicom_scanner *scanner, struct charset *charset, struct cas_buffer *text) {
  for (size_t i = 0; i < scanner->captured_count; i++) {
    struct raw_value value;
    uint32_t tag = scanner->captured[i].tag;
    if (cas_attribute_by_tag(tag) == NULL || !captured_get(scanner, tag, &value)) continue;
    STATUS_TRY(value_to_text(&value, charset, text));
    STATUS_TRY(cas_attributes_set(scanner->attributes, tag, slice_of_buffer(text)));
  }
  return CAS_OK;
}

/* A UID for the summary. One that is too long is cut and marked with U+FFFD, so that it names nothing. */
static cas_status uid_fill(const struct dicom_scanner *scanner, uint32_t tag, struct charset *charset,
                           struct cas_buffer *text, char uid[CAS_UID_TEXT_MAX]) {
  static const char mark[] = "\xEF\xBF\xBD";
  struct raw_value value;
  uid[0] = '\0';
  if (!captured_get(scanner, tag, &value)) return CAS_OK;
  STATUS_TRY(value_to_text(&value, charset, text));
  bool fits = text->size < CAS_UID_TEXT_MAX;
  size_t size = fits ? text->size : CAS_UID_TEXT_MAX - sizeof mark;
  if (size > 0) memcpy(uid, text->data, size);
  uid[size] = '\0';
  if (!fits) memcpy(uid + size, mark, sizeof mark);
  return CAS_OK;
}

static cas_status summary_fill(struct dicom_scanner *scanner) {
  struct raw_value specific = {0};
  struct charset *charset;
  CLEANUP_BUFFER struct cas_buffer text = {0};
  captured_get(scanner, CAS_TAG_SPECIFIC_CHARACTER_SET, &specific);
  STATUS_TRY(charset_create(specific.bytes, &charset));
  struct dicom_summary *summary = &scanner->summary;
  cas_status status = attributes_fill(scanner, charset, &text);
  if (status == CAS_OK) {
    status = uid_fill(scanner, CAS_TAG_TRANSFER_SYNTAX_UID, charset, &text, summary->transfer_syntax_uid);
  }
  if (status == CAS_OK) status = uid_fill(scanner, CAS_TAG_SOP_CLASS_UID, charset, &text, summary->sop_class_uid);
  if (status == CAS_OK && summary->sop_class_uid[0] == '\0') {
    status = uid_fill(scanner, TAG_MEDIA_STORAGE_SOP_CLASS_UID, charset, &text, summary->sop_class_uid);
  }
  if (status == CAS_OK) status = uid_fill(scanner, CAS_TAG_SOP_INSTANCE_UID, charset, &text, summary->sop_instance_uid);
  if (status == CAS_OK) {
    status =
        uid_fill(scanner, TAG_MEDIA_STORAGE_SOP_INSTANCE_UID, charset, &text, summary->media_storage_sop_instance_uid);
  }
  charset_destroy(charset);
  summary->is_media_directory = strcmp(summary->sop_class_uid, media_directory_class_uid) == 0;
  summary->attributes = scanner->attributes;
  return status;
}

cas_status dicom_scanner_finish(struct dicom_scanner *scanner, const struct dicom_summary **summary) {
  if (scanner->stage == STAGE_START) STATUS_TRY(start_end(scanner));
  if (scanner->stage == STAGE_ELEMENTS) {
    bool has_nothing = scanner->parser.state == PARSER_META && !scanner->parser.meta_seen;
    if (has_nothing && !scanner->summary.has_preamble) scanner_defect(scanner, DICOM_DEFECT_NOT_DICOM, 0);
    STATUS_TRY(element_parser_finish(&scanner->parser));
  } else {
    STATUS_TRY(deflate_reader_finish(scanner->deflate));
  }
  STATUS_TRY(summary_fill(scanner));
  *summary = &scanner->summary;
  return CAS_OK;
}

struct cas_attributes *dicom_scanner_take_attributes(struct dicom_scanner *scanner) {
  struct cas_attributes *attributes = scanner->attributes;
  scanner->attributes = scanner->summary.attributes = NULL;
  return attributes;
}

const char *dicom_defect_text(enum dicom_defect defect) {
  switch (defect) {
  case DICOM_DEFECT_NONE: return "no defect";
  case DICOM_DEFECT_NOT_DICOM: return "no DICOM object";
  case DICOM_DEFECT_TRUNCATED: return "cut short";
  case DICOM_DEFECT_STRUCTURE: return "broken structure";
  case DICOM_DEFECT_NESTING: return "sequences nested too deep";
  case DICOM_DEFECT_TRAILING_BYTES: return "bytes behind the data set";
  case DICOM_DEFECT_DEFLATE: return "damaged deflated data set";
  case DICOM_DEFECT_META: return "wrong or missing file meta information";
  case DICOM_DEFECT_PIXELS: return "pixel data that does not fit its description";
  }
  return "unknown defect";
}
