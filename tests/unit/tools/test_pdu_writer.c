/* What the writer sends is what the stream reads: the same values, in PDUs no longer than the peer takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "message.h"
#include "pdu_writer.h"

struct wire {
  struct cas_buffer bytes;
  size_t read;
  unsigned sends;
  cas_status status;
};

static cas_status wire_send(void *arg, struct cas_slice bytes, struct cas_error *error) {
  (void)error;
  struct wire *wire = arg;
  wire->sends++;
  if (wire->status != CAS_OK) return wire->status;
  return cas_buffer_append(&wire->bytes, bytes);
}

static ssize_t wire_read(void *arg, void *bytes, size_t size) {
  struct wire *wire = arg;
  const size_t left = wire->bytes.size - wire->read;
  if (size > left) size = left;
  memcpy(bytes, wire->bytes.data + wire->read, size);
  wire->read += size;
  return (ssize_t)size;
}

static void write_value(struct pdu_writer *writer, const uint8_t *value, size_t size) {
  struct cas_error error = {0};
  pdu_writer_begin(writer, 7, false);
  assert_int_equal(pdu_writer_write(writer, (struct cas_slice){value, size / 3}, &error), CAS_OK);
  assert_int_equal(pdu_writer_write(writer, (struct cas_slice){value + size / 3, size - size / 3}, &error), CAS_OK);
  assert_int_equal(pdu_writer_end(writer, &error), CAS_OK);
}

/* No PDU is longer than the limit, and no piece of odd length but the last. */
static void check_pdus(const struct wire *wire, size_t limit) {
  for (size_t at = 0; at < wire->bytes.size;) {
    const uint8_t *head = wire->bytes.data + at;
    const size_t size = (size_t)head[2] << 24 | (size_t)head[3] << 16 | (size_t)head[4] << 8 | head[5];
    assert_int_equal(head[0], 4);
    assert_true(size <= limit);
    if ((head[11] & 2) == 0) assert_int_equal(size % 2, 0);
    at += 6 + size;
  }
}

static void round_trip(uint32_t peer_bytes_max, size_t size) {
  struct wire wire = {.status = CAS_OK};
  struct pdu_writer writer;
  struct pdu_stream stream;
  struct cas_error error = {0};
  uint8_t *value = malloc(size + 1);
  for (size_t i = 0; i < size; i++) value[i] = (uint8_t)(i * 31 + i / 251);
  assert_int_equal(pdu_writer_init(&writer, peer_bytes_max, wire_send, &wire), CAS_OK);
  write_value(&writer, value, size);
  write_value(&writer, value, size / 2);
  assert_int_equal(pdu_writer_flush(&writer, &error), CAS_OK);
  check_pdus(&wire, peer_bytes_max == 0 ? 65536 : peer_bytes_max < 64 ? 64 : peer_bytes_max);
  assert_int_equal(pdu_stream_init(&stream, 131072, wire_read, &wire), CAS_OK);
  struct cas_buffer read = {0};
  bool whole;
  assert_int_equal(message_read_data_set(&stream, 7, size, &read, &whole, &error), PDU_FRAGMENT);
  assert_true(whole && read.size == size && (size == 0 || memcmp(read.data, value, size) == 0));
  assert_int_equal(message_read_data_set(&stream, 7, 0, &read, &whole, &error), PDU_FRAGMENT);
  assert_int_equal(whole, size / 2 == 0);
  assert_int_equal(wire.read, wire.bytes.size);
  pdu_stream_fini(&stream);
  pdu_writer_fini(&writer);
  cas_buffer_fini(&wire.bytes);
  cas_buffer_fini(&read);
  free(value);
}

static void is_read_as_it_was_written(void **state) {
  (void)state;
  static const uint32_t limits[] = {0, 1, 64, 65, 16384, 16385, 131072, 0xFFFFFFFF};
  static const size_t sizes[] = {0, 1, 57, 58, 59, 116, 16378, 16379, 65530, 65531, 262144, 1000003};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
    for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) round_trip(limits[i], sizes[j]);
}

static void a_small_message_is_one_write(void **state) {
  (void)state;
  struct wire wire = {.status = CAS_OK};
  struct pdu_writer writer;
  struct cas_error error = {0};
  assert_int_equal(pdu_writer_init(&writer, 16384, wire_send, &wire), CAS_OK);
  assert_int_equal(pdu_writer_command(&writer, 7, (struct cas_slice){(const uint8_t *)"command", 7}, &error), CAS_OK);
  write_value(&writer, (const uint8_t *)"data set", 8);
  assert_int_equal(wire.sends, 0);
  assert_int_equal(pdu_writer_flush(&writer, &error), CAS_OK);
  assert_int_equal(wire.sends, 1);
  pdu_writer_fini(&writer);
  cas_buffer_fini(&wire.bytes);
}

static void hands_a_failure_on(void **state) {
  (void)state;
  struct wire wire = {.status = CAS_IO};
  struct pdu_writer writer;
  struct cas_error error = {0};
  static const uint8_t large[600000];
  assert_int_equal(pdu_writer_init(&writer, 0, wire_send, &wire), CAS_OK);
  pdu_writer_begin(&writer, 1, false);
  assert_int_equal(pdu_writer_write(&writer, (struct cas_slice){large, sizeof large}, &error), CAS_IO);
  assert_int_equal(wire.sends, 1);
  pdu_writer_fini(&writer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_read_as_it_was_written),
      cmocka_unit_test(a_small_message_is_one_write),
      cmocka_unit_test(hands_a_failure_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
