#include "dicom/element_header.h"

/* A data set begins with a standard group, and all that can stand first (identification, DICOMDIR, command) are low. */
static const uint16_t first_group_max = 0x00FF;
/* No first element is long: Specific Character Set, a group length, an identifier. */
static const uint32_t first_length_max = 0xFFFF;

#define VR(a, b) ((uint16_t)((a) << 8 | (b)))

enum vr_form { VR_UNKNOWN, VR_SHORT, VR_LONG };

static enum vr_form vr_form_of(const uint8_t vr[2]) {
  switch (VR(vr[0], vr[1])) {
  case VR('A', 'E'):
  case VR('A', 'S'):
  case VR('A', 'T'):
  case VR('C', 'S'):
  case VR('D', 'A'):
  case VR('D', 'S'):
  case VR('D', 'T'):
  case VR('F', 'D'):
  case VR('F', 'L'):
  case VR('I', 'S'):
  case VR('L', 'O'):
  case VR('L', 'T'):
  case VR('P', 'N'):
  case VR('S', 'H'):
  case VR('S', 'L'):
  case VR('S', 'S'):
  case VR('S', 'T'):
  case VR('T', 'M'):
  case VR('U', 'I'):
  case VR('U', 'L'):
  case VR('U', 'S'): return VR_SHORT;
  case VR('O', 'B'):
  case VR('O', 'D'):
  case VR('O', 'F'):
  case VR('O', 'L'):
  case VR('O', 'V'):
  case VR('O', 'W'):
  case VR('S', 'Q'):
  case VR('S', 'V'):
  case VR('U', 'C'):
  case VR('U', 'N'):
  case VR('U', 'R'):
  case VR('U', 'T'):
  case VR('U', 'V'): return VR_LONG;
  default: return VR_UNKNOWN;
  }
}

static uint16_t read_u16(const uint8_t *bytes, bool big_endian) {
  return big_endian ? (uint16_t)(bytes[0] << 8 | bytes[1]) : load_u16(bytes);
}

static uint32_t read_u32(const uint8_t *bytes, bool big_endian) {
  if (!big_endian) return load_u32(bytes);
  return (uint32_t)read_u16(bytes, true) << 16 | read_u16(bytes + 2, true);
}

static uint32_t read_tag(const uint8_t *bytes, bool big_endian) {
  return (uint32_t)read_u16(bytes, big_endian) << 16 | read_u16(bytes + 2, big_endian);
}

static bool is_printable(uint8_t c) { return c >= 0x20 && c < 0x7F; }

/* How the length is written. Items and delimiters have no VR in any form: PS3.5 7.5. */
enum length_form { LENGTH_IMPLICIT, LENGTH_SHORT, LENGTH_LONG };

static enum length_form length_form_of(struct element_form form, const uint8_t *bytes) {
  if (!form.explicit_vr || read_u16(bytes, form.big_endian) == 0xFFFE) return LENGTH_IMPLICIT;
  switch (vr_form_of(bytes + 4)) {
  case VR_SHORT: return LENGTH_SHORT;
  case VR_LONG: return LENGTH_LONG;
  case VR_UNKNOWN: break;
  }
  bool has_reserved_zeros = bytes[6] == 0 && bytes[7] == 0;
  if (is_printable(bytes[4]) && is_printable(bytes[5])) return has_reserved_zeros ? LENGTH_LONG : LENGTH_SHORT;
  /* Pixel data has no VR of the short form: what has no VR either is one implicit element among explicit ones. */
  bool is_pixels = read_u16(bytes, form.big_endian) == 0x7FE0;
  bool is_nul_vr = bytes[4] == 0 && bytes[5] == 0 && !has_reserved_zeros && !is_pixels;
  return is_nul_vr ? LENGTH_SHORT : LENGTH_IMPLICIT;
}

size_t element_header_bytes(struct element_form form, const uint8_t bytes[ELEMENT_HEADER_BYTES_MIN]) {
  return length_form_of(form, bytes) == LENGTH_LONG ? ELEMENT_HEADER_BYTES_MAX : ELEMENT_HEADER_BYTES_MIN;
}

