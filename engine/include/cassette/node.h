/*
 * Nodes: the Patient/Study/Series/instance tree, to walk, to look up and to search.
 *
 * A node is named by its path, "patient/study/series/instance" (no leading '/'; "" is the root). Names are UTF-8,
 * without
 * '/' and control characters, never "." or "..", at most 255 bytes, unique among their siblings, and stay for ever.
 *
 * Threads: any. A node handed to a callback is borrowed during the call. Lists are in byte order of names and show one
 * moment of the store, in constant memory; a callback may call back into the store.
 * Source: PS3.3 7 (the information model), PS3.4 C.2.2.2 (matching).
 */
#ifndef CASSETTE_NODE_H
#define CASSETTE_NODE_H

#include "cassette/attributes.h"
#include "cassette/data_set.h"
#include "cassette/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of one version of an instance; see state.h. Ordinary views show what is CAS_STATE_SHOWN. */
enum cas_state {
  CAS_STATE_SHOWN,
  CAS_STATE_DELETED,
  CAS_STATE_REPLACED,     /* by a correction */
  CAS_STATE_DISCARDED,    /* deleted, and its bytes were let go */
  CAS_STATE_HIDDEN_OTHER, /* the first of those that are hidden, in the order of enum cas_reason */
  CAS_STATE_HIDDEN_QUALITY,
  CAS_STATE_HIDDEN_SAFETY,
  CAS_STATE_HIDDEN_WORKLIST,
  CAS_STATE_HIDDEN_RETENTION,
};

struct cas_node {
  enum cas_level level;
  const char *path;
  const char *name;                        /* the last part of the path */
  const struct cas_attributes *attributes; /* of this level only */
  int64_t first_arrival_ns;                /* UTC, nanoseconds since 1970: of the oldest instance that ever was below */
  int64_t last_arrival_ns; /* of the newest; of a folder the last time that anything below came, went or came back */
  uint64_t instances;      /* below, versions counted; 1 for an instance */
  uint64_t bytes;          /* of their files */
  /* Instances only. */
  uint32_t version;
  enum cas_state state;
  struct cas_hash content_hash; /* XXH3-128 of the whole file */
};

/* CAS_END stops the walk and is returned; CAS_OK goes on; any other status stops and is returned. */
typedef cas_status (*cas_node_fn)(void *arg, const struct cas_node *node);

/* Calls `each` once with the node at `path`. CAS_NOT_FOUND. The root has level 0, no name and no attributes, and knows
 * its last arrival, 0 where nothing arrived since the index was made by an older program. */
CAS_API CAS_MUST_USE cas_status cas_node_get(struct cas_store *store, const char *path, cas_node_fn each, void *arg,
                                             struct cas_error *error);

/* The children of `parent` ("": patients) whose names come behind `after` (NULL: all). */
CAS_API CAS_MUST_USE cas_status cas_node_list(struct cas_store *store, const char *parent, const char *after,
                                              cas_node_fn each, void *arg, struct cas_error *error);

/* All studies, series or instances (all versions) with exactly this UID, or patients with this Patient ID. */
CAS_API CAS_MUST_USE cas_status cas_node_by_uid(struct cas_store *store, enum cas_level level, const char *uid,
                                                cas_node_fn each, void *arg, struct cas_error *error);

typedef cas_status (*cas_text_fn)(void *arg, const char *text);

/* All UIDs of a level behind `after` (NULL: all), each once, ascending. */
CAS_API CAS_MUST_USE cas_status cas_uid_list(struct cas_store *store, enum cas_level level, const char *after,
                                             cas_text_fn each, void *arg, struct cas_error *error);

/* All Study Dates (YYYYMMDD) behind `after` (NULL: all), each once, ascending; and the studies of a range of dates. */
CAS_API CAS_MUST_USE cas_status cas_date_list(struct cas_store *store, const char *after, cas_text_fn each, void *arg,
                                              struct cas_error *error);
CAS_API CAS_MUST_USE cas_status cas_node_by_date(struct cas_store *store, const char *first, const char *last,
                                                 cas_node_fn each, void *arg, struct cas_error *error);

/* --- current versions --- */

/* What lies below a node, of each SOP instance its newest version only; series and studies without any do not count. */
struct cas_counts {
  uint64_t studies; /* of a patient, else 0 */
  uint64_t series;  /* of a patient or study, else 0 */
  uint64_t instances;
};

/* Cheap, but for patients, studies and series in which a SOP instance has several versions: then their instances are
 * looked at one by one. `each`, unless NULL, is called with every series below a patient or study, so that one listing
 * serves both. */
CAS_API CAS_MUST_USE cas_status cas_node_count(struct cas_store *store, const struct cas_node *node, cas_node_fn each,
                                               void *arg, struct cas_counts *counts, struct cas_error *error);

/* Whether any SOP instance of the store may have several versions; without, every node is current. */
CAS_API CAS_MUST_USE cas_status cas_has_versions(struct cas_store *store, bool *any, struct cas_error *error);

/* Whether an instance is the newest version of its SOP instance; whether a folder has such an instance. */
CAS_API CAS_MUST_USE cas_status cas_node_is_current(struct cas_store *store, const struct cas_node *node, bool *current,
                                                    struct cas_error *error);

