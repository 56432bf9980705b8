/* Which contexts are proposed for objects, and in which of those accepted they go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store_proposal.h"
#include "transcode_policy.h"

#define CT "1.2.840.10008.5.1.4.1.1.2"
#define IMPLICIT "1.2.840.10008.1.2"
#define EXPLICIT "1.2.840.10008.1.2.1"
#define BIG "1.2.840.10008.1.2.2"
#define DEFLATED "1.2.840.10008.1.2.1.99"
#define JPEG_LOSSY "1.2.840.10008.1.2.4.50"
#define JPEG_LOSSLESS "1.2.840.10008.1.2.4.70"
#define JPEG_LS "1.2.840.10008.1.2.4.80"
#define JPEG_2000 "1.2.840.10008.1.2.4.90"
#define RLE "1.2.840.10008.1.2.5"

static void only_what_loses_nothing_can_be_written(void **state) {
  (void)state;
  const char *readable[] = {IMPLICIT, EXPLICIT, BIG, DEFLATED, JPEG_LOSSLESS, JPEG_LS, RLE, "1.2.840.10008.1.2.4.57"};
  const size_t count = sizeof readable / sizeof readable[0];
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < count; j++) assert_true(transcode_can(readable[i], readable[j]));
  const char *lossy[] = {JPEG_LOSSY, "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81"};
  for (size_t i = 0; i < 3; i++) {
    assert_true(transcode_can(lossy[i], EXPLICIT));
    assert_false(transcode_can(lossy[i], JPEG_LS));
    for (size_t j = 0; j < count; j++) assert_false(transcode_can(readable[j], lossy[i]));
  }
  const char *without_codec[] = {JPEG_2000, "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.100", "1.2.3", ""};
  for (size_t i = 0; i < 5; i++) {
    assert_false(transcode_can(without_codec[i], EXPLICIT));
    assert_false(transcode_can(EXPLICIT, without_codec[i]));
  }
}

static void its_own_syntax_is_chosen_before_all_others(void **state) {
  (void)state;
  const char *accepted[] = {RLE, DEFLATED, IMPLICIT, JPEG_2000, EXPLICIT, JPEG_LS};
  assert_int_equal(transcode_choose(RLE, accepted, 6), 0);
  assert_int_equal(transcode_choose(JPEG_2000, accepted, 6), 3);
  assert_int_equal(transcode_choose(BIG, accepted, 6), 4);
  assert_int_equal(transcode_choose(JPEG_LOSSY, accepted, 4), 2);
  assert_int_equal(transcode_choose(BIG, accepted, 1), 0);
  assert_int_equal(transcode_choose(JPEG_LOSSY, accepted, 1), 1); /* none */
  assert_int_equal(transcode_choose("1.2.840.10008.1.2.4.91", accepted, 6), 6);
  assert_int_equal(transcode_choose(EXPLICIT, accepted, 0), 0);
}

/* What a peer takes of each context: the index of the transfer syntax, or -1. */
static int table(const void *arg, size_t context) { return ((const int *)arg)[context]; }

static void a_kind_has_its_own_context_and_with_fallbacks_two_more(void **state) {
  (void)state;
  const struct store_kind kinds[] = {{CT, JPEG_LS}, {CT, EXPLICIT}, {CT, JPEG_2000}, {CT, JPEG_LOSSY}, {CT, ""}};
  static struct store_proposal proposal;
  store_proposal_make(kinds, 5, 0, false, &proposal);
  assert_int_equal(proposal.end, 5);
  assert_int_equal(proposal.context_count, 4);
  assert_true(store_proposal_may_fall_back(&proposal, &kinds[0]));
  assert_false(store_proposal_may_fall_back(&proposal, &kinds[2]));
  store_proposal_make(kinds, 5, 0, true, &proposal);
  assert_int_equal(proposal.end, 5);
  assert_false(store_proposal_may_fall_back(&proposal, &kinds[0]));
  assert_int_equal(proposal.context_count, 6);
  assert_string_equal(proposal.contexts[0].transfer_syntaxes[0], JPEG_LS);
  assert_int_equal(proposal.contexts[0].transfer_syntax_count, 1);
  assert_int_equal(proposal.contexts[1].transfer_syntax_count, TRANSCODE_PLAIN_MAX);
  assert_int_equal(proposal.contexts[2].transfer_syntax_count, TRANSCODE_PACKED_MAX);
  struct store_route route;
  const int all[] = {0, 0, 0, 0, 0, 0};
  assert_true(store_proposal_route(&proposal, &kinds[0], table, all, &route));
  assert_int_equal(route.context, 0);
  assert_true(store_proposal_route(&proposal, &kinds[2], table, all, &route));
  assert_string_equal(route.transfer_syntax, JPEG_2000);
  const int implicit_only[] = {-1, 1, -1, -1, -1, -1};
  assert_true(store_proposal_route(&proposal, &kinds[0], table, implicit_only, &route));
  assert_int_equal(route.context, 1);
  assert_string_equal(route.transfer_syntax, IMPLICIT);
  assert_true(store_proposal_route(&proposal, &kinds[3], table, implicit_only, &route));
  assert_false(store_proposal_route(&proposal, &kinds[2], table, implicit_only, &route));
  const int packed_only[] = {-1, -1, 1, -1, -1, -1};
  assert_true(store_proposal_route(&proposal, &kinds[1], table, packed_only, &route));
  assert_string_equal(route.transfer_syntax, JPEG_LOSSLESS);
  assert_false(store_proposal_route(&proposal, &kinds[3], table, packed_only, &route));
  const int nothing[] = {-1, -1, -1, -1, -1, -1};
  assert_false(store_proposal_route(&proposal, &kinds[1], table, nothing, &route));
}

static void many_kinds_go_over_several_associations(void **state) {
  (void)state;
  static struct store_kind kinds[300];
  for (size_t i = 0; i < 300; i++) {
    snprintf(kinds[i].sop_class_uid, sizeof kinds[i].sop_class_uid, "1.2.%zu", i);
    snprintf(kinds[i].transfer_syntax_uid, sizeof kinds[i].transfer_syntax_uid, "%s", i % 2 ? RLE : JPEG_2000);
  }
  static struct store_proposal proposal;
  size_t served = 0;
  for (size_t first = 0; first < 300; first = proposal.end) {
    store_proposal_make(kinds, 300, first, true, &proposal);
    assert_true(proposal.end > first);
    assert_true(proposal.context_count <= PROPOSAL_CONTEXTS_MAX);
    served += proposal.end - first;
  }
  assert_int_equal(served, 300);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_what_loses_nothing_can_be_written),
      cmocka_unit_test(its_own_syntax_is_chosen_before_all_others),
      cmocka_unit_test(a_kind_has_its_own_context_and_with_fallbacks_two_more),
      cmocka_unit_test(many_kinds_go_over_several_associations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
