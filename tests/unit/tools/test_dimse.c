/* Command sets: what a peer may send is parsed, what it may not is refused, and responses are as PS3.7 9.3 lays out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dimse.h"

struct bytes {
  uint8_t data[1024];
  size_t size;
};

static void put(struct bytes *bytes, unsigned group, unsigned element, const void *value, uint32_t size) {
  const uint8_t head[8] = {(uint8_t)group, (uint8_t)(group >> 8), (uint8_t)element,      (uint8_t)(element >> 8),
                           (uint8_t)size,  (uint8_t)(size >> 8),  (uint8_t)(size >> 16), (uint8_t)(size >> 24)};
  memcpy(bytes->data + bytes->size, head, 8);
  memcpy(bytes->data + bytes->size + 8, value, size);
  bytes->size += 8 + size;
}

static void put_us(struct bytes *bytes, unsigned element, unsigned value) {
  const uint8_t le[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
  put(bytes, 0, element, le, 2);
}

static struct bytes store_request(void) {
  struct bytes bytes = {.size = 0};
  put(&bytes, 0, 0x0000, "\x70\0\0\0", 4);
  put(&bytes, 0, 0x0002, "1.2.840.10008.5.1.4.1.1.2\0", 26);
  put_us(&bytes, 0x0100, DIMSE_C_STORE_RQ);
  put_us(&bytes, 0x0110, 7);
  put_us(&bytes, 0x0700, 0);
  put_us(&bytes, 0x0800, 1);
  put(&bytes, 0, 0x1000, "1.2.3 ", 6);
  return bytes;
}

static cas_status parse(const struct bytes *bytes, struct dimse_command *command) {
  struct cas_error error = {0};
  const cas_status status =
      dimse_command_parse((struct cas_slice){.data = bytes->data, .size = bytes->size}, command, &error);
  if (status != CAS_OK) assert_true(error.message[0] != '\0' && error.status == status);
  return status;
}

static void takes_a_store_request(void **state) {
  (void)state;
  const struct bytes bytes = store_request();
  struct dimse_command command;
  assert_int_equal(parse(&bytes, &command), CAS_OK);
  assert_int_equal(command.field, DIMSE_C_STORE_RQ);
  assert_int_equal(command.message_id, 7);
  assert_true(command.has_data_set);
  assert_string_equal(command.sop_class_uid, "1.2.840.10008.5.1.4.1.1.2");
  assert_string_equal(command.sop_instance_uid, "1.2.3");
}

static void refuses_every_cut(void **state) {
  (void)state;
  const struct bytes whole = store_request();
  for (size_t size = 0; size < whole.size - 14; size++) { /* the last element is optional */
    struct bytes cut = whole;
    cut.size = size;
    struct dimse_command command;
    const cas_status status = parse(&cut, &command);
    if (status == CAS_OK) assert_true(size == whole.size - 14);
  }
}

static void refuses_what_breaks_the_rules(void **state) {
  (void)state;
  struct dimse_command command;
  struct bytes other_group = store_request();
  put(&other_group, 8, 0x0016, "1", 1);
  assert_int_equal(parse(&other_group, &command), CAS_REFUSED);

  struct bytes descending = store_request();
  put_us(&descending, 0x0800, 1);
  assert_int_equal(parse(&descending, &command), CAS_REFUSED);

  struct bytes giant = {.size = 0};
  put_us(&giant, 0x0100, DIMSE_C_STORE_RQ);
  memcpy(giant.data + giant.size, "\0\0\x00\x09\xff\xff\xff\xff", 8);
  giant.size += 8;
  assert_int_equal(parse(&giant, &command), CAS_REFUSED);

  struct bytes wide_field = {.size = 0};
  put(&wide_field, 0, 0x0100, "\1\0\0\0", 4);
  assert_int_equal(parse(&wide_field, &command), CAS_REFUSED);

  struct bytes no_field = {.size = 0};
  put_us(&no_field, 0x0110, 1);
  put_us(&no_field, 0x0800, 1);
  assert_int_equal(parse(&no_field, &command), CAS_REFUSED);

  struct bytes no_id = {.size = 0};
  put_us(&no_id, 0x0100, DIMSE_C_ECHO_RQ);
  put_us(&no_id, 0x0800, 0x0101);
  assert_int_equal(parse(&no_id, &command), CAS_REFUSED);
}

