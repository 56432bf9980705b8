/*
 * Every file of the shared test set: the bytes come back, and what the scanner reads is what MANIFEST.tsv says.
 *
 * CASSETTE_SHARED_UNPACKED names the folder of the unpacked set (ct-chest, formats, malformed …); MANIFEST.tsv is
 * there, or with the archives in CASSETTE_SHARED_DATA (else ../shared/data). Without it only the files of tests/data
 * are read.
 */
#include "scan_recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "dicom/uid.h"

enum column {
  COLUMN_PATH,
  COLUMN_BYTES,
  COLUMN_PREFIX = 3,
  COLUMN_SYNTAX = 5,
  COLUMN_CLASS,
  COLUMN_MODALITY,
  COLUMN_ROWS,
  COLUMN_COLUMNS,
  COLUMN_ALLOCATED,
  COLUMN_STORED,
  COLUMN_SAMPLES,
  COLUMN_PHOTOMETRIC,
  COLUMN_FRAMES,
  COLUMN_CHARSET,
  COLUMN_STUDY,
  COLUMN_SERIES,
  COLUMN_INSTANCE,
  COLUMN_COUNT,
};

static const struct {
  enum column column;
  uint32_t tag;
} compared[] = {
    {COLUMN_SYNTAX, CAS_TAG_TRANSFER_SYNTAX_UID},
    {COLUMN_CLASS, CAS_TAG_SOP_CLASS_UID},
    {COLUMN_MODALITY, CAS_TAG_MODALITY},
    {COLUMN_ROWS, CAS_TAG_ROWS},
    {COLUMN_COLUMNS, CAS_TAG_COLUMNS},
    {COLUMN_ALLOCATED, CAS_TAG_BITS_ALLOCATED},
    {COLUMN_STORED, 0x00280101},
    {COLUMN_SAMPLES, 0x00280002},
    {COLUMN_PHOTOMETRIC, 0x00280004},
    {COLUMN_FRAMES, CAS_TAG_NUMBER_OF_FRAMES},
    {COLUMN_STUDY, CAS_TAG_STUDY_INSTANCE_UID},
    {COLUMN_SERIES, CAS_TAG_SERIES_INSTANCE_UID},
    {COLUMN_INSTANCE, CAS_TAG_SOP_INSTANCE_UID},
};

static bool read_file(const char *folder, const char *path, struct cas_buffer *bytes) {
  char name[4096];
  snprintf(name, sizeof name, "%s/%s", folder, path);
  FILE *file = fopen(name, "rb");
  if (file == NULL) return false;
  bytes->size = 0;
  size_t read = 1;
  while (read > 0) {
    assert_int_equal(cas_buffer_reserve(bytes, bytes->size + 65536), CAS_OK);
    read = fread(bytes->data + bytes->size, 1, bytes->capacity - bytes->size, file);
    bytes->size += read;
  }
  assert_int_equal(ferror(file), 0);
  fclose(file);
  return true;
}

static int split(char *line, char *columns[COLUMN_COUNT]) {
  int count = 0;
  line[strcspn(line, "\r\n")] = '\0';
  for (char *rest = line; rest != NULL && count < COLUMN_COUNT;) columns[count++] = strsep(&rest, "\t");
  return count;
}

/* Compares one file with its line; returns how many values differ. */
static int compare(char *columns[COLUMN_COUNT], const struct scan *scan) {
  int different = 0;
  const char *path = columns[COLUMN_PATH];
  /* The manifest's reader gave up; the scanner has no need to. */
  if (strncmp(columns[COLUMN_CLASS], "unreadable", 10) == 0) return 0;
  for (size_t i = 0; i < sizeof compared / sizeof compared[0]; i++) {
    const char *expected = columns[compared[i].column], *found = scan_text(scan, compared[i].tag);
    if (strcmp(expected, found) == 0) continue;
    print_error("%s: %s is \"%s\", expected \"%s\"\n", path, cas_attribute_by_tag(compared[i].tag)->keyword, found,
                expected);
    different++;
  }
  bool has_prefix = strcmp(columns[COLUMN_PREFIX], "yes") == 0;
  bool is_acceptable = uid_is_acceptable(scan->summary->sop_instance_uid);
  bool should_be = columns[COLUMN_INSTANCE][0] != '\0';
  if (has_prefix != scan->summary->has_preamble || is_acceptable != should_be) {
    print_error("%s: preamble %d, UID \"%s\"\n", path, scan->summary->has_preamble, scan->summary->sop_instance_uid);
    different++;
  }
  return different;
}

static void scan_alike(struct cas_slice object, struct scan *scan) {
  struct scan pieces;
  scan_whole(scan, object);
  scan_in_pieces(&pieces, object, 1021);
  assert_string_equal(scan_cuts(scan), scan_cuts(&pieces));
  assert_int_equal(scan->summary->defects, pieces.summary->defects);
  assert_int_equal(scan->summary->defect_offset, pieces.summary->defect_offset);
  scan_fini(&pieces);
}

