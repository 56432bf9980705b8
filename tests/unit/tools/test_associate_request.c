/* The check before DCMTK's parser: every request of a real peer passes, no length leads outside, each fault is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "associate_request.h"

struct request {
  uint8_t bytes[4096];
  size_t size;
};

static void put(struct request *request, const void *bytes, size_t size) {
  assert_true(size <= sizeof request->bytes - request->size);
  memcpy(request->bytes + request->size, bytes, size);
  request->size += size;
}

static size_t begin_item(struct request *request, uint8_t type) {
  put(request, (uint8_t[]){type, 0, 0, 0}, 4);
  return request->size;
}

static void end_item(struct request *request, size_t begin) {
  request->bytes[begin - 2] = (uint8_t)((request->size - begin) >> 8);
  request->bytes[begin - 1] = (uint8_t)(request->size - begin);
}

static void put_item(struct request *request, uint8_t type, const void *bytes, size_t size) {
  const size_t begin = begin_item(request, type);
  put(request, bytes, size);
  end_item(request, begin);
}

static void begin_request(struct request *request) {
  *request = (struct request){0};
  put(request, (uint8_t[]){1, 0, 0, 0, 0, 0, 0, 1, 0, 0}, 10);
  put(request, "CASSETTE        PEER            ", 32);
  put(request, (uint8_t[32]){0}, 32);
}

static void end_request(struct request *request) {
  request->bytes[4] = (uint8_t)((request->size - 6) >> 8);
  request->bytes[5] = (uint8_t)(request->size - 6);
}

static void put_context(struct request *request, uint8_t id, const char *abstract, const char *transfer) {
  const size_t begin = begin_item(request, 0x20);
  put(request, (uint8_t[]){id, 0, 0, 0}, 4);
  if (abstract != NULL) put_item(request, 0x30, abstract, strlen(abstract));
  if (transfer != NULL) put_item(request, 0x40, transfer, strlen(transfer));
  end_item(request, begin);
}

static void put_application(struct request *request) { put_item(request, 0x10, "1.2.840.10008.3.1.1.1", 21); }

/* User information with one more sub-item. */
static void put_user(struct request *request, uint8_t type, const void *bytes, size_t size) {
  const size_t begin = begin_item(request, 0x50);
  put_item(request, 0x51, (uint8_t[]){0, 0, 64, 0}, 4);
  put_item(request, 0x52, "2.25.1", 6);
  if (type != 0) put_item(request, type, bytes, size);
  end_item(request, begin);
}

static enum associate_verdict check(const struct request *request, const char **why) {
  /* The end of the heap block is the end of the request, so that a sanitizer sees a byte too far. */
  uint8_t *exact = malloc(request->size);
  assert_non_null(exact);
  memcpy(exact, request->bytes, request->size);
  const enum associate_verdict verdict =
      associate_request_check((struct cas_slice){.data = exact, .size = request->size}, why);
  free(exact);
  return verdict;
}

static void make_good(struct request *request) {
  begin_request(request);
  put_application(request);
  put_context(request, 1, "1.2.840.10008.1.1", "1.2.840.10008.1.2");
  put_item(request, 0x77, "unknown", 7);
  put_context(request, 3, "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1");
  put_user(request, 0x56, (uint8_t[]){0, 6, '2', '.', '2', '5', '.', '1', 2, 0, 3}, 11);
  end_request(request);
}

static void good_request_passes(void **state) {
  (void)state;
  struct request request;
  const char *why = "";
  make_good(&request);
  assert_int_equal(check(&request, &why), ASSOCIATE_GOOD);
  assert_null(why);
}

static void cut_anywhere_is_malformed(void **state) {
  (void)state;
  struct request whole;
  make_good(&whole);
  for (size_t size = 0; size < whole.size; size++) {
    struct request cut = whole;
    cut.size = size;
    const char *why = NULL;
    assert_int_not_equal(check(&cut, &why), ASSOCIATE_GOOD);
    assert_non_null(why);
    if (size < 74) continue;
    end_request(&cut); /* the head says what there is; now the items are cut */
    assert_int_equal(check(&cut, &why), ASSOCIATE_MALFORMED);
  }
}

static void every_length_is_checked(void **state) {
  (void)state;
  struct request whole;
  make_good(&whole);
  for (size_t i = 74; i < whole.size; i++) {
    for (unsigned value = 0; value < 256; value++) {
      struct request changed = whole;
      changed.bytes[i] = (uint8_t)value;
      const char *why = NULL;
      (void)check(&changed, &why); /* a sanitizer sees a step outside */
    }
  }
}

static void expect(const struct request *request, const char *expected) {
  const char *why = NULL;
  assert_int_equal(check(request, &why), ASSOCIATE_MALFORMED);
  assert_string_equal(why, expected);
}