static void refuses_uids_that_are_none(void **state) {
  (void)state;
  struct dimse_command command;
  struct bytes control = {.size = 0};
  put(&control, 0, 0x0002, "1.2\n3", 5);
  assert_int_equal(parse(&control, &command), CAS_REFUSED);

  char digits[CAS_UID_TEXT_MAX];
  memset(digits, '1', sizeof digits);
  struct bytes too_long = {.size = 0};
  put(&too_long, 0, 0x0002, digits, CAS_UID_TEXT_MAX);
  assert_int_equal(parse(&too_long, &command), CAS_REFUSED);

  struct bytes longest = {.size = 0};
  put(&longest, 0, 0x0002, digits, CAS_UID_TEXT_MAX - 1);
  put_us(&longest, 0x0100, DIMSE_C_ECHO_RQ);
  put_us(&longest, 0x0110, 1);
  put_us(&longest, 0x0800, 0x0101);
  assert_int_equal(parse(&longest, &command), CAS_OK);
  assert_int_equal(strlen(command.sop_class_uid), CAS_UID_TEXT_MAX - 1);
  assert_false(command.has_data_set);
}

/* Finds an element of an encoded response; its size, or -1. */
static int find(const struct cas_buffer *bytes, unsigned element, const uint8_t **value) {
  for (size_t at = 0; at + 8 <= bytes->size;) {
    const uint8_t *p = bytes->data + at;
    const uint32_t size = p[4] | (uint32_t)p[5] << 8;
    assert_true(at + 8 + size <= bytes->size && size % 2 == 0);
    if ((p[2] | (unsigned)p[3] << 8) == element) {
      *value = p + 8;
      return (int)size;
    }
    at += 8 + size;
  }
  return -1;
}

static void encodes_a_response(void **state) {
  (void)state;
  const struct bytes bytes = store_request();
  struct dimse_command request;
  assert_int_equal(parse(&bytes, &request), CAS_OK);
  struct cas_buffer response = {0};
  assert_int_equal(dimse_response_encode(&request, DIMSE_CANNOT_UNDERSTAND, "no\\good\xc3\xa9", &response), CAS_OK);
  const uint8_t *value = NULL;
  assert_int_equal(find(&response, 0x0000, &value), 4);
  assert_int_equal(value[0] | value[1] << 8, response.size - 12);
  assert_int_equal(find(&response, 0x0100, &value), 2);
  assert_int_equal(value[0] | value[1] << 8, 0x8001);
  assert_int_equal(find(&response, 0x0120, &value), 2);
  assert_int_equal(value[0], 7);
  assert_int_equal(find(&response, 0x0800, &value), 2);
  assert_int_equal(value[0] | value[1] << 8, 0x0101);
  assert_int_equal(find(&response, 0x0900, &value), 2);
  assert_int_equal(value[0] | value[1] << 8, 0xC000);
  assert_int_equal(find(&response, 0x0902, &value), 10);
  assert_memory_equal(value, "no?good?? ", 10);
  assert_int_equal(find(&response, 0x1000, &value), 6);
  assert_memory_equal(value, "1.2.3\0", 6);
  cas_buffer_fini(&response);
}

static void encodes_the_longest_response(void **state) {
  (void)state;
  struct dimse_command request = {.field = DIMSE_C_STORE_RQ};
  memset(request.sop_class_uid, '1', CAS_UID_TEXT_MAX - 1);
  memset(request.sop_instance_uid, '2', CAS_UID_TEXT_MAX - 1);
  char comment[300];
  memset(comment, 'x', sizeof comment);
  comment[sizeof comment - 1] = '\0';
  struct cas_buffer response = {0};
  assert_int_equal(dimse_response_encode(&request, DIMSE_OUT_OF_RESOURCES, comment, &response), CAS_OK);
  const uint8_t *value = NULL;
  assert_int_equal(find(&response, 0x0902, &value), DIMSE_ERROR_COMMENT_MAX);
  cas_buffer_fini(&response);

  assert_int_equal(dimse_response_encode(&request, DIMSE_SUCCESS, comment, &response), CAS_OK);
  assert_int_equal(find(&response, 0x0902, &value), -1);
  cas_buffer_fini(&response);
}

