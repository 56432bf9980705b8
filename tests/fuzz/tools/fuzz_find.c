/*
 * Any bytes as the identifier of a query: what is read is written and read again; its keys are matched against a store
 * (cas_find), and the responses to it can be read. The first byte says the level and the transfer syntax.
 */
#include "../fuzz_store.h"
#include "find_response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CONDITIONS_MAX 8u

struct query {
  struct find_response response;
  struct identifier identifier;
  struct cas_condition conditions[CONDITIONS_MAX];
  char patterns[CONDITIONS_MAX][256];
  size_t condition_count;
};

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
  bool matches;
  fuzz_must(find_response_matches(&query->response, node, &matches, NULL) == CAS_OK);
  if (!matches) return CAS_OK;
  fuzz_must(find_response_encode(&query->response, &query->identifier, node, &bytes, NULL) == CAS_OK);
  struct cas_error error = {0};
  fuzz_must(identifier_parse((struct cas_slice){.data = bytes.data, .size = bytes.size}, query->response.explicit_vr,
                             &answer, &error) == CAS_OK ||
            bytes.size > IDENTIFIER_BYTES_MAX);
  cas_buffer_fini(&bytes);
  return CAS_OK;
}

static void read_conditions(struct query *query) {
  for (size_t i = 0; i < query->identifier.count && query->condition_count < CONDITIONS_MAX; i++) {
    const struct identifier_key *key = &query->identifier.keys[i];
    const struct cas_attribute_definition *definition = cas_attribute_by_tag(key->tag);
    char *pattern = query->patterns[query->condition_count];
    if (definition == NULL || definition->level > query->response.level || key->value.size == 0 ||
        key->value.size >= sizeof query->patterns[0] || memchr(key->value.data, 0, key->value.size) != NULL)
      continue;
    memcpy(pattern, key->value.data, key->value.size);
    pattern[key->value.size] = '\0';
    query->conditions[query->condition_count++] = (struct cas_condition){.tag = key->tag, .pattern = pattern};
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct query query;
  struct cas_error error = {0};
  if (size == 0) return 0;
  query = (struct query){.response = {.store = fuzz_store(), .aet = "FUZZ"}};
  query.response.level = (enum cas_level)(1 + (data[0] & 3));
  query.response.explicit_vr = (data[0] & 4) != 0;
  if (identifier_parse((struct cas_slice){.data = data + 1, .size = size - 1}, query.response.explicit_vr,
                       &query.identifier, &error) == CAS_OK) {
    write_again(&query.identifier, 0);
    write_again(&query.identifier, 1);
    read_conditions(&query);
    const struct cas_query wanted = {
        .level = query.response.level, .conditions = query.conditions, .condition_count = query.condition_count};
    cas_status status = cas_find(query.response.store, &wanted, show, &query, &error);
    fuzz_must(status == CAS_OK || status == CAS_INVALID);
  } else {
    fuzz_must(error.message[0] != '\0');
  }
  find_response_fini(&query.response);
  return 0;
}