/* Reads every file of the manifest; malformed ones need only give their bytes back. */
static void read_set(const char *manifest_path, const char *folder) {
  FILE *manifest = fopen(manifest_path, "r");
  if (manifest == NULL) fail_msg("%s: %s", manifest_path, strerror(errno));
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  char line[4096], *columns[COLUMN_COUNT];
  int files = 0, different = 0;
  assert_non_null(fgets(line, sizeof line, manifest));
  while (fgets(line, sizeof line, manifest) != NULL) {
    struct scan scan;
    assert_int_equal(split(line, columns), COLUMN_COUNT);
    if (!read_file(folder, columns[COLUMN_PATH], &bytes))
      fail_msg("%s/%s: %s", folder, columns[COLUMN_PATH], strerror(errno));
    assert_int_equal(bytes.size, strtoull(columns[COLUMN_BYTES], NULL, 10));
    scan_alike(slice_of_buffer(&bytes), &scan);
    if (strncmp(columns[COLUMN_PATH], "malformed/", 10) != 0) different += compare(columns, &scan);
    scan_fini(&scan);
    files++;
  }
  fclose(manifest);
  print_message("%d files\n", files);
  assert_true(files > 0);
  assert_int_equal(different, 0);
}

static const char *shared_data(void) {
  const char *folder = getenv("CASSETTE_SHARED_UNPACKED");
  if (folder == NULL || folder[0] == '\0') {
    print_message("skipped: CASSETTE_SHARED_UNPACKED does not name the unpacked shared test set\n");
    skip();
  }
  return folder;
}

static void every_file_of_the_shared_set(void **state) {
  (void)state;
  const char *folder = shared_data(), *packed = getenv("CASSETTE_SHARED_DATA");
  char manifest[4096];
  snprintf(manifest, sizeof manifest, "%s/MANIFEST.tsv", folder);
  if (access(manifest, R_OK) != 0)
    snprintf(manifest, sizeof manifest, "%s/MANIFEST.tsv", packed != NULL ? packed : TEST_DATA "/../../../shared/data");
  read_set(manifest, folder);
}

static void every_file_of_tests_data(void **state) {
  (void)state;
  read_set(TEST_DATA "/MANIFEST.tsv", TEST_DATA);
}

static void paths_for_uids_name_nothing(void **state) {
  (void)state;
  static const char *const paths[] = {
      "malformed/e06_uid_path.dcm",      "malformed/e07_uid_slash.dcm",   "malformed/e08_uid_inner_nul.dcm",
      "malformed/e09_uid_backslash.dcm", "malformed/e10_uid_newline.dcm",
  };
  const char *folder = shared_data();
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    struct scan scan;
    if (!read_file(folder, paths[i], &bytes)) fail_msg("%s/%s: %s", folder, paths[i], strerror(errno));
    scan_whole(&scan, slice_of_buffer(&bytes));
    assert_string_not_equal(scan.summary->sop_instance_uid, "");
    assert_false(uid_is_acceptable(scan.summary->sop_instance_uid));
    scan_fini(&scan);
  }
}

static void names_in_many_scripts(void **state) {
  (void)state;
  static const struct {
    const char *path, *name;
  } cases[] = {
      {"chrArab.dcm", "قباني^لنزار"},
      {"chrFrenMulti.dcm", "Buc^Jérôme"},
      {"chrGerm.dcm", "Äneas^Rüdiger"},
      {"chrGreek.dcm", "Διονυσιος"},
      {"chrH31.dcm", "Yamada^Tarou=山田^太郎=やまだ^たろう"},
      {"chrH32.dcm", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"},
      {"chrHbrw.dcm", "שרון^דבורה"},
      {"chrI2.dcm", "Hong^Gildong=洪^吉洞=홍^길동"},
      {"chrKoreanMulti.dcm", "김희중"},
      {"chrX1.dcm", "Wang^XiaoDong=王^小東="},
      {"chrX2.dcm", "Wang^XiaoDong=王^小东="},
  };
  const char *folder = shared_data();
  CLEANUP_BUFFER struct cas_buffer bytes = {0};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct scan scan;
    char path[256];
    snprintf(path, sizeof path, "formats/pydicom/charset_files/%s", cases[i].path);
    if (!read_file(folder, path, &bytes)) fail_msg("%s/%s: %s", folder, path, strerror(errno));
    scan_whole(&scan, slice_of_buffer(&bytes));
    assert_string_equal(scan_text(&scan, CAS_TAG_PATIENT_NAME), cases[i].name);
    scan_fini(&scan);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_file_of_tests_data),
      cmocka_unit_test(every_file_of_the_shared_set),
      cmocka_unit_test(paths_for_uids_name_nothing),
      cmocka_unit_test(names_in_many_scripts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
