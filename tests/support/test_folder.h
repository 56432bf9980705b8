/* A temporary folder for a test, removed with all that is in it. */
#ifndef SUPPORT_TEST_FOLDER_H
#define SUPPORT_TEST_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_folder {
  char path[64];
};

/* Under `parent`, or, if that is NULL, where temporary files belong. False: it cannot be made. */
static inline int test_folder_make(struct test_folder *folder, const char *parent) {
  const char *usual = getenv("TMPDIR");
  if (usual == NULL || strlen(usual) > 32) usual = "/tmp";
  snprintf(folder->path, sizeof folder->path, "%s/cassette-test-XXXXXX", parent == NULL ? usual : parent);
  return mkdtemp(folder->path) != NULL;
}

static inline int test_folder_remove_entry(const char *path, const struct stat *facts, int type, struct FTW *place) {
  (void)facts;
  (void)type;
  (void)place;
  return remove(path);
}

static inline void test_folder_remove(const struct test_folder *folder) {
  nftw(folder->path, test_folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
