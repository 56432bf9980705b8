/*
 * The parser's way through pixel data of the top level, native or in fragments. Source: PS3.5 8 and A.4.
 */
#include "base/status.h"
#include "dicom/element_parser_internal.h"

cas_status parser_pixels_begin(struct element_parser *parser, const struct element_header *header) {
  bool is_encapsulated = header->length == ELEMENT_LENGTH_UNDEFINED;
  enum pixels_expected other = is_encapsulated ? PIXELS_NATIVE : PIXELS_ENCAPSULATED;
  if (parser->syntax.pixels == other) parser_report(parser, DICOM_DEFECT_PIXELS);
  parser->pixels_seen = true;
  if (is_encapsulated) {
    STATUS_TRY(parser_take_header(parser, header->bytes));
    parser->fragments = (struct fragment_cutter){0};
    parser->state = PARSER_FRAGMENT_ITEM;
    return CAS_OK;
  }
  bool is_missing = header->length == 0 && parser->geometry.rows == 0;
  bool fits = image_geometry_fits(&parser->geometry, header->tag, header->length);
  if (!fits && !is_missing) parser_report(parser, DICOM_DEFECT_PIXELS);
  struct cas_pixel_format format;
  bool big_endian = parser->syntax.form.big_endian || parser->syntax.has_big_endian_pixels;
  bool is_modelled = image_geometry_format(&parser->geometry, header->tag, big_endian, &format);
  STATUS_TRY(parser_take_header(parser, header->bytes));
  value_cutter_plan_pixels(&parser->value, header->length, is_modelled ? &format : NULL);
  return parser_value_begin(parser, header, parser->syntax.form);
}

cas_status parser_step_fragment_item(struct element_parser *parser) {
  const uint8_t *bytes = parser_peek(parser, ELEMENT_HEADER_BYTES_MIN);
  if (bytes == NULL) return CAS_OK;
  struct element_header header;
  element_header_decode(parser->syntax.form, bytes, &header);
  if (header.tag == TAG_SEQUENCE_END) {
    if (header.length != 0) parser_report(parser, DICOM_DEFECT_STRUCTURE);
    STATUS_TRY(fragment_cutter_end(&parser->fragments, parser->router));
    parser->state = PARSER_ELEMENT;
    return parser_take_header(parser, ELEMENT_HEADER_BYTES_MIN);
  }
  if (header.tag != TAG_ITEM || header.length == ELEMENT_LENGTH_UNDEFINED) {
    STATUS_TRY(fragment_cutter_end(&parser->fragments, parser->router));
    return parser_lose_step(parser, DICOM_DEFECT_STRUCTURE);
  }
  bool is_held = parser->held > 0;
  struct cas_slice taken = parser_take(parser, ELEMENT_HEADER_BYTES_MIN);
  STATUS_TRY(fragment_cutter_item(&parser->fragments, parser->router, taken, header.length));
  if (is_held) STATUS_TRY(byte_router_flush(parser->router));
  if (header.length > 0) parser->state = PARSER_FRAGMENT_VALUE;
  return CAS_OK;
}

cas_status parser_step_fragment_value(struct element_parser *parser) {
  uint64_t left = parser->fragments.left;
  size_t size = parser->input.size < left ? parser->input.size : (size_t)left;
  parser->is_starved = size == 0;
  STATUS_TRY(fragment_cutter_push(&parser->fragments, parser->router, parser_take(parser, size)));
  if (parser->fragments.left == 0) parser->state = PARSER_FRAGMENT_ITEM;
  return CAS_OK;
}
