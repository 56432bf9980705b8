/*
 * What is inside a struct record_cookie: number of the segment u32, bytes on disk u32 (in RECORD_ALIGN_BYTES), offset
 * in 40 bits, generation of the segment in 24, little endian. The index keeps cookies, so this is bytes on disk too, of
 * an index that can be made anew.
 */
#ifndef SEGMENT_RECORD_COOKIE_H
#define SEGMENT_RECORD_COOKIE_H

#include "segment/segment_format.h"

#define COOKIE_OFFSET_BITS 40
#define SEGMENT_GENERATION_MAX ((1u << 24) - 1)

static inline struct record_cookie record_cookie_of(uint64_t segment, uint64_t offset, uint64_t bytes_on_disk) {
  struct record_cookie cookie;
  store_u32(cookie.bytes, segment_file_number(segment));
  store_u32(cookie.bytes + 4, (uint32_t)(bytes_on_disk / RECORD_ALIGN_BYTES));
  store_u64(cookie.bytes + 8, offset | (uint64_t)segment_file_generation(segment) << COOKIE_OFFSET_BITS);
  return cookie;
}

#endif
