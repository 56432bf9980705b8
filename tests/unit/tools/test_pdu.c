/* P-DATA framing: the same events come out however the bytes are cut, and no length leads past what was received. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pdu.h"

#define PDU_MAX 4096u

struct wire {
  uint8_t bytes[65536];
  size_t size, offset;
  size_t step; /* bytes a read gives at most */
};

static ssize_t wire_read(void *arg, void *bytes, size_t size) {
  struct wire *wire = arg;
  size_t count = wire->size - wire->offset;
  if (count > size) count = size;
  if (count > wire->step) count = wire->step;
  memcpy(bytes, wire->bytes + wire->offset, count);
  wire->offset += count;
  return (ssize_t)count;
}

static void put_u32(struct wire *wire, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) wire->bytes[wire->size++] = (uint8_t)(value >> shift);
}

static void put_head(struct wire *wire, uint8_t type, uint32_t size) {
  wire->bytes[wire->size++] = type;
  wire->bytes[wire->size++] = 0;
  put_u32(wire, size);
}

/* One value: `size` bytes that count up from `first`. */
static void put_value(struct wire *wire, uint8_t context, uint8_t control, uint32_t size, uint8_t first) {
  put_u32(wire, size + 2);
  wire->bytes[wire->size++] = context;
  wire->bytes[wire->size++] = control;
  for (uint32_t i = 0; i < size; i++) wire->bytes[wire->size++] = (uint8_t)(first + i);
}

/* Gathers values until something else comes: "context:control-of-kind:size:first;" each, joined over fragments. */
static enum pdu_event run(struct wire *wire, char *text, size_t text_size, struct cas_error *error) {
  struct pdu_stream stream;
  assert_int_equal(pdu_stream_init(&stream, PDU_MAX, wire_read, wire), CAS_OK);
  enum pdu_event event;
  size_t size = 0, used = 0;
  uint8_t first = 0;
  struct pdu_fragment fragment;
  text[0] = '\0';
  while ((event = pdu_stream_next(&stream, &fragment, error)) == PDU_FRAGMENT) {
    for (size_t i = 0; i < fragment.bytes.size; i++) {
      if (size == 0) first = fragment.bytes.data[i];
      assert_int_equal(fragment.bytes.data[i], (uint8_t)(first + size));
      size++;
    }
    if (!fragment.last) continue;
    used += (size_t)snprintf(text + used, text_size - used, "%u:%s:%zu:%u;", fragment.context_id,
                             fragment.command ? "command" : "data", size, first);
    size = 0;
    first = 0;
  }
  pdu_stream_fini(&stream);
  return event;
}

static void values_of_unequal_length_in_one_pdu(void **state) {
  (void)state;
  for (size_t step = 1; step < 400; step += step < 20 ? 1 : 37) {
    struct wire *wire = calloc(1, sizeof *wire);
    wire->step = step;
    put_head(wire, 4, 4 * 6 + 10 + 300 + 1 + 0);
    put_value(wire, 1, 3, 10, 5);
    put_value(wire, 3, 2, 300, 9);
    put_value(wire, 5, 3, 1, 77);
    put_value(wire, 7, 2, 0, 0);
    put_head(wire, 5, 4);
    put_u32(wire, 0);
    char text[256];
    struct cas_error error = {0};
    assert_int_equal(run(wire, text, sizeof text, &error), PDU_RELEASE_REQUESTED);
    assert_string_equal(text, "1:command:10:5;3:data:300:9;5:command:1:77;7:data:0:0;");
    free(wire);
  }
}

static void a_value_over_many_pdus(void **state) {
  (void)state;
  struct wire *wire = calloc(1, sizeof *wire);
  wire->step = 1000;
  for (int i = 0; i < 8; i++) {
    put_head(wire, 4, 6 + 4000);
    put_value(wire, 1, i == 7 ? 2 : 0, 4000, (uint8_t)(i * 4000));
  }
  put_head(wire, 7, 4);
  put_u32(wire, 0);
  char text[64];
  struct cas_error error = {0};
  assert_int_equal(run(wire, text, sizeof text, &error), PDU_ABORTED);
  assert_string_equal(text, "1:data:32000:0;");
  free(wire);
}

