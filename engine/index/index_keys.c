/*
 * Owns the shape of keys.
 *
 *  1. A key is never longer than INDEX_KEY_BYTES_MAX: every text is measured before it is copied.
 *  2. Two entries have the same key only if they are the same entry: each text that is not last ends with a NUL or has
 * a fixed length.
 */
#include "index/index_keys.h"

unsigned index_path_level(const char *path) {
  unsigned level = 0;
  for (;;) {
    size_t length = strcspn(path, "/");
    if (length == 0 || length > FOLDER_NAME_BYTES_MAX) return 0;
    if (++level > CAS_LEVEL_INSTANCE) return 0;
    if (path[length] == '\0') return level;
    path += length + 1;
  }
}

void index_path_split(const char *path, struct cas_slice *parent, struct cas_slice *name) {
  const char *slash = strrchr(path, '/');
  *parent = slice_of(path, slash == NULL ? 0 : (size_t)(slash - path));
  const char *first = slash == NULL ? path : slash + 1;
  *name = slice_of(first, strlen(first));
}

bool index_key_append(struct index_key *key, const void *bytes, size_t size) {
  if (size > sizeof key->bytes - key->size) return false;
  if (size > 0) memcpy(key->bytes + key->size, bytes, size);
  key->size += size;
  return true;
}

static void begin(struct index_key *key, enum index_kind kind) {
  key->bytes[0] = (uint8_t)kind;
  key->size = 1;
}

static void begin_level(struct index_key *key, enum index_kind kind, unsigned level) {
  begin(key, kind);
  key->bytes[key->size++] = (uint8_t)level;
}

static bool append_text(struct index_key *key, struct cas_slice text) {
  return text.size <= INDEX_TEXT_BYTES_MAX && index_key_append(key, text.data, text.size);
}

static bool append_text_end(struct index_key *key, struct cas_slice text) {
  return append_text(key, text) && index_key_append(key, "", 1);
}

void index_key_blob(struct index_key *key, const struct blob_id *id) {
  begin(key, INDEX_KIND_BLOB);
  memcpy(key->bytes + 1, id->hash.bytes, sizeof id->hash.bytes);
  key->bytes[17] = (uint8_t)(id->ordinal >> 8);
  key->bytes[18] = (uint8_t)id->ordinal;
  key->size = 19;
}

void index_key_blobs(struct index_key *key) { begin(key, INDEX_KIND_BLOB); }

bool index_key_read_blob(struct cas_slice rest, struct blob_id *id) {
  if (rest.size != sizeof id->hash.bytes + 2) return false;
  memcpy(id->hash.bytes, rest.data, sizeof id->hash.bytes);
  id->ordinal = (uint16_t)(rest.data[16] << 8 | rest.data[17]);
  return true;
}

void index_key_totals(struct index_key *key) { begin(key, INDEX_KIND_TOTALS); }

void index_key_version(struct index_key *key) { begin(key, INDEX_KIND_VERSION); }

bool index_key_fact(struct index_key *key, const char *name) {
  begin(key, INDEX_KIND_FACT);
  return append_text(key, slice_of(name, strlen(name)));
}

bool index_key_node(struct index_key *key, const char *path) {
  unsigned level = index_path_level(path);
  if (level == 0) return false;
  begin_level(key, INDEX_KIND_NODE, level);
  if (level == CAS_LEVEL_PATIENT && !index_key_append(key, "/", 1)) return false;
  return index_key_append(key, path, strlen(path));
}

bool index_key_children(struct index_key *key, const char *parent) {
  unsigned level = index_path_level(parent);
  if (level == CAS_LEVEL_INSTANCE || (level == 0 && parent[0] != '\0')) return false;
  begin_level(key, INDEX_KIND_NODE, level + 1);
  return index_key_append(key, parent, strlen(parent)) && index_key_append(key, "/", 1);
}

bool index_key_name(struct index_key *key, struct cas_slice parent, struct cas_slice identity) {
  begin(key, INDEX_KIND_NAME);
  return parent.size <= INDEX_PATH_BYTES_MAX && append_text_end(key, parent) && append_text(key, identity);
}

void index_key_uids(struct index_key *key, unsigned level) { begin_level(key, INDEX_KIND_UID, level); }

bool index_key_uid_prefix(struct index_key *key, unsigned level, const char *uid) {
  index_key_uids(key, level);
  return append_text_end(key, slice_of(uid, strlen(uid)));
}

bool index_key_uid(struct index_key *key, unsigned level, struct cas_slice uid, uint32_t version, const char *path) {
  const uint8_t big_endian[4] = {(uint8_t)(version >> 24), (uint8_t)(version >> 16), (uint8_t)(version >> 8),
                                 (uint8_t)version};
  index_key_uids(key, level);
  return append_text_end(key, uid) && index_key_append(key, big_endian, sizeof big_endian) &&
         index_key_append(key, path, strlen(path));
}

void index_key_dates(struct index_key *key) { begin(key, INDEX_KIND_DATE); }

bool index_key_date(struct index_key *key, struct cas_slice date, const char *path) {
  index_key_dates(key);
  return append_text_end(key, date) && index_key_append(key, path, strlen(path));
}

bool index_key_terms(struct index_key *key, char field, struct cas_slice text, bool whole) {
  begin_level(key, INDEX_KIND_TERM, (uint8_t)field);
  return whole ? append_text_end(key, text) : append_text(key, text);
}

bool index_key_term(struct index_key *key, char field, struct cas_slice text, const char *path) {
  return index_key_terms(key, field, text, true) && index_key_append(key, path, strlen(path));
}

bool slice_begins_with(struct cas_slice slice, struct cas_slice prefix) {
  return slice.size >= prefix.size && (prefix.size == 0 || memcmp(slice.data, prefix.data, prefix.size) == 0);
}

static bool is_path(struct cas_slice path) {
  return path.size > 0 && path.size <= INDEX_PATH_BYTES_MAX && memchr(path.data, 0, path.size) == NULL;
}

/* Cuts `rest` at its first NUL; the text before it is not empty. */
static bool cut(struct cas_slice rest, struct cas_slice *text, struct cas_slice *tail) {
  const uint8_t *end = rest.size == 0 ? NULL : memchr(rest.data, 0, rest.size);
  if (end == NULL || end == rest.data) return false;
  size_t length = (size_t)(end - rest.data);
  *text = slice_of(rest.data, length);
  *tail = slice_of(end + 1, rest.size - length - 1);
  return true;
}

bool index_key_read_place(struct cas_slice rest, struct cas_slice *path) {
  if (rest.size < 4) return false;
  struct cas_slice tail = slice_of(rest.data + 4, rest.size - 4);
  if (!is_path(tail)) return false;
  *path = tail;
  return true;
}

bool index_key_read_uid(struct cas_slice rest, struct cas_slice *uid, struct cas_slice *path) {
  struct cas_slice text, tail;
  if (!cut(rest, &text, &tail) || !index_key_read_place(tail, path)) return false;
  *uid = text;
  return true;
}

bool index_key_read_date(struct cas_slice rest, struct cas_slice *date, struct cas_slice *path) {
  struct cas_slice text, tail;
  if (!cut(rest, &text, &tail) || !is_path(tail)) return false;
  *date = text;
  *path = tail;
  return true;
}

int slice_compare(struct cas_slice a, struct cas_slice b) {
  int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
  if (order != 0) return order;
  return a.size < b.size ? -1 : a.size > b.size;
}
