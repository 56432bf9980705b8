/*
 * The kept facts: does one look into the store answer a list and the questions for each of its names, until it is old?
 */
#include "fake_store.h"
#include "fuse/fact_cache.h"

#include <time.h>

static const char path[] = "Patients/P/S/E";

static struct tree tree = {.views = TREE_PATIENTS};

static cas_status collect(void *arg, const char *name, const char *value) {
  char *text = arg;
  snprintf(text + strlen(text), 200, "%s=%s;", name, value);
  return CAS_OK;
}

static void check(struct fact_cache *cache, const char *at, const char *only, const char *expected) {
  struct cas_error error = {.status = CAS_OK};
  char text[1024] = "";
  assert_int_equal(fact_cache_list(cache, &tree, at, only, collect, text, &error), CAS_OK);
  assert_string_equal(text, expected);
}

static void fill(void) {
  fake_clear();
  fake_add("P", "P", NULL, 1, 0, 0);
  fake_add("P/S", "1.2", "20200101", 1, 0, 0);
  fake_add("P/S/E", "1.2.3", NULL, 1, 0, 0);
}

static void answers_from_what_is_kept(void **state) {
  (void)state;
  static struct fact_cache cache;
  struct cas_error error = {.status = CAS_OK};
  char text[1024] = "";
  fill();
  fact_cache_init(&cache);
  check(&cache, path, NULL,
        "study_instance_uid=1.2;study_date=20200101;series_instance_uid=1.2.3;bytes=0;instances=1;");
  check(&cache, path, "study_date", "study_date=20200101;");
  check(&cache, path, "nothing", "");
  check(&cache, "Patients/P/S", "study_instance_uid", "study_instance_uid=1.2;");
  /* What is kept needs no store, ... */
  fake_clear();
  check(&cache, path, "study_instance_uid", "study_instance_uid=1.2;");
  /* ... for a while. */
  struct timespec pause = {.tv_nsec = (FACT_CACHE_MS + 50) * 1000000L};
  nanosleep(&pause, NULL);
  assert_int_equal(fact_cache_list(&cache, &tree, path, "study_instance_uid", collect, text, &error), CAS_NOT_FOUND);
  assert_string_equal(text, "");
  fact_cache_fini(&cache);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(answers_from_what_is_kept)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
