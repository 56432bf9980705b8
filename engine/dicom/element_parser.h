/*
 * The state machine over data elements: takes bytes in pieces of any size, hands all of them to a router, and tells a
 * listener the values that it wants.
 *
 * Caveats
 *  - Sequences and items of defined length are passed over as one value each: in implicit VR nothing tells them from
 *    other values, and their length is all that is needed to stay in step. Only undefined lengths nest, and since
 *    sequences and items alternate, a depth counter is the whole stack.
 *  - After a defect the parser goes on where it can stay in step; where it cannot, the rest of the bytes is passed on
 *    unread.
 */
#ifndef DICOM_ELEMENT_PARSER_H
#define DICOM_ELEMENT_PARSER_H

#include "base/limits.h"
#include "dicom/fragment_cutter.h"
#include "dicom/image_geometry.h"
#include "dicom/transfer_syntax.h"

struct element_listener {
  /* True for a tag whose value is wanted; `vr` receives the VR that the data dictionary gives it. */
  bool (*wants)(void *arg, uint32_t tag, char vr[2]);
  /* A value from the top level of the data set, or from the meta group. */
  cas_status (*value)(void *arg, uint32_t tag, const struct raw_value *value);
  void (*defect)(void *arg, enum dicom_defect defect, uint64_t offset);
  void *arg;
};

enum parser_state {
  PARSER_META,           /* before an element of the meta group, or the first of the data set */
  PARSER_DATA_SET,       /* at the first element of the data set: element_parser_begin decides how to go on */
  PARSER_ELEMENT,        /* before an element header */
  PARSER_VALUE,          /* inside a value */
  PARSER_FRAGMENT_ITEM,  /* in encapsulated pixel data, before an item header */
  PARSER_FRAGMENT_VALUE, /* in an item of it */
  PARSER_REST,           /* in the unparsable rest */
};

struct element_parser {
  struct byte_router *router;
  struct element_listener listener;
  enum parser_state state;
  struct transfer_syntax syntax;
  struct image_geometry geometry;
  uint64_t offset; /* of the next byte to be passed on */

  bool in_meta;
  bool meta_seen;
  bool has_meta_length;
  uint64_t meta_end; /* where the group length says that the meta group ends */

  uint64_t depth;          /* 0: the data set; odd: in a sequence, before an item; even: in an item */
  uint64_t implicit_depth; /* from this depth on all is implicit VR, as in a VR UN of undefined length; 0: nowhere */
  bool un_is_undecided;    /* the first element in that UN is still to come */
  uint32_t last_tag;       /* of the top level */
  bool has_elements;
  bool pixels_seen;

  uint8_t head[ELEMENT_HEADER_BYTES_MAX]; /* an element header that came in pieces */
  size_t held;                            /* bytes in it, not yet passed on */
  struct cas_slice input;
  bool is_starved;

  struct value_cutter value;
  struct fragment_cutter fragments;
  uint32_t tag; /* of the current value */
  char vr[2];
  bool value_big_endian;
  bool is_captured; /* its first bytes go to `captured` */
  uint32_t value_bytes;
  size_t captured_bytes;
  uint8_t captured[DICOM_VALUE_CAPTURED_MAX];
};

/* Begins at `offset` of the object, where a meta group or a data set begins. `router` is borrowed. */
void element_parser_init(struct element_parser *parser, struct byte_router *router,
                         const struct element_listener *listener, uint64_t offset);

/* Consumes from the front of `input` until it is empty, or the state is PARSER_DATA_SET. */
CAS_MUST_USE cas_status element_parser_push(struct element_parser *parser, struct cas_slice *input);

/* In PARSER_DATA_SET: the 8 bytes that the data set begins with. `input` is what element_parser_push left. */
const uint8_t *element_parser_first(const struct element_parser *parser, struct cas_slice input);

/* In PARSER_DATA_SET: goes on with elements in this syntax. Push again, also where no input is left. */
void element_parser_begin(struct element_parser *parser, const struct transfer_syntax *syntax);

/* In PARSER_DATA_SET: goes on without parsing. */
CAS_MUST_USE cas_status element_parser_rest(struct element_parser *parser);

/* In PARSER_DATA_SET: gives up the bytes that are held, which another reader is to pass on. Borrowed from the parser.
 */
struct cas_slice element_parser_release(struct element_parser *parser);

/* The object ends: passes on what is held, closes an open chunk, reports what is missing. */
CAS_MUST_USE cas_status element_parser_finish(struct element_parser *parser);

#endif
