/*
 * Any bytes as the identifier of a query: what is read is written and read again; its keys are matched against a store
 * (cas_find), and the responses to it can be read. The first byte says the level and the transfer syntax.
 */
#include "../fuzz_store.h"
#include "find_response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct query {
  struct find_query find;
  struct find_response response;
};

/* Text, a number and a sequence, which the objects of the store have or have not. */
static const struct find_attributes further = {.tags = {0x00080201, 0x00081032, 0x00101010, 0x00201041, 0x00280006},
                                               .count = 5};

static void check_same(const struct identifier *a, const struct identifier *b) {
  fuzz_must(a->count == b->count);
  for (size_t i = 0; i < a->count; i++) fuzz_must(a->keys[i].tag == b->keys[i].tag);
}

/* Written with a VR of text, keys are read again with their values, but for padding. */
static void write_again(const struct identifier *identifier, int explicit_vr) {
  struct cas_buffer bytes = {0};
  struct identifier again;
  for (size_t i = 0; i < identifier->count; i++) {
    const struct identifier_key *key = &identifier->keys[i];
    struct cas_slice value = key->is_sequence ? (struct cas_slice){0} : key->value;
    fuzz_must(identifier_put(&bytes, explicit_vr, key->tag, key->is_sequence ? "SQ" : "LO", value) == CAS_OK);
  }
  if (bytes.size <= IDENTIFIER_BYTES_MAX) {
    struct cas_error error = {0};
    fuzz_must(identifier_parse((struct cas_slice){.data = bytes.data, .size = bytes.size}, explicit_vr, &again,
                               &error) == CAS_OK);
    check_same(identifier, &again);
  }
  cas_buffer_fini(&bytes);
}

static cas_status show(void *arg, const struct cas_node *node) {
  struct query *query = arg;
  struct cas_buffer bytes = {0};
  static struct identifier answer;
  bool current;
  fuzz_must(cas_node_is_current(query->response.store, node, &current, NULL) == CAS_OK);
  if (!current) return CAS_OK;
  fuzz_must(find_response_encode(&query->response, node, &bytes, NULL) == CAS_OK);
  struct cas_error error = {0};
  fuzz_must(identifier_parse((struct cas_slice){.data = bytes.data, .size = bytes.size},
                             query->find.identifier.explicit_vr, &answer, &error) == CAS_OK ||
            bytes.size > IDENTIFIER_BYTES_MAX);
  cas_buffer_fini(&bytes);
  return CAS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct query query;
  struct cas_error error = {0};
  if (size == 0) return 0;
  query = (struct query){.response = {.store = fuzz_store(), .aet = "FUZZ"}, .find = {.further = &further}};
  query.response.query = &query.find;
  const bool explicit_vr = (data[0] & 4) != 0;
  if (identifier_parse((struct cas_slice){.data = data + 1, .size = size - 1}, explicit_vr, &query.find.identifier,
                       &error) == CAS_OK) {
    write_again(&query.find.identifier, 0);
    write_again(&query.find.identifier, 1);
    const char *wrong = find_query_read(&query.find, true);
    query.find.level = (enum cas_level)(1 + (data[0] & 3));
    const struct identifier_key *set = identifier_find(&query.find.identifier, CAS_TAG_SPECIFIC_CHARACTER_SET);
    find_text_init(&query.response.text, set != NULL ? set->value : (struct cas_slice){0});
    const struct cas_query wanted = {.level = query.find.level,
                                     .conditions = query.find.conditions,
                                     .condition_count = wrong == NULL ? query.find.condition_count : 0,
                                     .combined_date_time = (data[0] & 8) != 0};
    cas_status status = cas_find(query.response.store, &wanted, show, &query, &error);
    fuzz_must(status == CAS_OK || status == CAS_INVALID);
  } else {
    fuzz_must(error.message[0] != '\0');
  }
  find_response_fini(&query.response);
  find_query_fini(&query.find);
  return 0;
}
