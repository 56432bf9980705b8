/*
 * A table of RocksDB ends in a footer of 53 bytes: kind of checksum, places of the block of blocks and of the index as
 * varints, padding, version, magic number. A block is followed by its compression and a checksum, 1 and 4 bytes. The
 * block of blocks has entries of three varints, for the key's shared and own bytes and for the value's, then key and
 * value; behind them are the places of entries with whole keys, 4 bytes each, and their number.
 *
 * The list of tables is a log in blocks of 32 KiB. An entry has a head of 7 bytes, checksum, size and kind, and lies in
 * one block; a change of the list is one entry or several. That a table is new is a tag, its level and its number in
 * it, each a varint.
 */
#include "index/index_tables.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/bytes.h"

#define FOOTER_BYTES 53u
#define TRAILER_BYTES 5u
#define BLOCK_BYTES_MAX (1u << 20) /* those looked at have some hundred */
#define LIST_BYTES_MAX (64u << 20) /* one is written anew at each start */
#define LIST_BLOCK_BYTES 32768u
#define LIST_HEAD_BYTES 7u
#define NEW_TABLE_TAG 103
#define LEVELS 7

static const uint64_t table_magic = 0x88e241b785f4cff7;
static const uint8_t checksum_xxh3 = 4;

struct reading {
  const uint8_t *at;
  size_t left;
  bool failed;
};

struct block_place {
  uint64_t offset, size;
};

static uint64_t take_varint(struct reading *reading) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && reading->left > 0; shift += 7) {
    uint8_t byte = *reading->at++;
    reading->left--;
    value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  reading->failed = true;
  return 0;
}

static struct cas_slice take_bytes(struct reading *reading, uint64_t size) {
  if (reading->failed || size > reading->left) {
    reading->failed = true;
    return (struct cas_slice){0};
  }
  struct cas_slice taken = slice_of(reading->at, (size_t)size);
  reading->at += size;
  reading->left -= (size_t)size;
  return taken;
}

static struct block_place take_place(struct reading *reading) {
  struct block_place place = {.offset = take_varint(reading)};
  place.size = take_varint(reading);
  return place;
}

static bool read_at(int fd, uint64_t offset, uint8_t *bytes, size_t size) {
  return pread(fd, bytes, size, (off_t)offset) == (ssize_t)size;
}

/* RocksDB's own way: the checksum is that of the block, changed by the byte behind it. */
static bool checksum_fits(const uint8_t *block, size_t size) {
  uint32_t checksum = (uint32_t)XXH3_64bits(block, size) ^ (uint32_t)block[size] * 0x6b9083d9u;
  return checksum == load_u32(block + size + 1);
}

/* The place of the block of blocks. */
static bool read_footer(int fd, struct block_place *place) {
  uint8_t footer[FOOTER_BYTES];
  off_t end = lseek(fd, 0, SEEK_END);
  if (end < (off_t)FOOTER_BYTES || !read_at(fd, (uint64_t)end - FOOTER_BYTES, footer, sizeof footer)) return false;
  if (footer[0] != checksum_xxh3 || load_u64(footer + FOOTER_BYTES - 8) != table_magic) return false;
  struct reading reading = {.at = footer + 1, .left = FOOTER_BYTES - 13};
  *place = take_place(&reading);
  return !reading.failed;
}

/* The block and what follows it, malloc'ed; NULL where it cannot be read. */
static uint8_t *read_block(int fd, const struct block_place *place) {
  if (place->size > BLOCK_BYTES_MAX || place->offset > INT64_MAX - BLOCK_BYTES_MAX) return NULL;
  uint8_t *block = malloc((size_t)place->size + TRAILER_BYTES);
  if (block != NULL && read_at(fd, place->offset, block, (size_t)place->size + TRAILER_BYTES)) return block;
  free(block);
  return NULL;
}

static bool find_properties(const uint8_t *block, size_t size, struct block_place *properties) {
  static const char name[] = "rocksdb.properties";
  if (size < 4) return false;
  uint64_t restarts = 4 * ((uint64_t)load_u32(block + size - 4) + 1);
  if (restarts > size) return false;
  struct reading reading = {.at = block, .left = size - (size_t)restarts};
  while (reading.left > 0 && !reading.failed) {
    uint64_t shared = take_varint(&reading), own = take_varint(&reading), value_size = take_varint(&reading);
    struct cas_slice key = take_bytes(&reading, own), value = take_bytes(&reading, value_size);
    if (shared != 0 || !slice_equal(key, slice_of(name, strlen(name)))) continue;
    struct reading place = {.at = value.data, .left = value.size};
    *properties = take_place(&place);
    return !place.failed;
  }
  return false;
}

