/*
 * The parser's states: META -> DATA_SET -> ELEMENT <-> VALUE, ELEMENT <-> FRAGMENT_ITEM <-> FRAGMENT_VALUE; any ->
 * REST.
 *
 * Invariants
 *  1. Every step either passes bytes on, lowers the depth, changes the state, or is starved: pushing ends.
 *  2. In PARSER_VALUE and PARSER_FRAGMENT_VALUE at least one byte is to come.
 *  3. held > 0 only before a header: bytes are passed on when it is known what they are.
 */
#include "dicom/element_parser_internal.h"

#include <assert.h>

#include "base/status.h"

enum {
  TAG_META_LENGTH = 0x00020000,
  TAG_DATA_SET_TRAILING_PADDING = 0xFFFCFFFC,
  META_GROUP = 0x0002,
  DELIMITER_GROUP = 0xFFFE,
};

void element_parser_init(struct element_parser *parser, struct byte_router *router,
                         const struct element_listener *listener, uint64_t offset) {
  *parser = (struct element_parser){
      .router = router, .listener = *listener, .state = PARSER_META, .in_meta = true, .offset = offset};
}

void parser_report(struct element_parser *parser, enum dicom_defect defect) {
  parser->listener.defect(parser->listener.arg, defect, parser->offset);
}

const uint8_t *parser_peek(struct element_parser *parser, size_t need) {
  if (parser->held == 0 && parser->input.size >= need) return parser->input.data;
  while (parser->held < need && parser->input.size > 0) {
    parser->head[parser->held++] = *parser->input.data;
    parser->input = slice_of(parser->input.data + 1, parser->input.size - 1);
  }
  parser->is_starved = parser->held < need;
  return parser->is_starved ? NULL : parser->head;
}

struct cas_slice parser_take(struct element_parser *parser, size_t size) {
  struct cas_slice taken = slice_of(parser->input.data, size);
  assert(parser->held == 0 || parser->held == size);
  if (parser->held > 0) {
    taken = slice_of(parser->head, size);
    parser->held = 0;
  } else {
    parser->input = slice_of(parser->input.data + size, parser->input.size - size);
  }
  parser->offset += size;
  return taken;
}

cas_status parser_take_header(struct element_parser *parser, size_t size) {
  bool is_held = parser->held > 0;
  STATUS_TRY(byte_router_header(parser->router, parser_take(parser, size)));
  /* `head` is used again. */
  return is_held ? byte_router_flush(parser->router) : CAS_OK;
}

cas_status element_parser_rest(struct element_parser *parser) {
  value_cutter_plan_rest(&parser->value);
  parser->is_captured = false;
  parser->in_meta = false;
  parser->state = PARSER_REST;
  if (parser->held == 0) return CAS_OK;
  size_t size = parser->held;
  STATUS_TRY(value_cutter_push(&parser->value, parser->router, parser_take(parser, size)));
  return byte_router_flush(parser->router);
}

cas_status parser_lose_step(struct element_parser *parser, enum dicom_defect defect) {
  parser_report(parser, defect);
  return element_parser_rest(parser);
}

static struct element_form form_now(const struct element_parser *parser) {
  bool is_implicit = parser->implicit_depth != 0 && parser->depth >= parser->implicit_depth;
  return is_implicit ? (struct element_form){0} : parser->syntax.form;
}

static void leave(struct element_parser *parser, uint64_t levels) {
  parser->depth -= levels;
  if (parser->depth < parser->implicit_depth) parser->implicit_depth = 0;
}

static cas_status value_end(struct element_parser *parser) {
  parser->state = parser->in_meta ? PARSER_META : PARSER_ELEMENT;
  if (!parser->is_captured) return CAS_OK;
  struct raw_value value = {
      .vr = {parser->vr[0], parser->vr[1]},
      .big_endian = parser->value_big_endian,
      .is_cut = parser->value_bytes > parser->captured_bytes,
      .bytes = slice_of(parser->captured, parser->captured_bytes),
  };
  if (parser->tag == TAG_META_LENGTH && value.bytes.size == 4) {
    parser->has_meta_length = true;
    parser->meta_end = parser->offset + load_u32(value.bytes.data);
  }
  image_geometry_take(&parser->geometry, parser->tag, &value);
  return parser->listener.value(parser->listener.arg, parser->tag, &value);
}

static bool is_wanted(struct element_parser *parser, uint32_t tag, char vr[2]) {
  if (parser->in_meta && tag == TAG_META_LENGTH) return true;
  bool is_geometry = image_geometry_wants(tag, vr);
  return parser->listener.wants(parser->listener.arg, tag, vr) || is_geometry;
}

cas_status parser_value_begin(struct element_parser *parser, const struct element_header *header,
                              struct element_form form) {
  char vr[2] = {'U', 'N'};
  parser->is_captured = parser->depth == 0 && is_wanted(parser, header->tag, vr);
  parser->tag = header->tag;
  parser->value_bytes = header->length;
  parser->value_big_endian = form.big_endian;
  parser->captured_bytes = 0;
  bool vr_is_stated = header->has_vr && memcmp(header->vr, "UN", 2) != 0;
  memcpy(parser->vr, vr_is_stated ? header->vr : vr, 2);
  if (header->length == 0) return value_end(parser);
  parser->state = PARSER_VALUE;
  return CAS_OK;
}

