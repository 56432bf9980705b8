/*
 * What Cassette accepts when a peer proposes presentation contexts: pure policy over UIDs.
 *
 * Threads: pure functions. Source: PS3.8 9.3.2.2 and 9.3.3.2 (presentation contexts), PS3.4 B.1 (storage), PS3.4 B.3.1
 * (extended negotiation of storage), PS3.4 A (Verification).
 */
#ifndef NEGOTIATION_H
#define NEGOTIATION_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the network library's dictionary knows of a UID. */
enum dicom_uid_kind { DICOM_UID_UNKNOWN, DICOM_UID_STORAGE, DICOM_UID_OTHER };

/*
 * Whether a proposed abstract syntax is accepted: Verification; C-FIND, C-GET and C-MOVE by patient and study root;
 * every storage SOP class that the dictionary knows; every UID below the standard's root for storage SOP
 * classes, 1.2.840.10008.5.1.4.1.1 (newer ones than the dictionary); and every UID outside the standard's root that the
 * dictionary does not know: a private storage SOP class, as an archive must take it to be. Not accepted are the
 * standard's other services, which Cassette does not provide, and DCMTK's private one that asks a provider to stop.
 */
bool negotiation_accepts(const char *abstract_syntax, enum dicom_uid_kind kind);

/* Whether it is one of C-FIND, C-GET or C-MOVE, whose identifiers are read and written here. */
bool negotiation_is_query(const char *abstract_syntax);

/* The first uncompressed little endian transfer syntax (implicit or explicit VR), or NULL: for identifiers. */
const char *negotiation_choose_plain(const char *const *transfer_syntaxes, size_t count);

/*
 * Chooses among the proposed transfer syntaxes of one context; returns its index (0 if count is 1). Every one is
 * acceptable, also an unknown one: the bytes are kept as they come. PS3.8 leaves the choice to the acceptor. The first
 * one that is known to lose nothing is taken, since a sender that offers a lossy one beside it would compress for us;
 * among these the sender's order decides, since the first is mostly the one that it has. If all may lose something, the
 * first.
 */
size_t negotiation_choose(const char *const *transfer_syntaxes, size_t count);

/*
 * The service class application information that answers what a peer proposes for a SOP class; returns its bytes, 0 for
 * no answer.
 *  - Storage (PS3.4 B.3.1): level of support 2 (full: every attribute is kept), level of digital signature support 3
 * (bit preserving), element coercion 0 (none).
 *  - C-FIND (PS3.4 C.5.1): relational queries, combined date-time matching, empty and multiple value matching as
 *    proposed; no fuzzy matching of names, time zone adjustment, or conversion of multi-frame images. As long as the
 *    proposal.
 *  - C-MOVE, C-GET (C.5.2, C.5.3): relational retrieval as proposed, no conversion.
 */
#define NEGOTIATION_INFO_BYTES_MAX 8u
size_t negotiation_answer_extended(const char *abstract_syntax, enum dicom_uid_kind kind, const unsigned char *proposed,
                                   size_t size, unsigned char answer[NEGOTIATION_INFO_BYTES_MAX]);

/* Where the answer for C-FIND has combined date-time matching. */
#define NEGOTIATION_DATE_TIME_BYTE 1u

/* Whether a called AE title means ours; leading and trailing spaces do not count (PS3.5 6.2, AE). */
bool negotiation_same_title(const char *called, const char *ours);

#ifdef __cplusplus
}
#endif
#endif
