/* Damage to records of a temporary store's first segment. */
#ifndef TESTS_STORE_DAMAGING_H
#define TESTS_STORE_DAMAGING_H

#include <fcntl.h>

#include "synthetic.h"

struct dump_search {
  int before; /* so many records are passed over */
  const char *kind, *codec;
  unsigned long long offset;
  bool found;
};

static inline cas_status look_for_record(void *arg, const char *line) {
  struct dump_search *search = arg;
  unsigned long long offset;
  if (!search->found && strstr(line, search->kind) != NULL && strstr(line, search->codec) != NULL &&
      sscanf(line, "%*u %llu", &offset) == 1 && search->before-- == 0) {
    search->offset = offset;
    search->found = true;
  }
  return CAS_OK;
}

/* Changes one byte of the first record that `search` describes, in its header or behind; twice: changes it back. The
 * store stays open. */
static inline void damage_found(struct temporary_store *t, struct dump_search search, unsigned at_byte) {
  char path[160];
  uint8_t byte;
  assert_int_equal(cas_segment_dump(t->store, 1, look_for_record, &search, NULL), CAS_OK);
  assert_true(search.found);
  snprintf(path, sizeof path, "%s/segments/00/00000001.seg", t->path);
  int fd = open(path, O_RDWR);
  assert_true(fd >= 0);
  off_t at = (off_t)search.offset + at_byte;
  assert_int_equal(pread(fd, &byte, 1, at), 1);
  byte ^= 0x10;
  assert_int_equal(pwrite(fd, &byte, 1, at), 1);
  close(fd);
}

/* Of the payload of a blob's record that has this codec, the first or one behind. */
static inline void damage_record_meanwhile(struct temporary_store *t, const char *codec, int before) {
  damage_found(t, (struct dump_search){.kind = " blob ", .codec = codec, .before = before}, 64 + 40);
}

/* The same, and nothing of it is left in memory. */
static inline void damage_record(struct temporary_store *t, const char *codec, int before) {
  damage_record_meanwhile(t, codec, before);
  cas_store_close(t->store);
  temporary_open(t);
}

#endif