static cas_status step_value(struct element_parser *parser) {
  size_t size = parser->input.size < parser->value.left ? parser->input.size : (size_t)parser->value.left;
  parser->is_starved = size == 0;
  if (parser->is_captured) {
    size_t room = sizeof parser->captured - parser->captured_bytes;
    size_t captured = size < room ? size : room;
    if (captured > 0) memcpy(parser->captured + parser->captured_bytes, parser->input.data, captured);
    parser->captured_bytes += captured;
  }
  STATUS_TRY(value_cutter_push(&parser->value, parser->router, parser_take(parser, size)));
  return parser->state == PARSER_VALUE && parser->value.left == 0 ? value_end(parser) : CAS_OK;
}

static cas_status step_meta(struct element_parser *parser) {
  const uint8_t *bytes = parser_peek(parser, ELEMENT_HEADER_BYTES_MIN);
  if (bytes == NULL) return CAS_OK;
  if (load_u16(bytes) != META_GROUP) {
    parser->in_meta = false;
    parser->state = PARSER_DATA_SET;
    return CAS_OK;
  }
  /* The meta group is explicit VR little endian, PS3.10 7.1, but some writers forget. */
  struct element_form form = {.explicit_vr = element_vr_is_known(bytes)};
  size_t size = element_header_bytes(form, bytes);
  bytes = parser_peek(parser, size);
  if (bytes == NULL) return CAS_OK;
  struct element_header header;
  element_header_decode(form, bytes, &header);
  if (!header.has_vr) parser_report(parser, DICOM_DEFECT_META);
  if (header.length == ELEMENT_LENGTH_UNDEFINED) return parser_lose_step(parser, DICOM_DEFECT_STRUCTURE);
  parser->meta_seen = true;
  STATUS_TRY(parser_take_header(parser, size));
  value_cutter_plan_value(&parser->value, header.length);
  return parser_value_begin(parser, &header, form);
}

const uint8_t *element_parser_first(const struct element_parser *parser, struct cas_slice input) {
  return parser->held > 0 ? parser->head : input.data;
}

void element_parser_begin(struct element_parser *parser, const struct transfer_syntax *syntax) {
  parser->syntax = *syntax;
  parser->in_meta = false;
  parser->state = PARSER_ELEMENT;
}

struct cas_slice element_parser_release(struct element_parser *parser) {
  struct cas_slice held = slice_of(parser->head, parser->held);
  parser->held = 0;
  return held;
}

/* An item or delimiter. Sets `again` where a missing delimiter was made up for and the same header is to be read again.
 */
static cas_status step_delimiter(struct element_parser *parser, const struct element_header *header, bool *again) {
  bool in_sequence = parser->depth % 2 == 1;
  bool in_item = parser->depth > 0 && !in_sequence;
  if (header->tag == TAG_ITEM && in_item) {
    parser_report(parser, DICOM_DEFECT_STRUCTURE);
    leave(parser, 1);
    *again = true;
    return CAS_OK;
  }
  if (header->tag == TAG_ITEM && in_sequence) {
    STATUS_TRY(parser_take_header(parser, header->bytes));
    if (header->length == ELEMENT_LENGTH_UNDEFINED) {
      parser->depth++;
      return CAS_OK;
    }
    value_cutter_plan_value(&parser->value, header->length);
    return parser_value_begin(parser, header, form_now(parser));
  }
  bool is_item_end = header->tag == TAG_ITEM_END && in_item;
  bool is_sequence_end = header->tag == TAG_SEQUENCE_END && parser->depth > 0;
  bool is_due = is_item_end || (is_sequence_end && in_sequence);
  if (!is_due || header->length != 0) parser_report(parser, DICOM_DEFECT_STRUCTURE);
  if (is_item_end || is_sequence_end) leave(parser, is_sequence_end && in_item ? 2 : 1);
  return parser_take_header(parser, header->bytes);
}

/* True where bytes at the top level are no element of this data set, with the defect that they are. */
static bool is_out_of_step(const struct element_parser *parser, const struct element_header *header,
                           enum dicom_defect *defect) {
  if (parser->depth > 0 || !parser->has_elements) return false;
  bool ascends = header->tag > parser->last_tag || header->tag == TAG_DATA_SET_TRAILING_PADDING;
  bool is_padding = header->tag == 0;
  bool is_behind_pixels = parser->pixels_seen && (!ascends || header->is_odd_vr);
  *defect = is_padding || is_behind_pixels ? DICOM_DEFECT_TRAILING_BYTES : DICOM_DEFECT_STRUCTURE;
  return is_padding || is_behind_pixels || (header->is_odd_vr && !ascends);
}

