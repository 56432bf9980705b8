/*
 * The header of one data element, and by looking the form that a data set is written in. Pure functions over bytes.
 * Source: PS3.5 7.1 and 7.5, A.1 to A.3.
 */
#ifndef DICOM_ELEMENT_HEADER_H
#define DICOM_ELEMENT_HEADER_H

#include <stdbool.h>

#include "base/bytes.h"

#define ELEMENT_HEADER_BYTES_MIN 8u
#define ELEMENT_HEADER_BYTES_MAX 12u
#define ELEMENT_LENGTH_UNDEFINED 0xFFFFFFFFu

enum {
  TAG_ITEM = 0xFFFEE000,
  TAG_ITEM_END = 0xFFFEE00D,
  TAG_SEQUENCE_END = 0xFFFEE0DD,
};

struct element_form {
  bool explicit_vr;
  bool big_endian;
};

struct element_header {
  uint32_t tag;
  uint32_t length; /* ELEMENT_LENGTH_UNDEFINED for an undefined one */
  uint8_t bytes;   /* of the header: 8 or 12 */
  bool has_vr;     /* a VR stands there and PS3.5 knows it */
  bool is_odd_vr;  /* a VR should stand there, and it is none that PS3.5 knows */
  char vr[2];      /* where has_vr, else NULs */
};

/*
 * How many bytes the header at `bytes` has. An unknown VR of two printable characters has the long form where its
 * reserved bytes are 0, else the short one (as have two NULs); other bytes are taken for an implicit length.
 */
size_t element_header_bytes(struct element_form form, const uint8_t bytes[ELEMENT_HEADER_BYTES_MIN]);

/* Decodes a header of element_header_bytes() bytes. */
void element_header_decode(struct element_form form, const uint8_t *bytes, struct element_header *header);

enum form_judgement {
  FORM_AS_DECLARED,
  FORM_OTHER,       /* plausible, but not in the declared form */
  FORM_IMPLAUSIBLE, /* no data set begins so; `form` is the declared one */
};

/*
 * Judges the first element of a data set. `declared` is NULL where nothing is declared. The declared form stands unless
 * it cannot be and another can.
 */
enum form_judgement element_form_judge(const uint8_t bytes[ELEMENT_HEADER_BYTES_MIN],
                                       const struct element_form *declared, struct element_form *form);

/* True where a VR that PS3.5 knows stands in the header. */
bool element_vr_is_known(const uint8_t bytes[ELEMENT_HEADER_BYTES_MIN]);

/* True where the first element of an item says that it has an explicit VR, although the VR UN around it says no. */
bool element_looks_explicit(const uint8_t bytes[ELEMENT_HEADER_BYTES_MIN]);

#endif
