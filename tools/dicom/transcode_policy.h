/*
 * Which transfer syntaxes an object may go out in: the one that it came in, or one that it can be transcoded to without
 * loss. Pure policy over UIDs; transcoder.h does it.
 *
 * Readable are uncompressed objects, deflated ones, JPEG (processes 1, 2, 4 and 14), JPEG-LS and RLE. Written are the
 * uncompressed ones and deflated, and, of what has lost nothing so far, JPEG lossless, JPEG-LS lossless and RLE.
 * Nothing is ever compressed with loss. JPEG 2000, HTJ2K, JPEG XL and video are neither: DCMTK 3.6.7 has no codecs for
 * them.
 *
 * Threads: pure functions. Source: PS3.5 10 and A, PS3.6 A.
 */
#ifndef TRANSCODE_POLICY_H
#define TRANSCODE_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#define TRANSCODE_PLAIN_MAX 4u  /* of transcode_plain() */
#define TRANSCODE_PACKED_MAX 4u /* of transcode_packed() */

/* The transfer syntaxes that are written, the better first: uncompressed and deflated ones, which keep the pixels as
 * numbers; and the ones that are compressed without loss. `count` receives how many. Static. */
const char *const *transcode_plain(size_t *count);
const char *const *transcode_packed(size_t *count);

/* Whether objects of `from` can be read, so that they have something to fall back to. */
bool transcode_reads(const char *from);

/* Whether an object of `from` can be transcoded to `to` without loss of anything that it has. */
bool transcode_can(const char *from, const char *to);

/* Whether the pixels of an object of `from` must be decoded before they can be written otherwise. */
bool transcode_decodes(const char *from);

/*
 * Chooses among the transfer syntaxes that a peer takes for an object's SOP class: its own, else the first that it can
 * be transcoded to, the plain ones before the packed ones. Returns the index in `accepted`, or `count`: none.
 */
size_t transcode_choose(const char *from, const char *const *accepted, size_t count);

#endif