static void expect_protocol_error(void (*fill)(struct wire *)) {
  struct wire *wire = calloc(1, sizeof *wire);
  wire->step = SIZE_MAX;
  fill(wire);
  char text[64];
  struct cas_error error = {0};
  assert_int_equal(run(wire, text, sizeof text, &error), PDU_PROTOCOL);
  assert_true(error.message[0] != '\0');
  assert_string_equal(text, "");
  free(wire);
}

static void pdu_too_long(struct wire *wire) {
  put_head(wire, 4, PDU_MAX + 1);
  wire->size += PDU_MAX + 1;
}
static void pdu_giant(struct wire *wire) { put_head(wire, 4, 0xFFFFFFFF); }
static void value_longer_than_pdu(struct wire *wire) {
  put_head(wire, 4, 20);
  put_value(wire, 1, 2, 15, 0);
}
static void value_giant(struct wire *wire) {
  put_head(wire, 4, 20);
  put_u32(wire, 0xFFFFFFFF);
  wire->size += 16;
}
static void value_without_header(struct wire *wire) {
  put_head(wire, 4, 20);
  put_u32(wire, 1);
  wire->size += 16;
}
static void pdu_too_short(struct wire *wire) {
  put_head(wire, 4, 5);
  wire->size += 5;
}
static void rest_too_short(struct wire *wire) {
  put_head(wire, 4, 6 + 10 + 3);
  put_value(wire, 1, 0, 10, 0);
  wire->size += 3;
}
static void wrong_type(struct wire *wire) { put_head(wire, 1, 4); }
static void long_release(struct wire *wire) { put_head(wire, 5, 400); }

static void refuses_lengths_that_do_not_add_up(void **state) {
  (void)state;
  expect_protocol_error(pdu_too_long);
  expect_protocol_error(pdu_giant);
  expect_protocol_error(value_longer_than_pdu);
  expect_protocol_error(value_giant);
  expect_protocol_error(value_without_header);
  expect_protocol_error(pdu_too_short);
  expect_protocol_error(rest_too_short);
  expect_protocol_error(wrong_type);
  expect_protocol_error(long_release);
}

static void reports_the_end_at_every_cut(void **state) {
  (void)state;
  struct wire *wire = calloc(1, sizeof *wire);
  wire->step = SIZE_MAX;
  put_head(wire, 4, 6 + 10);
  put_value(wire, 1, 3, 10, 5);
  put_head(wire, 5, 4);
  put_u32(wire, 0);
  const size_t whole = wire->size;
  for (size_t size = 0; size < whole; size++) {
    wire->size = size;
    wire->offset = 0;
    char text[64];
    struct cas_error error = {0};
    assert_int_equal(run(wire, text, sizeof text, &error), PDU_CLOSED);
  }
  free(wire);
}

static void encodes_commands_that_it_reads_back(void **state) {
  (void)state;
  uint8_t command[500];
  for (size_t i = 0; i < sizeof command; i++) command[i] = (uint8_t)(7 + i);
  static const uint32_t limits[] = {0, 16384, 506, 505, 100, 1};
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
    struct cas_buffer bytes = {0};
    const struct cas_slice slice = {.data = command, .size = sizeof command};
    assert_int_equal(pdu_encode_command(9, slice, limits[i], &bytes), CAS_OK);
    struct wire *wire = calloc(1, sizeof *wire);
    wire->step = SIZE_MAX;
    memcpy(wire->bytes, bytes.data, bytes.size);
    wire->size = bytes.size;
    char text[64];
    struct cas_error error = {0};
    assert_int_equal(run(wire, text, sizeof text, &error), PDU_CLOSED);
    assert_string_equal(text, "9:command:500:7;");
    if (limits[i] == 506) assert_int_equal(bytes.size, 512);
    cas_buffer_fini(&bytes);
    free(wire);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_of_unequal_length_in_one_pdu), cmocka_unit_test(a_value_over_many_pdus),
      cmocka_unit_test(refuses_lengths_that_do_not_add_up),  cmocka_unit_test(reports_the_end_at_every_cut),
      cmocka_unit_test(encodes_commands_that_it_reads_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