void element_header_decode(struct element_form form, const uint8_t *bytes, struct element_header *header) {
  enum length_form length_form = length_form_of(form, bytes);
  *header = (struct element_header){.tag = read_tag(bytes, form.big_endian), .bytes = ELEMENT_HEADER_BYTES_MIN};
  bool should_have_vr = form.explicit_vr && header->tag >> 16 != 0xFFFE;
  if (should_have_vr) {
    header->has_vr = vr_form_of(bytes + 4) != VR_UNKNOWN;
    header->is_odd_vr = !header->has_vr;
  }
  if (header->has_vr) memcpy(header->vr, bytes + 4, 2);
  switch (length_form) {
  case LENGTH_IMPLICIT: header->length = read_u32(bytes + 4, form.big_endian); break;
  case LENGTH_SHORT: header->length = read_u16(bytes + 6, form.big_endian); break;
  case LENGTH_LONG:
    header->length = read_u32(bytes + 8, form.big_endian);
    header->bytes = ELEMENT_HEADER_BYTES_MAX;
    break;
  }
}

/* The tag that can stand first in a data set, read in this byte order. Zeros and padding are none. */
static bool is_first_tag(const uint8_t *bytes, bool big_endian) {
  uint32_t tag = read_tag(bytes, big_endian);
  return tag >> 16 <= first_group_max && (tag >> 16 > 0 || tag == 0);
}

static bool is_implicit_first(const uint8_t *bytes) {
  uint32_t length = load_u32(bytes + 4);
  if (load_u32(bytes) == 0) return length == 4; /* Command Group Length */
  return is_first_tag(bytes, false) && length <= first_length_max;
}

static enum form_judgement judge_explicit(const uint8_t *bytes, const struct element_form *declared,
                                          struct element_form *form) {
  bool little = is_first_tag(bytes, false), big = is_first_tag(bytes, true);
  form->explicit_vr = true;
  if (declared == NULL) {
    form->big_endian = big && !little;
    return little || big ? FORM_OTHER : FORM_IMPLAUSIBLE;
  }
  form->big_endian = declared->big_endian;
  if (declared->big_endian ? little && !big : big && !little) form->big_endian = !declared->big_endian;
  bool as_declared = declared->explicit_vr && form->big_endian == declared->big_endian;
  return as_declared ? FORM_AS_DECLARED : FORM_OTHER;
}

enum form_judgement element_form_judge(const uint8_t bytes[ELEMENT_HEADER_BYTES_MIN],
                                       const struct element_form *declared, struct element_form *form) {
  if (vr_form_of(bytes + 4) != VR_UNKNOWN) return judge_explicit(bytes, declared, form);
  bool has_odd_vr = declared != NULL && declared->explicit_vr && is_printable(bytes[4]) && is_printable(bytes[5]);
  if (!has_odd_vr && is_implicit_first(bytes)) {
    *form = (struct element_form){0};
    return declared != NULL && !declared->explicit_vr ? FORM_AS_DECLARED : FORM_OTHER;
  }
  *form = declared != NULL ? *declared : (struct element_form){.explicit_vr = true};
  if (declared == NULL) return FORM_IMPLAUSIBLE;
  /* A private element may stand first where the form is declared; without a VR nothing speaks against implicit VR. In
   * explicit VR an odd first VR may be a slip. */
  bool could_be = declared->explicit_vr ? is_first_tag(bytes, declared->big_endian) : load_u32(bytes) != 0;
  return could_be ? FORM_AS_DECLARED : FORM_IMPLAUSIBLE;
}

bool element_vr_is_known(const uint8_t bytes[ELEMENT_HEADER_BYTES_MIN]) { return vr_form_of(bytes + 4) != VR_UNKNOWN; }

bool element_looks_explicit(const uint8_t bytes[ELEMENT_HEADER_BYTES_MIN]) {
  enum vr_form vr_form = vr_form_of(bytes + 4);
  bool has_reserved_zeros = bytes[6] == 0 && bytes[7] == 0;
  return vr_form == VR_LONG ? has_reserved_zeros : vr_form == VR_SHORT && !has_reserved_zeros;
}
