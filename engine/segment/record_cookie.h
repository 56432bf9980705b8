/*
 * What is inside a struct record_cookie: segment u32, bytes on disk u32 (in RECORD_ALIGN_BYTES), offset u64, little
 * endian. The index keeps cookies, so this is bytes on disk too, of an index that can be made anew.
 */
#ifndef SEGMENT_RECORD_COOKIE_H
#define SEGMENT_RECORD_COOKIE_H

#include "segment/segment_format.h"

static inline struct record_cookie record_cookie_of(uint32_t segment, uint64_t offset, uint64_t bytes_on_disk) {
  struct record_cookie cookie;
  store_u32(cookie.bytes, segment);
  store_u32(cookie.bytes + 4, (uint32_t)(bytes_on_disk / RECORD_ALIGN_BYTES));
  store_u64(cookie.bytes + 8, offset);
  return cookie;
}

#endif
