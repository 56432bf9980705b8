/*
 * Any bytes as the files of an index that are looked at before RocksDB opens it: a table, the list of tables, and how
 * far they have come.
 *
 * Input: size of the table in two bytes, little endian; flags: 1 a block at its beginning gets its checksum right, 2
 * the list names the table; the size of that block; table, list. The list is also what says how far they have come.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "index/index_reached.h"
#include "index/index_tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

static void must(bool holds) {
  if (!holds) abort();
}

static void put(const char *name, struct cas_slice bytes) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "wb");
  must(file != NULL && fwrite(bytes.data, 1, bytes.size, file) == bytes.size && fclose(file) == 0);
}

static void remove_folder(void) {
  static const char *const names[] = {"000009.sst", "CURRENT", "MANIFEST-000001", "REACHED"};
  char path[128];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  rmdir(folder);
}

static void make_folder(void) {
  const char *temporary = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%.40s/cassette-fuzz.XXXXXX",
           temporary != NULL && strlen(temporary) <= 40 ? temporary : "/tmp");
  must(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
  put("CURRENT", slice_of("MANIFEST-000001\n", 16));
}

/* As RocksDB has it behind a block: of the block and of the byte behind it. */
static void correct_checksum(uint8_t *table, size_t size, size_t block_size) {
  if (block_size + 5 > size) return;
  uint32_t checksum = (uint32_t)XXH3_64bits(table, block_size) ^ (uint32_t)table[block_size] * 0x6b9083d9u;
  memcpy(table + block_size + 1, &checksum, sizeof checksum);
}

static void check_tables(struct cas_slice table, struct cas_slice list, bool names_table) {
  static const uint8_t entry[] = {0, 0, 0, 0, 3, 0, 1, 103, 0, 9};
  CLEANUP_BUFFER struct cas_buffer whole = {0};
  struct cas_error error = {0};
  must(cas_buffer_append(&whole, list) == CAS_OK);
  if (names_table) must(cas_buffer_append(&whole, slice_of(entry, sizeof entry)) == CAS_OK);
  put("000009.sst", table);
  put("MANIFEST-000001", slice_of_buffer(&whole));
  cas_status status = index_tables_check(folder, &error);
  must(status == CAS_OK || (status == CAS_CORRUPT && error.message[0] != '\0'));
}

static void check_reached(struct cas_slice text) {
  put("REACHED", text);
  uint64_t sequence = index_reached_read(folder);
  if (sequence == 0) return;
  must(index_reached_write(folder, sequence, NULL) == CAS_OK && index_reached_read(folder) == sequence);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 4) return 0;
  if (folder[0] == '\0') make_folder();
  size_t table_size = load_u16(data);
  if (table_size > size - 4) table_size = size - 4;
  uint8_t *table = malloc(table_size + 1);
  must(table != NULL);
  memcpy(table, data + 4, table_size);
  if ((data[2] & 1) != 0) correct_checksum(table, table_size, data[3]);
  struct cas_slice rest = slice_of(data + 4 + table_size, size - 4 - table_size);
  check_tables(slice_of(table, table_size), rest, (data[2] & 2) != 0);
  check_reached(rest);
  free(table);
  return 0;
}
