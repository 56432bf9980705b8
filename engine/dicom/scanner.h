/*
 * A bounds-checked scanner over a DICOM object whose bytes arrive in pieces of any size.
 *
 * Every byte pushed is handed to the sink exactly once and in order, either as header or as part of a chunk (one native
 * frame or whole rows of it, fragments of encapsulated pixel data, a long value, a deflated data set). On the way the
 * scanner finds the attributes that name and index the object. It never buffers more than the preamble, one element
 * header and the captured values, and never builds a data set. Where values are cut is stated in value_cutter.h and
 * fragment_cutter.h; how far a deflated data set is looked into, in deflate_reader.h.
 *
 * Caveats
 *  - Malformed input is no error of the scanner: it reports a defect, and hands on the rest of the bytes. Whether the
 *    object is taken is the caller's decision, by dicom_summary.
 *  - A clean summary is no proof of validity: an object cut off exactly between two elements looks whole, and
 *    sequences of defined length are passed over unread (element_parser.h).
 *  - The same bytes give the same cuts however they are pushed: deduplication depends on it.
 *
 * Threads: one scanner belongs to one thread at a time. Source: PS3.5 7 (data sets), 8 and A.4 (pixel data), PS3.10 7.
 */
#ifndef DICOM_SCANNER_H
#define DICOM_SCANNER_H

#include <stdbool.h>

#include "base/bytes.h"
#include "cassette/attributes.h"
#include "cassette/pixel.h"

enum dicom_chunk_kind {
  DICOM_CHUNK_FRAME,    /* native pixel data: a frame, or whole rows of one; `format` describes it */
  DICOM_CHUNK_FRAGMENT, /* encapsulated pixel data: one or more fragment values (with the item headers between them) */
  DICOM_CHUNK_BULK, /* part of a long value, of unmodelled pixel data, of a deflated data set, or unparsable bytes */
};

struct dicom_chunk {
  enum dicom_chunk_kind kind;
  struct cas_pixel_format format; /* DICOM_CHUNK_FRAME only */
  uint32_t size;                  /* bytes to come where known (always for a frame), else 0; at most BLOB_BYTES_MAX */
};

/* Where the bytes go. A sink that returns another status than CAS_OK stops the push with that status. */
struct dicom_sink {
  cas_status (*header)(void *arg, struct cas_slice bytes);
  cas_status (*chunk_begin)(void *arg, const struct dicom_chunk *chunk);
  cas_status (*chunk_bytes)(void *arg, struct cas_slice bytes);
  cas_status (*chunk_end)(void *arg);
  void *arg;
};

/* What is wrong with an object. */
enum dicom_defect {
  DICOM_DEFECT_NONE = 0,
  DICOM_DEFECT_NOT_DICOM,      /* no prefix, no meta group, and no plausible data set at the start */
  DICOM_DEFECT_TRUNCATED,      /* ends inside an element, sequence, fragment or deflated stream */
  DICOM_DEFECT_STRUCTURE,      /* an impossible VR, length, tag or item */
  DICOM_DEFECT_NESTING,        /* deeper than DICOM_NESTING_MAX */
  DICOM_DEFECT_TRAILING_BYTES, /* bytes after the data set */
  DICOM_DEFECT_DEFLATE,        /* the deflated stream is damaged */
  DICOM_DEFECT_META,   /* meta group missing, or wrong length, or no transfer syntax, or one that does not fit */
  DICOM_DEFECT_PIXELS, /* pixel data that does not fit Rows, Columns, Number of Frames */
};

struct dicom_summary {
  enum dicom_defect defect; /* the first one found */
  uint64_t defect_offset;   /* of the byte where it was found, from the start of the object */
  uint32_t defects;         /* all that were found: a bit 1 << defect for each */
  uint64_t size;            /* bytes pushed */
  uint64_t data_set_offset; /* where the data set begins: after preamble, prefix and meta group; 0 without them */
  bool has_preamble;        /* 128 bytes and DICM */
  char transfer_syntax_uid[CAS_UID_TEXT_MAX];            /* from the meta group, the options, or "" where guessed */
  char sop_class_uid[CAS_UID_TEXT_MAX];                  /* (0008,0016), else (0002,0002) */
  char sop_instance_uid[CAS_UID_TEXT_MAX];               /* (0008,0018) as it stands, trimmed; "" where absent */
  char media_storage_sop_instance_uid[CAS_UID_TEXT_MAX]; /* (0002,0003) */
  bool is_media_directory;                               /* SOP class Media Storage Directory: a DICOMDIR */
  struct cas_attributes *attributes; /* the indexed attributes, values in UTF-8; owned by the scanner */
};

struct dicom_scanner;

/*
 * Creates a scanner for a file: Part 10, or without preamble, or a bare data set (implicit or explicit VR, found by
 * looking). A received data set is pushed behind the Part 10 header that was made for it (dicom/part10.h).
 * CAS_NO_MEMORY.
 */
CAS_MUST_USE cas_status dicom_scanner_create(const struct dicom_sink *sink, struct dicom_scanner **scanner);

/* Takes the next bytes. Fails only with the sink's status or CAS_NO_MEMORY; the scanner is then good for destroying. */
CAS_MUST_USE cas_status dicom_scanner_push(struct dicom_scanner *scanner, struct cas_slice bytes);

/* Ends the object, once: closes an open chunk, hands over what is held, converts the captured values to UTF-8. The
 * summary is borrowed until destroy. */
CAS_MUST_USE cas_status dicom_scanner_finish(struct dicom_scanner *scanner, const struct dicom_summary **summary);

/* Whether the next byte belongs to pixel data, a chunk of DICOM_CHUNK_FRAME or DICOM_CHUNK_FRAGMENT: whoever wants only
 * the attributes may stop here and finish. */
bool dicom_scanner_at_pixels(const struct dicom_scanner *scanner);

/* Takes the attributes of the summary away: the caller destroys them. */
struct cas_attributes *dicom_scanner_take_attributes(struct dicom_scanner *scanner);

void dicom_scanner_destroy(struct dicom_scanner *scanner);

/* A short English phrase for people. */
const char *dicom_defect_text(enum dicom_defect defect);

#endif
