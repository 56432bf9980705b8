/* What a requestor proposes is as PS3.8 9.3.2 lays it out, and no answer of a peer is believed beyond its bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "association_proposal.h"

static const struct proposal_context contexts[] = {
    {"1.2.840.10008.1.1", {"1.2.840.10008.1.2"}, 1, false},
    {"1.2.840.10008.5.1.4.1.1.2", {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2"}, 2, true},
    {"1.2.840.10008.5.1.4.1.1.2", {"1.2.840.10008.1.2.4.70"}, 1, true},
};

static struct proposal proposal(void) {
  return (struct proposal){
      .calling = "US", .called = "THEM", .pdu_bytes_max = 0x12345, .contexts = contexts, .context_count = 3};
}

static bool contains(const struct cas_buffer *bytes, const void *part, size_t size) {
  return memmem(bytes->data, bytes->size, part, size) != NULL;
}

static void encodes_a_request(void **state) {
  (void)state;
  struct cas_buffer bytes = {0};
  struct proposal proposed = proposal();
  proposed.extended = (struct cas_slice){(const uint8_t *)"\1", 1};
  assert_int_equal(proposal_encode(&proposed, &bytes, NULL), CAS_OK);
  assert_int_equal(bytes.data[0], 1);
  const size_t size = (size_t)bytes.data[4] << 8 | bytes.data[5];
  assert_int_equal(size + 6, bytes.size);
  assert_memory_equal(bytes.data + 10, "THEM            US              ", 32);
  assert_true(contains(&bytes, "\x51\0\0\4\0\1\x23\x45", 8));
  assert_true(contains(&bytes, "\x20\0\0\x2E\1\0\0\0\x30\0\0\x11", 12));
  /* The role once for the SOP class that two contexts have, extended negotiation for the one that has none. */
  const char role[] = "\x54\0\0\x1D\0\x19"
                      "1.2.840.10008.5.1.4.1.1.2\0\1";
  const uint8_t *first = memmem(bytes.data, bytes.size, role, sizeof role - 1);
  assert_non_null(first);
  assert_null(memmem(first + 1, bytes.size - (size_t)(first + 1 - bytes.data), role, sizeof role - 1));
  assert_true(contains(&bytes,
                       "\x56\0\0\x14\0\x11"
                       "1.2.840.10008.1.1\1",
                       24));
  cas_buffer_fini(&bytes);
}

static void refuses_what_cannot_be_said(void **state) {
  (void)state;
  struct cas_buffer bytes = {0};
  struct cas_error error = {0};
  struct proposal proposed = proposal();
  proposed.called = "SEVENTEEN LETTERS";
  assert_int_equal(proposal_encode(&proposed, &bytes, &error), CAS_INVALID);
  proposed.called = "";
  assert_int_equal(proposal_encode(&proposed, &bytes, &error), CAS_INVALID);
  proposed = proposal();
  proposed.context_count = 0;
  assert_int_equal(proposal_encode(&proposed, &bytes, &error), CAS_INVALID);
  assert_int_equal(bytes.size, 0);
}

/* --- answers --- */

struct pdu {
  uint8_t data[512];
  size_t size;
};

static void put(struct pdu *pdu, const void *bytes, size_t size) {
  memcpy(pdu->data + pdu->size, bytes, size);
  pdu->size += size;
}

static void put_context(struct pdu *pdu, uint8_t id, uint8_t result, const char *syntax) {
  const uint8_t size = (uint8_t)strlen(syntax);
  put(pdu, (uint8_t[]){0x21, 0, 0, (uint8_t)(8 + size), id, 0, result, 0, 0x40, 0, 0, size}, 12);
  put(pdu, syntax, size);
}

static struct pdu acceptance(void) {
  struct pdu pdu = {.size = 74, .data = {2, 0, 0, 0, 0, 0, 0, 1}};
  put_context(&pdu, 1, 0, "1.2.840.10008.1.2");
  put_context(&pdu, 3, 0, "1.2.840.10008.1.2\0");
  put_context(&pdu, 5, 4, "");
  put(&pdu,
      "\x50\0\0\x1F\x51\0\0\4\0\0\x40\0\x56\0\0\x13\0\x0F"
      "1.2.840.10008.9\1\1",
      35);
  return pdu;
}

static cas_status parse(struct pdu *pdu, struct proposal_answer *answer) {
  const struct proposal proposed = proposal();
  struct cas_error error = {0};
  pdu->data[4] = (uint8_t)((pdu->size - 6) >> 8);
  pdu->data[5] = (uint8_t)(pdu->size - 6);
  return proposal_answer_parse((struct cas_slice){pdu->data, pdu->size}, &proposed, answer, &error);
}

static void reads_an_acceptance(void **state) {
  (void)state;
  struct pdu pdu = acceptance();
  struct proposal_answer answer;
  assert_int_equal(parse(&pdu, &answer), CAS_OK);
  assert_int_equal(answer.peer_pdu_bytes_max, 0x4000);
  assert_int_equal(answer.accepted[0], 0);
  assert_int_equal(answer.accepted[1], 1);
  assert_int_equal(answer.accepted[2], -1);
  assert_int_equal(answer.extended_size, 2);
}

static void believes_only_what_was_proposed(void **state) {
  (void)state;
  struct pdu pdu = acceptance();
  struct proposal_answer answer;
  put_context(&pdu, 255, 0, "1.2.840.10008.1.2"); /* no such context */
  put_context(&pdu, 2, 0, "1.2.840.10008.1.2");   /* an even number */
  put_context(&pdu, 5, 0, "1.2.840.10008.1.2");   /* another syntax than proposed */
  assert_int_equal(parse(&pdu, &answer), CAS_OK);
  assert_int_equal(answer.accepted[2], -1);
  assert_int_equal(answer.accepted[127], -1);
}

/* Every answer that is cut short, with its length right or wrong, is refused or read, and never read beyond. */
static void survives_cuts(void **state) {
  (void)state;
  for (size_t size = 0; size < acceptance().size; size++) {
    struct pdu pdu = acceptance();
    struct proposal_answer answer;
    uint8_t *exact = test_malloc(size + 1);
    pdu.size = size;
    if (size >= 6) (void)parse(&pdu, &answer);
    const struct proposal proposed = proposal();
    struct cas_error error = {0};
    memcpy(exact, pdu.data, size);
    assert_true(proposal_answer_parse((struct cas_slice){exact, size}, &proposed, &answer, &error) != CAS_END);
    test_free(exact);
  }
}

static void says_why_it_was_rejected(void **state) {
  (void)state;
  const struct proposal proposed = proposal();
  struct proposal_answer answer;
  struct cas_error error = {0};
  const uint8_t reject[] = {3, 0, 0, 0, 0, 4, 0, 1, 1, 7};
  assert_int_equal(proposal_answer_parse((struct cas_slice){reject, 10}, &proposed, &answer, &error), CAS_REFUSED);
  assert_non_null(strstr(error.message, "called AE title"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(encodes_a_request),   cmocka_unit_test(refuses_what_cannot_be_said),
      cmocka_unit_test(reads_an_acceptance), cmocka_unit_test(believes_only_what_was_proposed),
      cmocka_unit_test(survives_cuts),       cmocka_unit_test(says_why_it_was_rejected),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