static void contexts_are_checked(void **state) {
  (void)state;
  static const struct {
    uint8_t id;
    const char *abstract, *transfer, *why;
  } rows[] = {
      {2, "2.25.1", "2.25.2", "a presentation context ID is even"},
      {1, "2.25.1", "2.25.2", "a presentation context ID is given twice"},
      {3, NULL, "2.25.2", "a presentation context has not one abstract syntax"},
      {3, "2.25.1", NULL, "a presentation context has no transfer syntax"},
      {3, "", "2.25.2", "an empty UID"},
      {3, "2.25.1", "   ", "an empty UID"},
      {3, "2.25.1", "2.25\n", "a UID has a character that is not allowed"},
      {3, "2.25.1", "2.25.12345678901234567890123456789012345678901234567890123456789012345",
       "a UID is longer than 64 bytes"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct request request;
    begin_request(&request);
    put_application(&request);
    put_context(&request, 1, "2.25.1", "2.25.2 ");
    put_context(&request, rows[i].id, rows[i].abstract, rows[i].transfer);
    put_user(&request, 0, NULL, 0);
    end_request(&request);
    expect(&request, rows[i].why);
  }
}

static void user_information_is_checked(void **state) {
  (void)state;
  static const struct {
    uint8_t type;
    const char *bytes;
    size_t size;
    const char *why;
  } rows[] = {
      {0x51, "\0\0\100\0", 4, "a wrong maximum length"},
      {0x52, "2.25.1", 6, "two implementation class UIDs"},
      {0x53, "\0\1", 2, "a wrong operations window"},
      {0x54,
       "\0\4"
       "2.25"
       "\1",
       7, "a role selection of a wrong length"},
      {0x54,
       "\0\7"
       "2.25"
       "\1\1",
       8, "a UID is longer than its sub-item"},
      {0x56, "\0", 1, "a sub-item is too short"},
      {0x58, "\1\0\0\4user\0\1", 10, "a user identity whose lengths contradict each other"},
      {0x58, "\1\0\377\377user\0\0", 10, "a user identity whose lengths contradict each other"},
      {0x58, "\0\0\0\4user\0\0", 10, "a user identity of an unknown type"},
      {0x58, "\6\0\0\4user\0\0", 10, "a user identity of an unknown type"},
      {0x58, "\1\0\0\4user\0\1x", 11, "a user identity with a passcode that it has not"},
      {0x59, "\0\0", 2, "an answer to a user identity"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct request request;
    begin_request(&request);
    put_application(&request);
    put_context(&request, 1, "2.25.1", "2.25.2");
    put_user(&request, rows[i].type, rows[i].bytes, rows[i].size);
    end_request(&request);
    expect(&request, rows[i].why);
  }
}

static void what_must_be_there_is_missed(void **state) {
  (void)state;
  static const char *const why[] = {"no application context", "no presentation context", "no user information"};
  for (size_t left_out = 0; left_out < 3; left_out++) {
    struct request request;
    begin_request(&request);
    if (left_out != 0) put_application(&request);
    if (left_out != 1) put_context(&request, 1, "2.25.1", "2.25.2");
    if (left_out != 2) put_user(&request, 0x58, "\1\0\0\4user\0\0", 10);
    end_request(&request);
    expect(&request, why[left_out]);
  }
}

static void blank_titles_are_refused(void **state) {
  (void)state;
  for (size_t at = 10; at <= 26; at += 16) {
    struct request request;
    make_good(&request);
    request.bytes[at] = '\0'; /* the text ends before its first character */
    expect(&request, "a blank AE title");
    memset(request.bytes + at, ' ', 16);
    expect(&request, "a blank AE title");
  }
}

static void other_pdus_and_versions_are_told_apart(void **state) {
  (void)state;
  struct request request;
  const char *why = NULL;
  uint8_t answer[ASSOCIATE_ANSWER_BYTES];
  make_good(&request);
  request.bytes[7] = 2;
  assert_int_equal(check(&request, &why), ASSOCIATE_VERSION);
  associate_request_answer(ASSOCIATE_VERSION, answer);
  assert_int_equal(answer[0], 3);
  request.bytes[0] = 4;
  assert_int_equal(check(&request, &why), ASSOCIATE_UNEXPECTED);
  associate_request_answer(ASSOCIATE_UNEXPECTED, answer);
  assert_int_equal(answer[0], 7);
  size_t size = 0;
  assert_int_equal(associate_request_head((const uint8_t[]){1, 0, 0xFF, 0xFF, 0xFF, 0xFF}, &size, &why),
                   ASSOCIATE_MALFORMED);
  assert_int_equal(associate_request_head((const uint8_t[]){1, 0, 0, 0, 0, 67}, &size, &why), ASSOCIATE_MALFORMED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_request_passes),         cmocka_unit_test(cut_anywhere_is_malformed),
      cmocka_unit_test(every_length_is_checked),     cmocka_unit_test(contexts_are_checked),
      cmocka_unit_test(user_information_is_checked), cmocka_unit_test(what_must_be_there_is_missed),
      cmocka_unit_test(blank_titles_are_refused),    cmocka_unit_test(other_pdus_and_versions_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
