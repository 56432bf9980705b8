/*
 * Keys and values in the index. No format that must stay: INDEX_VERSION says who wrote it, and a rebuild makes it anew.
 *
 * Keys, one byte of kind first. Texts are bytes 1 to 255, so a NUL ends a text and sorts before every longer one; a
 * path and its names hold no other '/' than those between names. Integers in keys are big endian, so that they sort.
 *
 *   'b' hash[16] ordinal[2]                    a blob
 *   'd' date NUL path                          a study's date; no value
 *   'f' name                                   a fact; the value is the store's
 *   'i' parent NUL identity                    the name of the child that stands for the identity
 *   'k' field[1] text NUL path                 a node by one of the terms of its attributes; no value
 *   'n' level[1] parent '/' name               a node; the parent of a patient is ""
 *   't'                                        the totals
 *   'u' level[1] uid NUL version[4] path       a node by its UID; version 0 but for instances; no value
 *   'v'                                        INDEX_VERSION, decimal text
 *
 * With the level in front, the children of a node lie side by side in byte order of their names, and nothing else lies
 * between them: "a", "a b" and "a/c" do not mix.
 *
 * Values. "varint" is LEB128, at most 10 bytes; "text" is a varint length and bytes without NUL; integers that may be
 * negative are zigzag.
 *
 *   blob   cookie[16] codec[1] varint raw_size varint stored_size, and unless it is 0 varint users
 *   name   bytes
 *   node   flags[1]
 *          varint zigzag first_arrival_ns, varint zigzag (last_arrival_ns - first_arrival_ns)
 *          varint instances, varint bytes
 *          text identity
 *          NODE_UID_IN_IDENTITY: varint length of the UID, which is the beginning of the identity
 *          NODE_UID_TEXT: text UID
 *          NODE_DATE: text date
 *          NODE_GROUPS: varint first_group, varint (last_group - first_group), with NODE_DATE varint date_group
 *          NODE_GONE: varint gone
 *          NODE_STATES: varint size, states
 *          instances only: varint version, content_hash[16], manifest cookie[16]
 *          attributes, to the end
 *   totals varint patients, studies, series, instances, instance_bytes, blobs, manifest_bytes, superseded_bytes,
 *          number of codecs, then raw_bytes and stored_bytes for each, and unless what follows is 0 zigzag
 *          last_arrival_ns, gone_instances
 */
#ifndef INDEX_INDEX_FORMAT_H
#define INDEX_INDEX_FORMAT_H

#include "base/limits.h"

#define INDEX_VERSION "4"

enum index_kind {
  INDEX_KIND_BLOB = 'b',
  INDEX_KIND_DATE = 'd',
  INDEX_KIND_FACT = 'f',
  INDEX_KIND_NAME = 'i',
  INDEX_KIND_NODE = 'n',
  INDEX_KIND_TERM = 'k',
  INDEX_KIND_TOTALS = 't',
  INDEX_KIND_UID = 'u',
  INDEX_KIND_VERSION = 'v',
};

enum {
  NODE_UID_IN_IDENTITY = 1,
  NODE_UID_TEXT = 2,
  NODE_DATE = 4,
  NODE_GROUPS = 8, /* absent: written before there were snapshots */
  NODE_GONE = 16,
  NODE_STATES = 32,
  NODE_FLAGS = 63,
};

#define VARINT_BYTES_MAX 10

/* Four names and the slashes between them. */
#define INDEX_PATH_BYTES_MAX (4 * FOLDER_NAME_BYTES_MAX + 3)

/* Changes of one version: INDEX_STATES_BYTES_MAX / 17 of them. */
#define INDEX_STATES_BYTES_MAX (64u << 10)

/* A patient key is made of an ID and its issuer, each at most DICOM_VALUE_CAPTURED_MAX. */
#define INDEX_TEXT_BYTES_MAX 4096u

/* Kind, level, two ends, a version, a path and a text. */
#define INDEX_KEY_BYTES_MAX (16 + INDEX_PATH_BYTES_MAX + INDEX_TEXT_BYTES_MAX)

#endif
