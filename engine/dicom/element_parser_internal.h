/*
 * What element_parser.c and pixel_splitter.c share: the parser's hand on its input. For these two files only.
 */
#ifndef DICOM_ELEMENT_PARSER_INTERNAL_H
#define DICOM_ELEMENT_PARSER_INTERNAL_H

#include "dicom/element_parser.h"

/* Tells the listener of a defect at the next byte. */
void parser_report(struct element_parser *parser, enum dicom_defect defect);

/* The next `need` bytes in one run, or NULL until they are there: the parser is then starved. They stay unconsumed. */
const uint8_t *parser_peek(struct element_parser *parser, size_t need);

/* Consumes bytes: all that are held, or else some of the input. Those that were held stay valid until the next peek. */
struct cas_slice parser_take(struct element_parser *parser, size_t size);

/* Consumes bytes as header. */
CAS_MUST_USE cas_status parser_take_header(struct element_parser *parser, size_t size);

/* Reports a defect after which nothing can be read. */
CAS_MUST_USE cas_status parser_lose_step(struct element_parser *parser, enum dicom_defect defect);

/* Begins the value of a header that has just been consumed; its cutter is planned. */
CAS_MUST_USE cas_status parser_value_begin(struct element_parser *parser, const struct element_header *header,
                                           struct element_form form);

/* Begins the pixel data of the top level; its header is not yet consumed. */
CAS_MUST_USE cas_status parser_pixels_begin(struct element_parser *parser, const struct element_header *header);

/* The steps of PARSER_FRAGMENT_ITEM and PARSER_FRAGMENT_VALUE. */
CAS_MUST_USE cas_status parser_step_fragment_item(struct element_parser *parser);
CAS_MUST_USE cas_status parser_step_fragment_value(struct element_parser *parser);

#endif
