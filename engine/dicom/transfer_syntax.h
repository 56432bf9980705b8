/*
 * What a transfer syntax UID says about the bytes of a data set. Source: PS3.5 10 and A, PS3.6 A.
 */
#ifndef DICOM_TRANSFER_SYNTAX_H
#define DICOM_TRANSFER_SYNTAX_H

#include "dicom/element_header.h"

enum pixels_expected { PIXELS_ANY, PIXELS_NATIVE, PIXELS_ENCAPSULATED };

struct transfer_syntax {
  struct element_form form;
  bool is_deflated;           /* the whole data set */
  bool has_big_endian_pixels; /* words of native pixel data are big endian, whatever the form */
  enum pixels_expected pixels;
};

/* False for a UID that says nothing that Cassette knows: the form is then found by looking. */
bool transfer_syntax_of_uid(const char *uid, struct transfer_syntax *syntax);

/* What a deflated data set is once it is inflated; NULL for others. Static. */
const char *transfer_syntax_inflated(const char *uid);

#endif
