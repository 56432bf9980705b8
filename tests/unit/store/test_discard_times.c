/* Deleted versions keep their bytes for the days that are asked for, whatever a clock said when they were deleted. The
 * clock of this program is the test's: it is set as no real one should be. */
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

#include "cassette/state.h"
#include "compacting.h"

#define DAY INT64_C(86400)
#define BASE (20000 * DAY)
#define DAYS_KEPT 30

static atomic_int_fast64_t clock_s;

/* In place of the C library's. */
int clock_gettime(clockid_t id, struct timespec *now) {
  if (id != CLOCK_REALTIME || clock_s == 0) return (int)syscall(SYS_clock_gettime, id, now);
  *now = (struct timespec){.tv_sec = clock_s};
  return 0;
}

static void set_day(int64_t day) { clock_s = BASE + day * DAY; }

static void bring(struct cas_store *store, const char *uid) {
  CLEANUP_BUFFER struct cas_buffer file = {0};
  synthetic_file(&(struct synthetic){.sop_uid = uid}, "A", &file);
  synthetic_import(store, &file);
}

static void delete_instance(struct cas_store *store, const char *uid) {
  struct cas_target target = {.uid = uid};
  struct cas_change change = {.action = CAS_ACTION_DELETE, .targets = &target, .target_count = 1};
  uint64_t changed;
  assert_int_equal(cas_store_change(store, &change, &changed, NULL), CAS_OK);
}

static uint64_t discarded_on(struct temporary_store *t, int64_t day) {
  struct cas_compact_result result;
  set_day(day);
  struct cas_compact_options options = {.deleted_before_ns = (BASE + (day - DAYS_KEPT) * DAY) * 1000000000};
  assert_int_equal(cas_store_compact(t->store, &options, &result, NULL), CAS_OK);
  return result.discarded_versions;
}

/* "1.2.3.4" came on day 0 and was deleted when the clock said that it is `said`. */
static void delete_when_it_is(struct temporary_store *t, int64_t said) {
  set_day(0);
  temporary_create(t);
  bring(t->store, "1.2.3.4");
  set_day(said);
  delete_instance(t->store, "1.2.3.4");
}

/* The log says of times what the index had. */
static void rebuild(struct temporary_store *t) {
  cas_store_close(t->store);
  assert_int_equal(cas_store_rebuild(t->path, NULL, NULL, NULL, NULL), CAS_OK);
  temporary_open(t);
}

static void by_a_right_clock(void **state) {
  (void)state;
  struct temporary_store t = {0};
  delete_when_it_is(&t, 1);
  assert_int_equal(discarded_on(&t, 30), 0);
  assert_int_equal(discarded_on(&t, 32), 1);
  temporary_destroy(&t);
}

/* Of a deletion on day 40, and of what comes behind it on day 41: the day on which its bytes may go. */
static void goes_on_day(int64_t day, int64_t said) {
  for (int i = 0; i < 2; i++) {
    struct temporary_store t = {0};
    delete_when_it_is(&t, said);
    assert_int_equal(discarded_on(&t, 40), 0);
    set_day(41);
    bring(t.store, "1.2.3.5");
    if (i == 1) rebuild(&t);
    assert_int_equal(discarded_on(&t, day - 1), 0);
    assert_int_equal(discarded_on(&t, day + 1), 1);
    temporary_destroy(&t);
  }
}

static void by_a_clock_that_was_behind(void **state) {
  (void)state;
  goes_on_day(71, -19999);
  goes_on_day(71, -1);
}

static void by_a_clock_that_was_ahead(void **state) {
  (void)state;
  goes_on_day(71, 10000);
  goes_on_day(80, 50); /* not before its own time is due, if that was in the future for days only */
}

static void by_a_clock_before_1970(void **state) {
  (void)state;
  goes_on_day(71, -20001);
}

static void nothing_came_behind_it(void **state) {
  (void)state;
  const int64_t said[] = {-19999, 10000};
  for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
    struct temporary_store t = {0};
    struct cas_compact_options now = {.deleted_before_ns = INT64_MAX};
    struct cas_compact_result result;
    delete_when_it_is(&t, said[i]);
    assert_int_equal(discarded_on(&t, 400), 0);
    assert_int_equal(cas_store_compact(t.store, &now, &result, NULL), CAS_OK);
    assert_int_equal(result.discarded_versions, 1);
    temporary_destroy(&t);
  }
}

/* One time in the future says nothing about those behind it. */
static void what_came_before_was_ahead(void **state) {
  (void)state;
  struct temporary_store t = {0};
  set_day(0);
  temporary_create(&t);
  bring(t.store, "1.2.3.4");
  set_day(10000);
  bring(t.store, "1.2.3.5");
  set_day(1);
  delete_instance(t.store, "1.2.3.4");
  assert_int_equal(discarded_on(&t, 30), 0);
  assert_int_equal(discarded_on(&t, 32), 1);
  temporary_destroy(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_a_right_clock),          cmocka_unit_test(by_a_clock_that_was_behind),
      cmocka_unit_test(by_a_clock_that_was_ahead), cmocka_unit_test(by_a_clock_before_1970),
      cmocka_unit_test(nothing_came_behind_it),    cmocka_unit_test(what_came_before_was_ahead),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
