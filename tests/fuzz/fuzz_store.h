/*
 * A store with a few objects for fuzz targets that look things up: made by the first call, in a folder that is removed
 * at the end of the process, or earlier by who wants a new one. Two patients, whose names need escaping, three series,
 * one instance in two versions, one snapshot.
 */
#ifndef TESTS_FUZZ_STORE_H
#define TESTS_FUZZ_STORE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cassette/ingest.h"
#include "cassette/snapshot.h"

static char fuzz_store_folder[64];
static struct cas_store *fuzz_store_opened;

/* A call, so that the stack of an abort says which check it was. */
__attribute__((noinline)) static void fuzz_must(int holds) {
  if (!holds) abort();
}

/* Explicit VR little endian without a meta group: a bare data set (PS3.5 7.1.2). */
static inline size_t fuzz_store_put(uint8_t *at, uint32_t tag, const char *vr, const char *value) {
  size_t size = strlen(value), padded = size + (size & 1);
  at[0] = (uint8_t)(tag >> 16), at[1] = (uint8_t)(tag >> 24), at[2] = (uint8_t)tag, at[3] = (uint8_t)(tag >> 8);
  memcpy(at + 4, vr, 2);
  at[6] = (uint8_t)padded, at[7] = 0;
  memcpy(at + 8, value, size);
  if (padded > size) at[8 + size] = strcmp(vr, "UI") == 0 ? 0 : ' ';
  return 8 + padded;
}

static inline void fuzz_store_add(const char *uid, const char *patient, const char *series, const char *comment) {
  static const struct cas_ingest_source source = {.origin = CAS_ORIGIN_IMPORT, .description = "fuzz"};
  uint8_t bytes[1024];
  struct cas_ingest *ingest;
  struct cas_ingest_result result;
  size_t size = fuzz_store_put(bytes, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2");
  size += fuzz_store_put(bytes + size, 0x00080018, "UI", uid);
  size += fuzz_store_put(bytes + size, 0x00080020, "DA", "20240229");
  size += fuzz_store_put(bytes + size, 0x00080060, "CS", "CT");
  size += fuzz_store_put(bytes + size, 0x00081030, "LO", "Chest / 1 mm");
  size += fuzz_store_put(bytes + size, 0x00100010, "PN", patient);
  size += fuzz_store_put(bytes + size, 0x00100020, "LO", patient);
  size += fuzz_store_put(bytes + size, 0x00104000, "LT", comment);
  size += fuzz_store_put(bytes + size, 0x0020000D, "UI", "1.2.3");
  size += fuzz_store_put(bytes + size, 0x0020000E, "UI", series);
  fuzz_must(cas_ingest_begin(fuzz_store_opened, &source, &ingest, NULL) == CAS_OK);
  fuzz_must(cas_ingest_write(ingest, (struct cas_slice){.data = bytes, .size = size}, NULL) == CAS_OK);
  fuzz_must(cas_ingest_commit(ingest, &result, NULL) == CAS_OK);
}

/* The next call of fuzz_store() makes another. */
static inline void fuzz_store_remove(void) {
  char command[128];
  if (fuzz_store_opened == NULL) return;
  cas_store_close(fuzz_store_opened);
  snprintf(command, sizeof command, "rm -rf '%s'", fuzz_store_folder);
  fuzz_must(system(command) == 0);
  fuzz_store_opened = NULL;
}

/* The store. */
static inline struct cas_store *fuzz_store(void) {
  static int registered;
  char path[80];
  const char *temporary = getenv("TMPDIR");
  if (fuzz_store_opened != NULL) return fuzz_store_opened;
  snprintf(fuzz_store_folder, sizeof fuzz_store_folder, "%.40s/cassette-fuzz.XXXXXX",
           temporary != NULL && strlen(temporary) <= 40 ? temporary : "/tmp");
  fuzz_must(mkdtemp(fuzz_store_folder) != NULL);
  snprintf(path, sizeof path, "%s/store", fuzz_store_folder);
  fuzz_must(cas_store_init(path, NULL) == CAS_OK);
  struct cas_store_options options = {.mode = CAS_OPEN_WRITE, .workers = 1};
  fuzz_must(cas_store_open(path, &options, &fuzz_store_opened, NULL) == CAS_OK);
  if (!registered) fuzz_must(atexit(fuzz_store_remove) == 0);
  registered = 1;
  fuzz_store_add("1.2.3.1.1", "../A/B", "1.2.3.1", "one");
  fuzz_store_add("1.2.3.1.1", "../A/B", "1.2.3.1", "another version");
  fuzz_must(cas_snapshot_create(fuzz_store_opened, "then", NULL) == CAS_OK);
  fuzz_store_add("1.2.3.2.1", "../A/B", "1.2.3.2", "three");
  fuzz_store_add("1.2.3.3.1", "Doe^Jane\xc3\xa9", "1.2.3.3", "four");
  return fuzz_store_opened;
}

#endif
