/*
 * The character set of responses: that of the request where it has one of one byte, or GB18030 or GBK, and the texts of
 * a response are all in it; else UTF-8 (ISO_IR 192). Where the request has none and the texts are ASCII, none is
 * stated.
 *
 * Threads: one at a time. Source: PS3.4 C.4.1.1.3.2 (Specific Character Set), PS3.3 C.12.1.1.2.
 */
#ifndef FIND_TEXT_H
#define FIND_TEXT_H

#include <iconv.h>
#include <stdbool.h>

#include "cassette/bytes.h"

struct find_text {
  char term[17];    /* what (0008,0005) of a response says; "" for the default repertoire */
  const char *name; /* iconv's of the request's set; NULL: UTF-8 always */
  iconv_t to;
  bool is_open, is_utf8; /* is_utf8: this response has to be */
  bool failed;           /* a text did not fit the set */
};

/* `term` is the request's value of (0008,0005), empty where absent. */
void find_text_init(struct find_text *text, struct cas_slice term);
void find_text_fini(struct find_text *text);

/* Begins a response, or begins it again in UTF-8. */
void find_text_begin(struct find_text *text, bool utf8);

/* The value of (0008,0005), "" for none. */
const char *find_text_term(const struct find_text *text);

/* Replaces the content of `bytes` by UTF-8 text of a VR in the response's set; what does not fit sets `failed`.
 * CAS_NO_MEMORY. */
CAS_MUST_USE cas_status find_text_encode(struct find_text *text, struct cas_slice utf8, const char *vr,
                                         struct cas_buffer *bytes);

#endif
