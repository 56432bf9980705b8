#include "dicom/transfer_syntax.h"

struct exception {
  const char *uid;
  struct transfer_syntax syntax;
};

static const struct exception exceptions[] = {
    {"1.2.840.10008.1.2", {.pixels = PIXELS_NATIVE}},
    {"1.2.840.10008.1.2.1", {.form = {.explicit_vr = true}, .pixels = PIXELS_NATIVE}},
    {"1.2.840.10008.1.2.2",
     {.form = {.explicit_vr = true, .big_endian = true}, .has_big_endian_pixels = true, .pixels = PIXELS_NATIVE}},
    {"1.2.840.10008.1.2.1.99", {.form = {.explicit_vr = true}, .is_deflated = true, .pixels = PIXELS_NATIVE}},
    /* JPIP Referenced Deflate, and the same for HTJ2K: no pixel data inside. */
    {"1.2.840.10008.1.2.4.95", {.form = {.explicit_vr = true}, .is_deflated = true}},
    {"1.2.840.10008.1.2.4.205", {.form = {.explicit_vr = true}, .is_deflated = true}},
    /* GE's private one: implicit VR little endian with big endian pixel data. */
    {"1.2.840.113619.5.2", {.has_big_endian_pixels = true, .pixels = PIXELS_NATIVE}},
};

static const char standard_prefix[] = "1.2.840.10008.1.2.";

bool transfer_syntax_of_uid(const char *uid, struct transfer_syntax *syntax) {
  for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
    if (strcmp(exceptions[i].uid, uid) != 0) continue;
    *syntax = exceptions[i].syntax;
    return true;
  }
  /* All others of the standard encapsulate in explicit VR little endian: PS3.5 A.4. */
  if (strncmp(uid, standard_prefix, sizeof standard_prefix - 1) != 0) return false;
  *syntax = (struct transfer_syntax){.form = {.explicit_vr = true}, .pixels = PIXELS_ENCAPSULATED};
  return true;
}

const char *transfer_syntax_inflated(const char *uid) {
  static const char *const pairs[][2] = {{"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.1"},
                                         {"1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.94"},
                                         {"1.2.840.10008.1.2.4.205", "1.2.840.10008.1.2.4.204"}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
    if (strcmp(pairs[i][0], uid) == 0) return pairs[i][1];
  return NULL;
}
