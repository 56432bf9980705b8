/* Small DICOM objects and temporary stores for the tests of the store. */
#ifndef TESTS_STORE_SYNTHETIC_H
#define TESTS_STORE_SYNTHETIC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "cassette/ingest.h"
#include "cassette/reader.h"
#include "store/store.h"

#define CT_IMAGE "1.2.840.10008.5.1.4.1.1.2"
#define IMPLICIT_LE "1.2.840.10008.1.2"
#define EXPLICIT_LE "1.2.840.10008.1.2.1"

/* What an object is made from; NULL and 0 mean something sensible. */
struct synthetic {
  const char *patient_id, *patient_name, *study_uid, *series_uid, *sop_uid, *number, *comment;
  uint16_t rows, columns, frames;
  unsigned pixel_seed;
  uint32_t private_bytes; /* of a value before the patient's attributes, even; 0: there is none */
};

static inline void synthetic_put(struct cas_buffer *out, const void *data, size_t size) {
  assert_int_equal(cas_buffer_append(out, slice_of(data, size)), CAS_OK);
}

/* Explicit VR little endian, short form; padded to even length. */
static inline void synthetic_text(struct cas_buffer *out, uint16_t group, uint16_t element, const char *vr,
                                  const char *value) {
  uint8_t head[8];
  size_t size = strlen(value), padded = size + (size & 1);
  store_u16(head, group);
  store_u16(head + 2, element);
  memcpy(head + 4, vr, 2);
  store_u16(head + 6, (uint16_t)padded);
  synthetic_put(out, head, sizeof head);
  synthetic_put(out, value, size);
  if (padded > size) synthetic_put(out, strcmp(vr, "UI") == 0 ? "\0" : " ", 1);
}

static inline void synthetic_us(struct cas_buffer *out, uint16_t element, uint16_t value) {
  uint8_t bytes[10] = {0x28, 0, 0, 0, 'U', 'S', 2, 0, 0, 0};
  store_u16(bytes + 2, element);
  store_u16(bytes + 8, value);
  synthetic_put(out, bytes, sizeof bytes);
}

static inline const char *synthetic_or(const char *value, const char *otherwise) {
  return value != NULL ? value : otherwise;
}

static inline void synthetic_pixels(struct cas_buffer *out, const struct synthetic *what) {
  uint16_t rows = what->rows ? what->rows : 32, columns = what->columns ? what->columns : 32;
  uint32_t count = (uint32_t)rows * columns * (what->frames ? what->frames : 1),
           state = what->pixel_seed * 2654435761u + 1;
  uint8_t head[12] = {0xE0, 0x7F, 0x10, 0, 'O', 'W', 0, 0}, word[2];
  store_u32(head + 8, count * 2);
  synthetic_put(out, head, sizeof head);
  for (uint32_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    store_u16(word, (uint16_t)((i % columns) * 3 + (state >> 28)));
    synthetic_put(out, word, sizeof word);
  }
}

/* Noise: it does not compress. */
static inline void synthetic_private(struct cas_buffer *out, uint32_t size) {
  uint8_t head[12] = {9, 0, 1, 0x10, 'O', 'B', 0, 0};
  uint32_t state = size;
  store_u32(head + 8, size);
  if (size > 0) synthetic_put(out, head, sizeof head);
  for (uint32_t i = 0; i < size; i++) {
    state = state * 1664525u + 1013904223u;
    uint8_t byte = (uint8_t)(state >> 24);
    synthetic_put(out, &byte, 1);
  }
}

/* The data set alone, explicit VR little endian. */
static inline void synthetic_data_set(const struct synthetic *what, struct cas_buffer *out) {
  char frames[16];
  snprintf(frames, sizeof frames, "%u", what->frames ? what->frames : 1);
  synthetic_text(out, 0x0008, 0x0016, "UI", CT_IMAGE);
  synthetic_text(out, 0x0008, 0x0018, "UI", synthetic_or(what->sop_uid, "1.2.3.4"));
  synthetic_text(out, 0x0008, 0x0020, "DA", "20200131");
  synthetic_text(out, 0x0008, 0x0060, "CS", "CT");
  synthetic_text(out, 0x0008, 0x1030, "LO", "a study of many words that compress");
  synthetic_text(out, 0x0008, 0x103E, "LO", "a series of many words that compress");
  synthetic_private(out, what->private_bytes);
  synthetic_text(out, 0x0010, 0x0010, "PN", synthetic_or(what->patient_name, "Doe^Jane"));
  synthetic_text(out, 0x0010, 0x0020, "LO", synthetic_or(what->patient_id, "P1"));
  if (what->comment != NULL) synthetic_text(out, 0x0010, 0x4000, "LT", what->comment);
  synthetic_text(out, 0x0020, 0x000D, "UI", synthetic_or(what->study_uid, "1.2.3"));
  synthetic_text(out, 0x0020, 0x000E, "UI", synthetic_or(what->series_uid, "1.2.3.1"));
  synthetic_text(out, 0x0020, 0x0013, "IS", synthetic_or(what->number, "1"));
  synthetic_us(out, 0x0002, 1);
  synthetic_text(out, 0x0028, 0x0008, "IS", frames);
  synthetic_us(out, 0x0010, what->rows ? what->rows : 32);
  synthetic_us(out, 0x0011, what->columns ? what->columns : 32);
  synthetic_us(out, 0x0100, 16);
  synthetic_us(out, 0x0101, 12);
  synthetic_us(out, 0x0102, 11);
  synthetic_us(out, 0x0103, 0);
  synthetic_pixels(out, what);
}

