/*
 * Sweeping: does the kernel hear of each name that went and each folder that changed, and is nothing else looked at?
 */
#include "fake_store.h"
#include "fuse/sweep.h"

static struct tree tree = {.views = TREE_PATIENTS};

struct told {
  struct inode_table *inodes;
  char text[2048];
  unsigned gone;
};

static void tell_changed(void *arg, uint64_t folder) {
  struct told *told = arg;
  char path[TREE_PATH_MAX];
  assert_int_equal(inode_table_path(told->inodes, folder, path), CAS_OK);
  strcat(strcat(strcat(told->text, "changed "), path), "|");
}

static void tell_gone(void *arg, uint64_t folder, const char *name) {
  struct told *told = arg;
  char path[TREE_PATH_MAX];
  assert_int_equal(inode_table_path(told->inodes, folder, path), CAS_OK);
  strcat(strcat(strcat(strcat(strcat(told->text, "gone "), path), "/"), name), "|");
  told->gone++;
}

static uint64_t know(struct inode_table *inodes, uint64_t folder, const char *path) {
  uint64_t inode;
  const char *name = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
  assert_int_equal(inode_table_ref(inodes, folder, name, false, tree_inode(path), &inode), CAS_OK);
  return inode;
}

static void fill(unsigned instances_of_e, int64_t now_ns) {
  char path[64];
  fake_clear();
  fake_add("P", "P", NULL, now_ns, 0, 0);
  fake_add("P/S", "1", NULL, now_ns, 0, 0);
  fake_add("P/S/E", "1.1", NULL, now_ns, 0, 0);
  for (unsigned i = 0; i < instances_of_e; i++) {
    snprintf(path, sizeof path, "P/S/E/%u.dcm", i);
    fake_add(path, "1.1.1", NULL, 1, 1, 1);
  }
  fake_add("P/S/F", "1.2", NULL, 1, 0, 0);
  fake_add("P/S/F/0.dcm", "1.2.1", NULL, 1, 1, 1);
  fake_add("Q", "Q", NULL, 1, 0, 0);
}

static void sweeps(const struct sweep *sweep, struct told *told, const char *expected) {
  struct cas_error error = {.status = CAS_OK};
  told->text[0] = '\0';
  assert_int_equal(sweep_run(sweep, &error), CAS_OK);
  assert_string_equal(told->text, expected);
}

static void tells_what_went(void **state) {
  (void)state;
  struct told told = {.gone = 0};
  assert_int_equal(inode_table_create(&told.inodes), CAS_OK);
  struct sweep sweep = {.tree = &tree, .inodes = told.inodes, .changed = tell_changed, .gone = tell_gone, .arg = &told};
  fill(3, 10);
  uint64_t top = know(told.inodes, INODE_TABLE_ROOT, "Patients");
  uint64_t p = know(told.inodes, top, "Patients/P"), s = know(told.inodes, p, "Patients/P/S");
  uint64_t e = know(told.inodes, s, "Patients/P/S/E"), f = know(told.inodes, s, "Patients/P/S/F");
  know(told.inodes, e, "Patients/P/S/E/1.dcm");
  uint64_t last = know(told.inodes, e, "Patients/P/S/E/2.dcm");
  know(told.inodes, f, "Patients/P/S/F/0.dcm");
  /* The first sweep knows of no folder how it was. */
  sweeps(&sweep, &told,
         "changed |changed Patients|changed Patients/P|changed Patients/P/S|changed Patients/P/S/F|"
         "changed Patients/P/S/E|");
  fill(2, 20);
  sweeps(&sweep, &told,
         "changed |changed Patients|changed Patients/P|changed Patients/P/S|changed Patients/P/S/E|"
         "gone Patients/P/S/E/2.dcm|");
  /* What the kernel has forgotten is of no interest. */
  inode_table_unref(told.inodes, last, 1);
  fill(2, 30);
  sweeps(&sweep, &told, "changed |changed Patients|changed Patients/P|changed Patients/P/S|changed Patients/P/S/E|");
  fake_clear();
  sweeps(&sweep, &told, "changed |changed Patients|gone Patients/P|");
  inode_table_destroy(told.inodes);
}

static void looks_at_the_root(void **state) {
  (void)state;
  struct sweep sweep = {.tree = &tree};
  struct cas_error error = {.status = CAS_OK};
  uint64_t stamp = 0;
  bool changed = false;
  fill(1, 10);
  assert_int_equal(sweep_look(&sweep, &stamp, &changed, &error), CAS_OK);
  assert_true(changed);
  assert_int_equal(sweep_look(&sweep, &stamp, &changed, &error), CAS_OK);
  assert_false(changed);
  fake_clear();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tells_what_went), cmocka_unit_test(looks_at_the_root)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