static void only_ok_is_success(void **state) {
  (void)state;
  for (int status = CAS_OK; status <= CAS_NO_DESCRIPTORS; status++) {
    const enum dimse_status answer = dimse_status_of((cas_status)status);
    if (status == CAS_OK) {
      assert_int_equal(answer, DIMSE_SUCCESS);
    } else {
      assert_true(answer != DIMSE_SUCCESS && (answer & 0xF000) != 0xB000);
    }
  }
  assert_int_equal(dimse_status_of(CAS_NO_SPACE), DIMSE_OUT_OF_RESOURCES);
  assert_int_equal(dimse_status_of(CAS_NO_DESCRIPTORS), DIMSE_OUT_OF_RESOURCES);
  assert_int_equal(dimse_status_of(CAS_REFUSED), DIMSE_CANNOT_UNDERSTAND);
}

/* What a requestor encodes is what an acceptor parses, field by field. */
static void parses_its_own_requests(void **state) {
  (void)state;
  struct dimse_command request = {.field = DIMSE_C_MOVE_RQ, .message_id = 9, .priority = 1, .has_data_set = true};
  strcpy(request.sop_class_uid, "1.2.840.10008.5.1.4.1.2.2.2");
  strcpy(request.move_destination, "SOMEWHERE");
  struct cas_buffer bytes = {0};
  struct dimse_command parsed;
  struct cas_error error = {0};
  assert_int_equal(dimse_request_encode(&request, &bytes), CAS_OK);
  assert_int_equal(dimse_command_parse((struct cas_slice){bytes.data, bytes.size}, &parsed, &error), CAS_OK);
  assert_memory_equal(&parsed, &request, sizeof parsed);
  const struct dimse_counts counts = {.remaining = 4, .completed = 3, .failed = 2, .warning = 1};
  bytes.size = 0;
  assert_int_equal(dimse_answer_encode(&request, DIMSE_PENDING, NULL, false, &counts, &bytes), CAS_OK);
  assert_int_equal(dimse_command_parse((struct cas_slice){bytes.data, bytes.size}, &parsed, &error), CAS_OK);
  assert_int_equal(parsed.field, DIMSE_C_MOVE_RQ | DIMSE_RESPONSE_BIT);
  assert_int_equal(parsed.responded_to, 9);
  assert_int_equal(parsed.status, DIMSE_PENDING);
  assert_memory_equal(&parsed.counts, &counts, sizeof counts);
  cas_buffer_fini(&bytes);
}

static void encodes_a_sub_operation_and_a_cancel(void **state) {
  (void)state;
  struct dimse_command request = {.field = DIMSE_C_STORE_RQ, .message_id = 3, .has_data_set = true};
  strcpy(request.sop_class_uid, "1.2.3");
  strcpy(request.sop_instance_uid, "1.2.3.4");
  strcpy(request.move_originator, "MOVER");
  request.move_originator_id = 77;
  struct cas_buffer bytes = {0};
  struct dimse_command parsed;
  struct cas_error error = {0};
  assert_int_equal(dimse_request_encode(&request, &bytes), CAS_OK);
  assert_int_equal(dimse_command_parse((struct cas_slice){bytes.data, bytes.size}, &parsed, &error), CAS_OK);
  assert_memory_equal(&parsed, &request, sizeof parsed);
  const struct dimse_command cancel = {.field = DIMSE_C_CANCEL_RQ, .responded_to = 3};
  bytes.size = 0;
  assert_int_equal(dimse_request_encode(&cancel, &bytes), CAS_OK);
  assert_int_equal(dimse_command_parse((struct cas_slice){bytes.data, bytes.size}, &parsed, &error), CAS_OK);
  assert_int_equal(parsed.responded_to, 3);
  assert_false(parsed.has_data_set);
  cas_buffer_fini(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parses_its_own_requests),
      cmocka_unit_test(encodes_a_sub_operation_and_a_cancel),
      cmocka_unit_test(takes_a_store_request),
      cmocka_unit_test(refuses_every_cut),
      cmocka_unit_test(refuses_what_breaks_the_rules),
      cmocka_unit_test(refuses_uids_that_are_none),
      cmocka_unit_test(encodes_a_response),
      cmocka_unit_test(encodes_the_longest_response),
      cmocka_unit_test(only_ok_is_success),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
