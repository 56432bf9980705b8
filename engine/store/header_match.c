/* Owns the keys. Recursion follows the query, which is CAS_DATA_SET_DEPTH_MAX deep at most. */
#include "store/header_match.h"

#include "base/status.h"

struct header_key {
  uint32_t tag;
  struct match_key key;
  struct header_keys items; /* of a sequence */
};

void header_keys_fini(struct header_keys *keys) {
  for (size_t i = 0; i < keys->count; i++) {
    match_key_fini(&keys->keys[i].key);
    header_keys_fini(&keys->keys[i].items);
  }
  free(keys->keys);
  *keys = (struct header_keys){0};
}

static cas_status add(struct header_keys *keys, const struct cas_condition *condition, unsigned depth,
                      struct cas_error *error) {
  struct header_key read = {.tag = condition->tag};
  if (depth > CAS_DATA_SET_DEPTH_MAX) return status_fail(error, CAS_INVALID, "sequences are nested too deep");
  cas_status status = CAS_OK;
  if (condition->items != NULL)
    for (size_t i = 0; i < condition->item_count && status == CAS_OK; i++)
      status = add(&read.items, &condition->items[i], depth + 1, error);
  else
    status = match_key_init(&read.key, condition->vr, condition->pattern, error);
  const bool is_universal = condition->items != NULL ? read.items.count == 0 : read.key.is_universal;
  if (status == CAS_OK && !is_universal) {
    struct header_key *grown = reallocarray(keys->keys, keys->count + 1, sizeof *grown);
    if (grown != NULL) {
      keys->keys = grown;
      keys->keys[keys->count++] = read;
      return CAS_OK;
    }
    status = CAS_NO_MEMORY;
  }
  header_keys_fini(&read.items);
  match_key_fini(&read.key);
  return status;
}

cas_status header_keys_add(struct header_keys *keys, const struct cas_condition *condition, struct cas_error *error) {
  return add(keys, condition, 1, error);
}

static cas_status meet_all(const struct header_keys *keys, struct cas_data_set data_set, struct cas_text *text,
                           bool *met);

static cas_status meet_items(const struct header_key *key, const struct cas_data_set *around,
                             const struct cas_element *element, struct cas_text *text, bool *met) {
  struct cas_data_set items = cas_data_set_items(around, element), item;
  *met = false;
  while (!*met && cas_data_set_next_item(&items, &item) == CAS_OK) STATUS_TRY(meet_all(&key->items, item, text, met));
  return CAS_OK;
}

/* What is not there has no value. */
static cas_status meet_one(struct header_key *key, const struct cas_data_set *data_set, struct cas_text *text,
                           bool *met) {
  CLEANUP_BUFFER struct cas_buffer value = {0};
  struct cas_element element = {0};
  (void)cas_data_set_find(*data_set, key->tag, &element);
  if (key->items.count > 0) return meet_items(key, data_set, &element, text, met);
  const bool has_own_vr = element.vr[0] != '\0' && strcmp(element.vr, "UN") != 0;
  STATUS_TRY(cas_text_decode(text, element.value, has_own_vr ? element.vr : key->key.vr, data_set->big_endian, &value));
  STATUS_TRY(cas_buffer_append(&value, slice_of("", 1)));
  return match_test(&key->key, (const char *)value.data, met);
}

static cas_status meet_all(const struct header_keys *keys, struct cas_data_set data_set, struct cas_text *text,
                           bool *met) {
  *met = true;
  for (size_t i = 0; i < keys->count && *met; i++) STATUS_TRY(meet_one(&keys->keys[i], &data_set, text, met));
  return CAS_OK;
}

cas_status header_keys_meet(const struct header_keys *keys, const struct cas_header *header, bool *met) {
  return meet_all(keys, cas_header_data_set(header), cas_header_text(header), met);
}