/* A whole Part 10 file. `version_name` goes into the meta group, so that files may differ in nothing else. */
static inline void synthetic_file(const struct synthetic *what, const char *version_name, struct cas_buffer *out) {
  struct cas_buffer meta = {0};
  uint8_t preamble[132] = {0}, length[12] = {2, 0, 0, 0, 'U', 'L', 4, 0};
  memcpy(preamble + 128, "DICM", 4);
  synthetic_text(&meta, 2, 0x0002, "UI", CT_IMAGE);
  synthetic_text(&meta, 2, 0x0003, "UI", synthetic_or(what->sop_uid, "1.2.3.4"));
  synthetic_text(&meta, 2, 0x0010, "UI", EXPLICIT_LE);
  synthetic_text(&meta, 2, 0x0012, "UI", "1.2.3.99");
  synthetic_text(&meta, 2, 0x0013, "SH", version_name);
  store_u32(length + 8, (uint32_t)meta.size);
  synthetic_put(out, preamble, sizeof preamble);
  synthetic_put(out, length, sizeof length);
  synthetic_put(out, meta.data, meta.size);
  cas_buffer_fini(&meta);
  synthetic_data_set(what, out);
}

/* --- stores --- */

struct temporary_store {
  char folder[64], path[80];
  struct cas_store *store;
  struct store_seams seams;
  struct cas_store_options options;
};

static inline void temporary_open(struct temporary_store *t) {
  struct cas_error error = {0};
  t->options.mode = CAS_OPEN_WRITE;
  cas_status status = store_open(t->path, &t->options, &t->seams, &t->store, &error);
  if (status != CAS_OK) fail_msg("cannot open: %s", error.message);
}

static inline void temporary_create(struct temporary_store *t) {
  struct cas_error error = {0};
  if (t->folder[0] == '\0') strcpy(t->folder, "/tmp/cassette-test.XXXXXX");
  assert_non_null(mkdtemp(t->folder));
  snprintf(t->path, sizeof t->path, "%s/store", t->folder);
  if (cas_store_init(t->path, &error) != CAS_OK) fail_msg("cannot init: %s", error.message);
  temporary_open(t);
}

static inline void temporary_reopen(struct temporary_store *t) {
  cas_store_close(t->store);
  temporary_open(t);
}

static inline void temporary_destroy(struct temporary_store *t) {
  char command[128];
  cas_store_close(t->store);
  snprintf(command, sizeof command, "rm -rf '%s'", t->folder);
  assert_int_equal(system(command), 0);
}

/* --- in and out --- */

static inline cas_status synthetic_import_bytes(struct cas_store *store, struct cas_slice bytes,
                                                struct cas_ingest_result *result) {
  struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT, .description = "test"};
  struct cas_ingest *ingest;
  struct cas_error error = {0};
  assert_int_equal(cas_ingest_begin(store, &source, &ingest, &error), CAS_OK);
  cas_status status = cas_ingest_write(ingest, bytes, &error);
  if (status != CAS_OK) {
    cas_ingest_abort(ingest);
    return status;
  }
  return cas_ingest_commit(ingest, result, &error);
}

static inline struct cas_ingest_result synthetic_import(struct cas_store *store, const struct cas_buffer *file) {
  struct cas_ingest_result result = {0};
  assert_int_equal(synthetic_import_bytes(store, slice_of_buffer(file), &result), CAS_OK);
  return result;
}

struct synthetic_read {
  struct cas_store *store;
  uint32_t version;
  struct cas_buffer bytes;
  cas_status status;
  bool found;
};

static inline cas_status synthetic_read_node(void *arg, const struct cas_node *node) {
  struct synthetic_read *read = arg;
  struct cas_reader *reader;
  if (node->version != read->version) return CAS_OK;
  read->found = true;
  read->status = cas_reader_open(read->store, node->path, &reader, NULL);
  if (read->status != CAS_OK) return CAS_OK;
  size_t size = cas_reader_size(reader), got = 0;
  assert_int_equal(cas_buffer_reserve(&read->bytes, size + 1), CAS_OK);
  read->status = cas_reader_read(reader, 0, read->bytes.data, size + 1, &got, NULL);
  read->bytes.size = got;
  cas_reader_close(reader);
  return CAS_OK;
}

/* Reads one version back by its UID and compares it with `file`. */
static inline cas_status synthetic_read_back(struct cas_store *store, const char *uid, uint32_t version,
                                             const struct cas_buffer *file) {
  struct synthetic_read read = {.store = store, .version = version};
  cas_status status = cas_node_by_uid(store, CAS_LEVEL_INSTANCE, uid, synthetic_read_node, &read, NULL);
  if (status == CAS_OK && !read.found) status = CAS_NOT_FOUND;
  if (status == CAS_OK) status = read.status;
  if (status == CAS_OK) assert_true(slice_equal(slice_of_buffer(&read.bytes), slice_of_buffer(file)));
  cas_buffer_fini(&read.bytes);
  return status;
}

/* The first version is wholly there or not at all, and there if it was acknowledged. */
static inline void synthetic_check_whole(struct cas_store *store, const char *uid, const struct cas_buffer *file,
                                         bool acknowledged) {
  cas_status status = synthetic_read_back(store, uid, 1, file);
  if (acknowledged || status != CAS_NOT_FOUND) assert_int_equal(status, CAS_OK);
}

#endif