static cas_status sequence_begin(struct element_parser *parser, const struct element_header *header) {
  bool is_unknown = header->has_vr && memcmp(header->vr, "UN", 2) == 0;
  bool is_sequence = header->has_vr && memcmp(header->vr, "SQ", 2) == 0;
  if (header->is_odd_vr || (header->has_vr && !is_unknown && !is_sequence))
    parser_report(parser, DICOM_DEFECT_STRUCTURE);
  if (parser->depth / 2 >= DICOM_NESTING_MAX) parser_report(parser, DICOM_DEFECT_NESTING);
  STATUS_TRY(parser_take_header(parser, header->bytes));
  parser->depth++;
  if (is_unknown && parser->implicit_depth == 0) {
    parser->implicit_depth = parser->depth;
    parser->un_is_undecided = true;
  }
  return CAS_OK;
}

static bool is_pixels(uint32_t tag, uint32_t length) {
  if (tag == TAG_FLOAT_PIXEL_DATA || tag == TAG_DOUBLE_FLOAT_PIXEL_DATA) return length != ELEMENT_LENGTH_UNDEFINED;
  return tag == TAG_PIXEL_DATA;
}

static cas_status step_plain(struct element_parser *parser, const struct element_header *header) {
  enum dicom_defect defect;
  if (is_out_of_step(parser, header, &defect)) return parser_lose_step(parser, defect);
  if (header->is_odd_vr) parser_report(parser, DICOM_DEFECT_STRUCTURE);
  if (parser->depth == 0) {
    parser->has_elements = true;
    parser->last_tag = header->tag;
    if (is_pixels(header->tag, header->length)) return parser_pixels_begin(parser, header);
  }
  if (header->length == ELEMENT_LENGTH_UNDEFINED) return sequence_begin(parser, header);
  struct element_form form = form_now(parser);
  STATUS_TRY(parser_take_header(parser, header->bytes));
  value_cutter_plan_value(&parser->value, header->length);
  return parser_value_begin(parser, header, form);
}

static cas_status step_element(struct element_parser *parser) {
  bool again = true;
  while (again) {
    again = false;
    const uint8_t *bytes = parser_peek(parser, ELEMENT_HEADER_BYTES_MIN);
    if (bytes == NULL) return CAS_OK;
    if (parser->un_is_undecided && parser->depth > parser->implicit_depth) {
      parser->un_is_undecided = false;
      if (parser->implicit_depth != 0 && element_looks_explicit(bytes)) parser->implicit_depth = 0;
    }
    struct element_form form = form_now(parser);
    bytes = parser_peek(parser, element_header_bytes(form, bytes));
    if (bytes == NULL) return CAS_OK;
    struct element_header header;
    element_header_decode(form, bytes, &header);
    bool is_delimiter = header.tag >> 16 == DELIMITER_GROUP;
    if (is_delimiter && header.tag != TAG_ITEM && header.tag != TAG_ITEM_END && header.tag != TAG_SEQUENCE_END) {
      return parser_lose_step(parser, DICOM_DEFECT_STRUCTURE);
    }
    if (is_delimiter) {
      STATUS_TRY(step_delimiter(parser, &header, &again));
    } else if (parser->depth % 2 == 1) {
      /* An element where an item is due: the sequence has ended without its delimiter. */
      parser_report(parser, DICOM_DEFECT_STRUCTURE);
      leave(parser, 1);
      again = true;
    } else {
      STATUS_TRY(step_plain(parser, &header));
    }
  }
  return CAS_OK;
}

static cas_status step(struct element_parser *parser) {
  switch (parser->state) {
  case PARSER_META: return step_meta(parser);
  case PARSER_ELEMENT: return step_element(parser);
  case PARSER_VALUE:
  case PARSER_REST: return step_value(parser);
  case PARSER_FRAGMENT_ITEM: return parser_step_fragment_item(parser);
  case PARSER_FRAGMENT_VALUE: return parser_step_fragment_value(parser);
  case PARSER_DATA_SET: break;
  }
  return CAS_OK;
}

cas_status element_parser_push(struct element_parser *parser, struct cas_slice *input) {
  cas_status status = CAS_OK;
  parser->input = *input;
  parser->is_starved = false;
  while (status == CAS_OK && !parser->is_starved && parser->state != PARSER_DATA_SET) status = step(parser);
  *input = parser->input;
  return status;
}

cas_status element_parser_finish(struct element_parser *parser) {
  bool is_behind_data_set =
      parser->state == PARSER_ELEMENT && parser->depth == 0 && parser->held > 0 && parser->pixels_seen;
  bool is_whole = parser->state == PARSER_REST ||
                  (parser->state == PARSER_ELEMENT && parser->depth == 0 && parser->held == 0 && parser->has_elements);
  parser->input = slice_of(NULL, 0);
  if (parser->router->chunk_is_open) STATUS_TRY(byte_router_close(parser->router));
  if (is_behind_data_set) {
    parser_report(parser, DICOM_DEFECT_TRAILING_BYTES);
  } else if (!is_whole) {
    parser_report(parser, DICOM_DEFECT_TRUNCATED);
  }
  return parser->held > 0 ? parser_take_header(parser, parser->held) : byte_router_flush(parser->router);
}
