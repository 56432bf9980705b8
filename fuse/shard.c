#define XXH_INLINE_ALL
#include <xxhash.h>

#include "fuse/shard.h"

#include <stdio.h>
#include <string.h>

unsigned shard_digits(enum tree_shard how) { return how == TREE_SHARD_HASH1 ? 1 : how == TREE_SHARD_HASH2 ? 2 : 0; }

static void print_shard(unsigned digits, unsigned number, char shard[SHARD_NAME_SIZE]) {
  snprintf(shard, SHARD_NAME_SIZE, "%0*x", (int)digits, number & 0xFF);
}

void shard_of_name(enum tree_shard how, const char *name, char shard[SHARD_NAME_SIZE]) {
  unsigned digits = shard_digits(how);
  XXH128_hash_t hash = XXH3_128bits(name, strlen(name));
  print_shard(digits, digits == 0 ? 0 : (unsigned)(hash.high64 >> (64 - 4 * digits)), shard);
}

bool shard_cut(enum tree_shard how, const char *rest, char shard[SHARD_NAME_SIZE], const char **inner) {
  char name[NAME_MAX + 1], wanted[SHARD_NAME_SIZE];
  size_t size = strcspn(rest, "/");
  if (size != shard_digits(how) || strspn(rest, "0123456789abcdef") < size) return false;
  memcpy(shard, rest, size);
  shard[size] = '\0';
  *inner = rest[size] == '/' ? rest + size + 1 : "";
  if (**inner == '\0') return true;
  size_t name_size = strcspn(*inner, "/");
  if (name_size > NAME_MAX) return false;
  memcpy(name, *inner, name_size);
  name[name_size] = '\0';
  shard_of_name(how, name, wanted);
  return strcmp(wanted, shard) == 0;
}

cas_status shard_list(enum tree_shard how, const char *after, const struct tree_entry *entry, tree_each_fn each,
                      void *arg) {
  unsigned digits = shard_digits(how), count = 1u << (4 * digits);
  char shard[SHARD_NAME_SIZE];
  cas_status status = CAS_OK;
  for (unsigned i = 0; i < count && status == CAS_OK; i++) {
    print_shard(digits, i, shard);
    if (after == NULL || strcmp(shard, after) > 0) status = each(arg, shard, entry);
  }
  return status;
}
