/* The text format is written so that whatever a label holds stays within its quotes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "metrics_text.h"
#include "process_figures.h"

static void check_label(const char *value, const char *expected) {
  struct metrics_labels labels = {0};
  metrics_label(&labels, "a", value);
  assert_string_equal(labels.text, expected);
}

static void labels_are_escaped(void **state) {
  (void)state;
  check_label("", "a=\"\"");
  check_label("/mnt/a b", "a=\"/mnt/a b\"");
  check_label("\"} 1\nb\\", "a=\"\\\"} 1\\nb\\\\\"");
  check_label("\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80", "a=\"\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80\"");
  check_label("\xFF\xC3x\x80\x01\x7F\xE2\x82", "a=\"??x?????\"");
}

static void labels_that_are_too_long_are_cut(void **state) {
  (void)state;
  char value[3 * METRICS_LABELS_BYTES];
  for (size_t bytes = METRICS_LABELS_BYTES - 32; bytes < sizeof value; bytes += bytes < METRICS_LABELS_BYTES ? 1 : 99) {
    struct metrics_labels labels = {0};
    memset(value, '"', bytes);
    value[bytes - 1] = '\0';
    metrics_label(&labels, "a", value);
    metrics_label(&labels, "b", value);
    const size_t size = strlen(labels.text);
    assert_true(size < METRICS_LABELS_BYTES && labels.text[size - 1] == '"');
    size_t backslashes = 0;
    while (labels.text[size - 2 - backslashes] == '\\') backslashes++;
    assert_int_equal(backslashes % 2, 0);
  }
}

static void samples_are_lines(void **state) {
  (void)state;
  struct cas_buffer out = {0};
  struct metrics_text text = {.out = &out};
  metrics_family(&text, "x_total", "counter", "How many");
  metrics_count(&text, "x_total", NULL, UINT64_MAX);
  metrics_count(&text, "x_total", "a=\"b\"", 0);
  metrics_seconds(&text, "x_seconds", "", 1500000000);
  metrics_seconds(&text, "x_seconds", "", -1);
  metrics_number(&text, "x_ratio", NULL, 0.25);
  assert_int_equal(text.status, CAS_OK);
  assert_int_equal(cas_buffer_append(&out, (struct cas_slice){.data = (const uint8_t *)"", .size = 1}), CAS_OK);
  assert_string_equal((const char *)out.data, "# HELP x_total How many\n# TYPE x_total counter\n"
                                              "x_total 18446744073709551615\nx_total{a=\"b\"} 0\n"
                                              "x_seconds 1.500000000\nx_seconds 0.000000000\nx_ratio 0.25\n");
  cas_buffer_fini(&out);
}

static void the_kernel_tells_of_this_process(void **state) {
  (void)state;
  struct process_figures figures;
  process_figures_read(&figures);
  assert_true(figures.threads >= 1 && figures.open_files >= 3 && figures.open_files_max >= figures.open_files);
  assert_true(figures.resident_bytes > 100000 && figures.virtual_bytes > figures.resident_bytes);
  assert_true(figures.started_ns > INT64_C(1600000000000000000));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(labels_are_escaped),
      cmocka_unit_test(labels_that_are_too_long_are_cut),
      cmocka_unit_test(samples_are_lines),
      cmocka_unit_test(the_kernel_tells_of_this_process),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