/*
 * Opens a view of the store, or of another view, for one thread that looks at many nodes in about the order of their
 * paths, as a query does: it gets and lists those near the last ones several times as fast. It shows about the moment
 * at which it was opened, whatever comes meanwhile, and keeps the index from freeing what is there: for seconds, not
 * for days. Close it with cas_snapshot_close(), before `store`.
 */
CAS_API CAS_MUST_USE cas_status cas_near_open(struct cas_store *store, struct cas_store **view,
                                              struct cas_error *error);

/* --- headers --- */

/*
 * The data set of an instance as far as it stands in one piece: up to the pixel data, or the first value of 64 KiB.
 * Reads its manifest and one blob, which are verified as all that is read; series headers share dictionaries, so
 * neighbours cost less. Nothing of a deflated data set.
 */
struct cas_header;

/* Of the node's representative: itself, or the first current instance below. CAS_NOT_FOUND: there is none; CAS_CORRUPT:
 * it is damaged. */
CAS_API CAS_MUST_USE cas_status cas_header_open(struct cas_store *store, const struct cas_node *node,
                                                struct cas_header **header, struct cas_error *error);
CAS_API void cas_header_close(struct cas_header *header); /* NULL is allowed */

/* A reader of the data set from its beginning. It may break off: CAS_CORRUPT where an element is cut in two. */
CAS_API struct cas_data_set cas_header_data_set(const struct cas_header *header);

/* Decodes its texts. Borrowed. */
CAS_API struct cas_text *cas_header_text(const struct cas_header *header);

/* --- searching --- */

/* What of a study is gathered from the series and instances below: conditions for studies that the index has no entry
 * for. */
#define CAS_TAG_MODALITIES_IN_STUDY 0x00080061u
#define CAS_TAG_SOP_CLASSES_IN_STUDY 0x00080062u

/*
 * One condition: an attribute that can be searched, and a pattern. Every kind of matching of PS3.4 C.2.2.2:
 *
 *   nothing, or '*' alone    everything
 *   two quotation marks      no value
 *   '*' and '?'              wildcards, in AE CS LO LT PN SH ST UC UR UT
 *   "from-to" and half open  ranges of DA, TM, DT, and of numbers
 *   backslashes between      a list, of which one must match; not in LT, ST, UT
 *   else                     that value: names without regard to case, accents and width of letters, dates, times and
 *                            numbers by what they mean, all else as it is
 *
 * A name matches by any of its component groups (alphabetic, ideographic, phonetic), unless the pattern has several
 * too.
 */
struct cas_condition {
  uint32_t tag;
  const char *pattern;
  /* NULL for an attribute that can be searched (cas_search_attribute_by_tag). Else the attribute's VR: it is compared
   * with the header of the node's representative instance, cas_header_open(), after all other conditions are met, since
   * that reads the instance. */
  const char *vr;
  /* Of a sequence, VR "SQ": what one of its items must meet, all at once; each with a VR (PS3.4 C.2.2.2.6). */
  const struct cas_condition *items;
  size_t item_count;
};

struct cas_query {
  enum cas_level level; /* of the nodes wanted */
  const struct cas_condition *conditions;
  size_t condition_count;
  /* A range of dates and one of the times that belong to them are one range of both (PS3.4 C.2.2.2.5.1); else each
   * counts by itself. */
  bool combined_date_time;
  /* Called before each node is looked at, unless NULL: to end a search that finds nothing for long. Another status than
   * CAS_OK stops it and is returned. */
  cas_status (*look)(void *arg);
  void *look_arg;
};

/* The definition for a keyword or "gggg,eeee" that can be searched: those of the index, and what is gathered of a
 * study; else NULL. The same for a tag. Static. */
CAS_API const struct cas_attribute_definition *cas_search_attribute_by_name(const char *name);
CAS_API const struct cas_attribute_definition *cas_search_attribute_by_tag(uint32_t tag);

/* Calls `each` for every node of the level that meets all conditions, in path order. Conditions on a level above the
 * wanted one apply to the node's ancestors; conditions on a level below are CAS_INVALID, as are patterns that are no
 * value of their VR. Conditions on UIDs, Study Date, Patient ID, Patient's Name, Accession Number, Study ID and
 * Modality (exact, or with a beginning before the first wildcard) are looked up in the index; without any, the tree is
 * walked. */
CAS_API CAS_MUST_USE cas_status cas_find(struct cas_store *store, const struct cas_query *query, cas_node_fn each,
                                         void *arg, struct cas_error *error);

/* Calls `each` for every instance below the node at `path` ("": all), in path order. */
CAS_API CAS_MUST_USE cas_status cas_instances_below(struct cas_store *store, const char *path, cas_node_fn each,
                                                    void *arg, struct cas_error *error);

/*
 * What people mean by WHAT on a command line, in this order: a tree path, a Study, Series or SOP Instance UID, a
 * Patient ID, or a query "Keyword=pattern[,Keyword=pattern...]". Calls `each` for every instance meant. CAS_NOT_FOUND
 * if none.
 */
CAS_API CAS_MUST_USE cas_status cas_select(struct cas_store *store, const char *what, cas_node_fn each, void *arg,
                                           struct cas_error *error);

#ifdef __cplusplus
}
#endif
#endif