/* Where the block cannot be found, RocksDB cannot find it either. */
static bool properties_are_damaged(int fd) {
  struct block_place place, properties;
  if (!read_footer(fd, &place)) return false;
  CLEANUP_FREE uint8_t *blocks = read_block(fd, &place);
  if (blocks == NULL || !checksum_fits(blocks, (size_t)place.size)) return false;
  if (!find_properties(blocks, (size_t)place.size, &properties)) return false;
  CLEANUP_FREE uint8_t *block = read_block(fd, &properties);
  return block != NULL && !checksum_fits(block, (size_t)properties.size);
}

/* --- whether a table is in force --- */

/* All of a file, or nothing. */
static cas_status read_whole(int folder, const char *name, struct cas_buffer *bytes) {
  int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
  off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
  cas_status status = size >= 0 && size <= (off_t)LIST_BYTES_MAX ? cas_buffer_reserve(bytes, (size_t)size + 1) : CAS_IO;
  if (status == CAS_OK && !read_at(fd, 0, bytes->data, (size_t)size)) status = CAS_IO;
  if (status == CAS_OK) bytes->size = (size_t)size;
  if (fd >= 0) close(fd);
  return status;
}

/* Takes the heads of a list's entries out of it. */
static void join_entries(struct cas_buffer *list) {
  size_t at = 0, size = 0;
  while (at + LIST_HEAD_BYTES <= list->size) {
    size_t room = LIST_BLOCK_BYTES - at % LIST_BLOCK_BYTES;
    if (room < LIST_HEAD_BYTES) {
      at += room;
      continue;
    }
    size_t bytes = load_u16(list->data + at + 4);
    at += LIST_HEAD_BYTES;
    if (bytes > list->size - at) bytes = list->size - at;
    memmove(list->data + size, list->data + at, bytes);
    size += bytes;
    at += bytes;
  }
  list->size = size;
}

static size_t put_varint(uint8_t *bytes, uint64_t value) {
  size_t size = 0;
  for (; value >= 0x80; value >>= 7) bytes[size++] = (uint8_t)(value | 0x80);
  bytes[size++] = (uint8_t)value;
  return size;
}

/* Whether the list that CURRENT names may name a table; where it cannot be read, it may. One that is not named was
 * being written when the power went or the disk was full: RocksDB does not read it, and removes it. */
static bool may_be_in_force(int folder, const char *table) {
  CLEANUP_BUFFER struct cas_buffer name = {0}, list = {0};
  uint8_t wanted[2 + 10] = {NEW_TABLE_TAG};
  if (read_whole(folder, "CURRENT", &name) != CAS_OK || name.size == 0) return true;
  name.data[name.size - 1] = '\0'; /* a line */
  if (read_whole(folder, (const char *)name.data, &list) != CAS_OK) return true;
  join_entries(&list);
  size_t size = 2 + put_varint(wanted + 2, strtoull(table, NULL, 10));
  for (wanted[1] = 0; wanted[1] < LEVELS; wanted[1]++)
    if (memmem(list.data, list.size, wanted, size) != NULL) return true;
  return false;
}

static bool is_table(const char *name) {
  size_t size = strlen(name);
  return size > 4 && strcmp(name + size - 4, ".sst") == 0;
}

cas_status index_tables_check(const char *path, struct cas_error *error) {
  DIR *folder = opendir(path);
  cas_status status = CAS_OK;
  if (folder == NULL) return CAS_OK;
  for (const struct dirent *entry; status == CAS_OK && (entry = readdir(folder)) != NULL;) {
    if (!is_table(entry->d_name)) continue;
    int fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    if (properties_are_damaged(fd) && may_be_in_force(dirfd(folder), entry->d_name))
      status = status_fail(error, CAS_CORRUPT, "index %s: the properties of table %s are damaged", path, entry->d_name);
    close(fd);
  }
  closedir(folder);
  return status;
}
