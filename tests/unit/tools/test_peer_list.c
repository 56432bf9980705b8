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

static bool at(const char *rule, const char *caller) {
  struct peer_address address;
  assert_true(peer_parse_address(rule, &address));
  return peer_address_matches(&address, caller);
}

static void knows_callers_by_address(void **state) {
  (void)state;
  assert_true(at("any", "192.0.2.1"));
  assert_true(at("any", "unknown"));
  assert_true(at("192.0.2.1", "192.0.2.1"));
  assert_true(at("192.0.2.1", "::ffff:192.0.2.1"));
  assert_false(at("192.0.2.1", "192.0.2.2"));
  assert_false(at("192.0.2.1", "unknown"));
  assert_true(at("192.0.2.0/24", "192.0.2.255"));
  assert_false(at("192.0.2.0/24", "192.0.3.0"));
  assert_true(at("192.0.2.128/25", "192.0.2.129"));
  assert_false(at("192.0.2.128/25", "192.0.2.127"));
  assert_true(at("0.0.0.0/0", "203.0.113.9"));
  assert_false(at("0.0.0.0/0", "2001:db8::1"));
  assert_true(at("2001:db8::/33", "2001:db8:7fff::1"));
  assert_false(at("2001:db8::/33", "2001:db8:8000::1"));
  assert_true(at("fe80::1", "fe80::1%eth0"));
  assert_true(at("localhost", "127.0.0.1"));
  assert_false(at("localhost", "192.0.2.1"));
  assert_false(at("no-such-host.invalid", "192.0.2.1"));
  static const char *const wrong[] = {"",       "1.2.3",  "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/x",
                                      "::/129", "host/8", "a b",        "-1"};
  struct peer_address address;
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    if (peer_parse_address(wrong[i], &address)) fail_msg("%s", wrong[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_addresses),
      cmocka_unit_test(knows_callers_by_address),
      cmocka_unit_test(finds_titles_whatever_their_padding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
