/* Peers by name: addresses as the configuration has them, titles as the network has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer_list.h"

static void reads_addresses(void **state) {
  (void)state;
  struct dicom_peer peer;
  assert_true(peer_parse("WS 1", "workstation.example:104", &peer));
  assert_string_equal(peer.aet, "WS 1");
  assert_string_equal(peer.host, "workstation.example");
  assert_int_equal(peer.port, 104);
  assert_true(peer_parse("WS", "[::1]:11112", &peer));
  assert_string_equal(peer.host, "::1");
  static const char *const wrong[] = {"",           "host",    "host:",   ":104", "host:0",
                                      "host:65536", "host:1x", "::1:104", "[]:1"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) assert_false(peer_parse("WS", wrong[i], &peer));
  assert_false(peer_parse("", "host:104", &peer));
  assert_false(peer_parse("SEVENTEEN LETTERS", "host:104", &peer));
}

static void finds_titles_whatever_their_padding(void **state) {
  (void)state;
  const struct dicom_peer peers[] = {{.aet = "ONE", .port = 1}, {.aet = "TWO", .port = 2}};
  assert_int_equal(peer_find(peers, 2, " TWO ")->port, 2);
  assert_null(peer_find(peers, 2, "two"));
  assert_null(peer_find(peers, 2, ""));
  assert_null(peer_find(NULL, 0, "ONE"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_addresses),
      cmocka_unit_test(finds_titles_whatever_their_padding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
