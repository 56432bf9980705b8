/*
 * Owns every file as two images: `durable`, what a power cut cannot take away, and `present`, what reading sees; and
 * for each sector of `present` whether it was written since the last sync. A power cut takes each such sector into
 * `durable` or not, whatever the order in which they were written.
 */
#include "support/faulty_disk.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>

#include "base/limits.h"
#include "base/status.h"
#include "support/test_random.h"

enum { name_bytes_max = 128, files_max = 4096 };

struct image {
  uint8_t *bytes;
  uint64_t size, capacity;
};

struct node {
  char name[name_bytes_max];
  bool exists, is_folder;
  bool dead;         /* a sync failed */
  cas_status failed; /* of a write */
  struct image durable, present;
  uint8_t *dirty; /* a byte for each sector of `present`, up to dirty_count */
  uint64_t dirty_count;
};

struct faulty_disk {
  struct io_disk disk; /* first */
  pthread_mutex_t lock;
  struct test_random random;
  size_t block_bytes;
  bool late_errors, lie;
  struct node *nodes[files_max];
  size_t node_count;
  struct io_block blocks[WRITE_BUFFER_COUNT];
  bool block_lent[WRITE_BUFFER_COUNT];
  uint64_t counts[5]; /* by kind */
  unsigned fail_kinds;
  uint64_t fail_in, fail_times;
  int fail_errno;
  uint64_t power_off_in; /* 0: not planned */
  bool off;
};

struct faulty_file {
  struct io_file file; /* first */
  struct faulty_disk *disk;
  struct node *node;
};

static struct faulty_disk *disk_of(const struct io_disk *disk) { return (struct faulty_disk *)(void *)disk; }
static struct faulty_file *file_of(struct io_file *file) { return (struct faulty_file *)(void *)file; }

static bool chance(struct faulty_disk *disk, uint64_t one_in) { return test_random_below(&disk->random, one_in) == 0; }

/* --- images --- */

static void image_resize(struct image *image, uint64_t size) {
  if (size > image->capacity) {
    uint64_t capacity = size + size / 2;
    image->bytes = realloc(image->bytes, capacity);
    assert(image->bytes != NULL);
    image->capacity = capacity;
  }
  if (size > image->size) memset(image->bytes + image->size, 0, size - image->size);
  image->size = size;
}

static void image_copy(struct image *to, const struct image *from) {
  image_resize(to, from->size);
  if (from->size > 0) memcpy(to->bytes, from->bytes, from->size);
}

static void node_write(struct node *node, uint64_t offset, const uint8_t *bytes, uint64_t size) {
  if (size == 0) return;
  if (offset + size > node->present.size) image_resize(&node->present, offset + size);
  memcpy(node->present.bytes + offset, bytes, size);
  uint64_t sectors = (node->present.size + FAULTY_SECTOR_BYTES - 1) / FAULTY_SECTOR_BYTES;
  if (sectors > node->dirty_count) {
    node->dirty = realloc(node->dirty, sectors);
    assert(node->dirty != NULL);
    memset(node->dirty + node->dirty_count, 0, sectors - node->dirty_count);
    node->dirty_count = sectors;
  }
  for (uint64_t i = offset / FAULTY_SECTOR_BYTES; i * FAULTY_SECTOR_BYTES < offset + size; i++) node->dirty[i] = 1;
}

static void node_settle(struct node *node) {
  image_copy(&node->durable, &node->present);
  if (node->dirty_count > 0) memset(node->dirty, 0, node->dirty_count);
}

/* How the sectors of one file fare in one power cut. */
enum fate { FATE_NONE, FATE_ALL, FATE_HALF, FATE_MOST, FATE_FIRST, FATE_LAST, FATE_COUNT };

static bool survives(struct faulty_disk *disk, enum fate fate, uint64_t sector, uint64_t cut) {
  switch (fate) {
  case FATE_ALL: return true;
  case FATE_HALF: return chance(disk, 2);
  case FATE_MOST: return !chance(disk, 16);
  case FATE_FIRST: return sector < cut;
  case FATE_LAST: return sector >= cut;
  default: return false;
  }
}

/* Some of the dirty sectors become durable. Of those that do not, some leave the file longer, with zeros or rubbish. */
static void node_crash(struct faulty_disk *disk, struct node *node) {
  enum fate fate = (enum fate)test_random_below(&disk->random, FATE_COUNT);
  uint64_t sectors = (node->present.size + FAULTY_SECTOR_BYTES - 1) / FAULTY_SECTOR_BYTES;
  uint64_t first = 0;
  while (first < node->dirty_count && node->dirty[first] == 0) first++;
  uint64_t cut = first >= sectors ? sectors : first + test_random_below(&disk->random, sectors - first + 1);
  bool rubbish = chance(disk, 4);
  uint64_t durable_size = node->durable.size;
  if (node->present.size > durable_size && chance(disk, 2)) image_resize(&node->durable, node->present.size);
  for (uint64_t i = first; i < node->dirty_count && i < sectors; i++) {
    uint64_t begin = i * FAULTY_SECTOR_BYTES, end = begin + FAULTY_SECTOR_BYTES;
    if (node->dirty[i] == 0) continue;
    if (end > node->present.size) end = node->present.size;
    if (survives(disk, fate, i, cut)) {
      if (end > node->durable.size) image_resize(&node->durable, end);
      memcpy(node->durable.bytes + begin, node->present.bytes + begin, end - begin);
    } else if (rubbish && begin >= durable_size && end <= node->durable.size) {
      for (uint64_t at = begin; at < end; at++) node->durable.bytes[at] = (uint8_t)test_random_next(&disk->random);
    }
  }
  image_copy(&node->present, &node->durable);
  if (node->dirty_count > 0) memset(node->dirty, 0, node->dirty_count);
  node->dead = false;
  node->failed = CAS_OK;
}

/* --- names --- */

static struct node *find(struct faulty_disk *disk, const char *name) {
  for (size_t i = 0; i < disk->node_count; i++)
    if (disk->nodes[i]->exists && strcmp(disk->nodes[i]->name, name) == 0) return disk->nodes[i];
  return NULL;
}

static struct node *add(struct faulty_disk *disk, const char *name, bool is_folder) {
  assert(disk->node_count < files_max && strlen(name) < name_bytes_max);
  struct node *node = calloc(1, sizeof *node);
  assert(node != NULL);
  strcpy(node->name, name);
  node->exists = true;
  node->is_folder = is_folder;
  disk->nodes[disk->node_count++] = node;
  return node;
}

/* --- faults; lock is held --- */

static unsigned kind_index(enum faulty_kind kind) {
  unsigned index = 0;
  while (1u << index != (unsigned)kind) index++;
  return index;
}

/* Counts an operation; returns the error that it is to fail with, or 0. */
static int fault(struct faulty_disk *disk, enum faulty_kind kind) {
  disk->counts[kind_index(kind)]++;
  if (kind != FAULTY_READ && disk->power_off_in > 0 && --disk->power_off_in == 0) disk->off = true;
  if (disk->off) return EIO;
  if ((disk->fail_kinds & kind) == 0 || disk->fail_times == 0) return 0;
  if (disk->fail_in > 1) {
    disk->fail_in--;
    return 0;
  }
  disk->fail_times--;
  return disk->fail_errno;
}

static cas_status fail(struct cas_error *error, int system_errno, const char *what, const char *name) {
  return status_fail_errno(error, system_errno, "faulty disk: %s %s", what, name);
}

/* --- files --- */

static void close_file(struct io_file *file) { free(file_of(file)); }

static cas_status read_file(struct io_file *file, uint64_t offset, uint8_t *bytes, size_t size, size_t *got,
                            struct cas_error *error) {
  struct faulty_file *faulty = file_of(file);
  const struct image *image = &faulty->node->present;
  pthread_mutex_lock(&faulty->disk->lock);
  int system_errno = fault(faulty->disk, FAULTY_READ);
  uint64_t rest = offset < image->size ? image->size - offset : 0;
  size_t part = size < rest ? size : (size_t)rest;
  if (system_errno == 0) {
    if (part > 0) memcpy(bytes, image->bytes + offset, part);
    *got = part;
  }
  pthread_mutex_unlock(&faulty->disk->lock);
  if (system_errno != 0) return fail(error, system_errno, "read", faulty->node->name);
  return part == size ? CAS_OK : CAS_END;
}

/* A write that fails, or during which the power goes, leaves some of its sectors. */
static cas_status write_locked(struct faulty_file *file, uint64_t offset, const struct io_block *block, size_t size,
                               struct cas_error *error) {
  struct faulty_disk *disk = file->disk;
  struct node *node = file->node;
  assert(offset % SEGMENT_BLOCK_BYTES == 0 && size % SEGMENT_BLOCK_BYTES == 0 && size <= block->capacity);
  if (node->dead) return fail(error, EIO, "write to dead file", node->name);
  bool was_off = disk->off;
  int system_errno = fault(disk, FAULTY_WRITE);
  if (system_errno == 0) {
    node_write(node, offset, block->data, size);
    return CAS_OK;
  }
  if (!was_off)
    node_write(node, offset, block->data,
               test_random_below(&disk->random, size / FAULTY_SECTOR_BYTES + 1) * FAULTY_SECTOR_BYTES);
  cas_status status = fail(error, system_errno, "write", node->name);
  if (node->failed == CAS_OK) node->failed = status;
  return disk->late_errors ? CAS_OK : status;
}

static void put_block(struct io_disk *disk, struct io_block *block) {
  struct faulty_disk *faulty = disk_of(disk);
  assert(faulty->block_lent[block->index]);
  faulty->block_lent[block->index] = false;
  memset(block->data, 0xDB, block->capacity); /* the writer may not rely on what a block held */
}

static cas_status submit(struct io_file *file, uint64_t offset, struct io_block *block, size_t size,
                         struct cas_error *error) {
  struct faulty_disk *disk = file_of(file)->disk;
  pthread_mutex_lock(&disk->lock);
  cas_status status = write_locked(file_of(file), offset, block, size, error);
  put_block(&disk->disk, block);
  pthread_mutex_unlock(&disk->lock);
  return status;
}

static cas_status sync_locked(struct faulty_file *file, struct cas_error *error) {
  struct faulty_disk *disk = file->disk;
  struct node *node = file->node;
  if (node->dead) return fail(error, EIO, "sync of dead file", node->name);
  if (node->failed != CAS_OK)
    return status_fail(error, node->failed, "faulty disk: write %s failed before", node->name);
  int system_errno = fault(disk, FAULTY_SYNC);
  if (system_errno != 0) {
    node->dead = true;
    return fail(error, system_errno, "sync", node->name);
  }
  if (!disk->lie) node_settle(node);
  return CAS_OK;
}

static cas_status sync_file(struct io_file *file, struct cas_error *error) {
  struct faulty_disk *disk = file_of(file)->disk;
  pthread_mutex_lock(&disk->lock);
  cas_status status = sync_locked(file_of(file), error);
  pthread_mutex_unlock(&disk->lock);
  return status;
}

static cas_status size_of_file(struct io_file *file, uint64_t *size, struct cas_error *error) {
  (void)error;
  struct faulty_disk *disk = file_of(file)->disk;
  pthread_mutex_lock(&disk->lock);
  *size = file_of(file)->node->present.size;
  pthread_mutex_unlock(&disk->lock);
  return CAS_OK;
}

static cas_status truncate_locked(struct faulty_file *file, uint64_t size, struct cas_error *error) {
  struct faulty_disk *disk = file->disk;
  struct node *node = file->node;
  if (node->dead) return fail(error, EIO, "cut of dead file", node->name);
  bool was_off = disk->off;
  int system_errno = fault(disk, FAULTY_TRUNCATE);
  if (system_errno == 0 || (!was_off && chance(disk, 2))) {
    image_resize(&node->present, size);
    node_settle(node);
    node->failed = CAS_OK;
  }
  return system_errno == 0 ? CAS_OK : fail(error, system_errno, "cut", node->name);
}

static cas_status truncate_file(struct io_file *file, uint64_t size, struct cas_error *error) {
  struct faulty_disk *disk = file_of(file)->disk;
  pthread_mutex_lock(&disk->lock);
  cas_status status = truncate_locked(file_of(file), size, error);
  pthread_mutex_unlock(&disk->lock);
  return status;
}

static const struct io_file_ops file_ops = {
    .close = close_file,
    .read = read_file,
    .submit = submit,
    .sync = sync_file,
    .size = size_of_file,
    .truncate = truncate_file,
};

/* --- the disk --- */

static cas_status open_node(struct faulty_disk *disk, const char *name, enum io_open_mode mode, struct node **node,
                            struct cas_error *error) {
  *node = find(disk, name);
  if (mode != IO_CREATE) return *node == NULL ? fail(error, ENOENT, "open", name) : CAS_OK;
  if (*node != NULL) return fail(error, EEXIST, "create", name);
  bool was_off = disk->off;
  int system_errno = fault(disk, FAULTY_NAME);
  if (system_errno == 0 || (!was_off && chance(disk, 2))) *node = add(disk, name, false);
  return system_errno == 0 ? CAS_OK : fail(error, system_errno, "create", name);
}

static cas_status open_file(struct io_disk *disk, const char *name, enum io_open_mode mode, struct io_file **file,
                            struct cas_error *error) {
  struct faulty_disk *faulty = disk_of(disk);
  struct node *node;
  pthread_mutex_lock(&faulty->lock);
  cas_status status = open_node(faulty, name, mode, &node, error);
  pthread_mutex_unlock(&faulty->lock);
  if (status != CAS_OK) return status;
  struct faulty_file *made = malloc(sizeof *made);
  assert(made != NULL);
  *made = (struct faulty_file){.file = {&file_ops}, .disk = faulty, .node = node};
  *file = &made->file;
  return CAS_OK;
}

static cas_status make_folder(struct io_disk *disk, const char *name, struct cas_error *error) {
  struct faulty_disk *faulty = disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  bool was_off = faulty->off;
  int system_errno = find(faulty, name) != NULL ? EEXIST : fault(faulty, FAULTY_NAME);
  if (system_errno == 0 || (system_errno != EEXIST && !was_off && chance(faulty, 2))) add(faulty, name, true);
  pthread_mutex_unlock(&faulty->lock);
  return system_errno == 0 ? CAS_OK : fail(error, system_errno, "make folder", name);
}

static cas_status remove_file(struct io_disk *disk, const char *name, struct cas_error *error) {
  struct faulty_disk *faulty = disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  struct node *node = find(faulty, name);
  bool was_off = faulty->off;
  int system_errno = node == NULL ? ENOENT : fault(faulty, FAULTY_NAME);
  if (node != NULL && (system_errno == 0 || (!was_off && chance(faulty, 2)))) node->exists = false;
  pthread_mutex_unlock(&faulty->lock);
  return system_errno == 0 ? CAS_OK : fail(error, system_errno, "remove", name);
}

static void put(struct faulty_disk *disk, const char *name, struct cas_slice content) {
  struct node *node = find(disk, name);
  if (node == NULL) node = add(disk, name, false);
  image_resize(&node->present, 0);
  node_write(node, 0, content.data, content.size);
  node_settle(node);
}

static cas_status replace(struct io_disk *disk, const char *name, struct cas_slice content, struct cas_error *error) {
  struct faulty_disk *faulty = disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  bool was_off = faulty->off;
  int system_errno = fault(faulty, FAULTY_NAME);
  if (system_errno == 0 || (!was_off && chance(faulty, 2))) put(faulty, name, content);
  pthread_mutex_unlock(&faulty->lock);
  return system_errno == 0 ? CAS_OK : fail(error, system_errno, "replace", name);
}

/* The name of a node within a folder, or NULL; a folder's own files only. */
static const char *name_within(const char *folder, const struct node *node) {
  size_t size = strlen(folder);
  const char *rest = node->name;
  if (size > 0) {
    if (strncmp(rest, folder, size) != 0 || rest[size] != '/') return NULL;
    rest += size + 1;
  }
  return strchr(rest, '/') == NULL ? rest : NULL;
}

static cas_status list(struct io_disk *disk, const char *folder, io_name_fn each, void *arg, struct cas_error *error) {
  struct faulty_disk *faulty = disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  bool found = folder[0] == '\0' || find(faulty, folder) != NULL;
  size_t count = faulty->node_count;
  pthread_mutex_unlock(&faulty->lock);
  if (!found) return fail(error, ENOENT, "list", folder);
  for (size_t i = 0; i < count; i++) {
    const struct node *node = faulty->nodes[i];
    const char *name = node->exists ? name_within(folder, node) : NULL;
    char text[name_bytes_max + 1];
    if (name == NULL) continue;
    snprintf(text, sizeof text, "%s%s", name, node->is_folder ? "/" : "");
    STATUS_TRY(each(arg, text));
  }
  return CAS_OK;
}

static cas_status space(struct io_disk *disk, uint64_t *free_bytes, uint64_t *total_bytes, struct cas_error *error) {
  (void)disk;
  (void)error;
  *free_bytes = *total_bytes = 1u << 30;
  return CAS_OK;
}

static cas_status take_block(struct io_disk *disk, struct io_block **block, struct cas_error *error) {
  struct faulty_disk *faulty = disk_of(disk);
  cas_status status = CAS_BUSY;
  pthread_mutex_lock(&faulty->lock);
  for (size_t i = 0; i < WRITE_BUFFER_COUNT && status == CAS_BUSY; i++) {
    if (faulty->block_lent[i]) continue;
    faulty->block_lent[i] = true;
    *block = &faulty->blocks[i];
    status = CAS_OK;
  }
  pthread_mutex_unlock(&faulty->lock);
  return status == CAS_OK ? CAS_OK : status_fail(error, status, "faulty disk: all blocks are lent");
}

static void return_block(struct io_disk *disk, struct io_block *block) {
  pthread_mutex_lock(&disk_of(disk)->lock);
  put_block(disk, block);
  pthread_mutex_unlock(&disk_of(disk)->lock);
}

static void close_disk(struct io_disk *disk) { (void)disk; }

static const char *describe(const struct io_disk *disk) {
  (void)disk;
  return "a faulty disk in memory";
}

static const struct io_disk_ops disk_ops = {
    .close = close_disk,
    .describe = describe,
    .open = open_file,
    .make_folder = make_folder,
    .remove = remove_file,
    .replace = replace,
    .list = list,
    .space = space,
    .block_take = take_block,
    .block_return = return_block,
};

struct io_disk *faulty_disk_create(const struct faulty_disk_options *options) {
  struct faulty_disk *disk = calloc(1, sizeof *disk);
  assert(disk != NULL);
  disk->disk.ops = &disk_ops;
  disk->random.state = options->seed;
  disk->late_errors = options->late_errors;
  disk->block_bytes = options->block_bytes == 0 ? WRITE_BUFFER_BYTES : options->block_bytes;
  pthread_mutex_init(&disk->lock, NULL);
  for (uint32_t i = 0; i < WRITE_BUFFER_COUNT; i++) {
    uint8_t *data = malloc(disk->block_bytes);
    assert(data != NULL);
    memset(data, 0xDB, disk->block_bytes);
    disk->blocks[i] = (struct io_block){data, disk->block_bytes, i};
  }
  return &disk->disk;
}

void faulty_disk_destroy(struct io_disk *disk) {
  struct faulty_disk *faulty = disk_of(disk);
  for (size_t i = 0; i < faulty->node_count; i++) {
    free(faulty->nodes[i]->durable.bytes);
    free(faulty->nodes[i]->present.bytes);
    free(faulty->nodes[i]->dirty);
    free(faulty->nodes[i]);
  }
  for (size_t i = 0; i < WRITE_BUFFER_COUNT; i++) free(faulty->blocks[i].data);
  pthread_mutex_destroy(&faulty->lock);
  free(faulty);
}

uint64_t faulty_disk_count(const struct io_disk *disk, unsigned kinds) {
  uint64_t count = 0;
  for (unsigned i = 0; i < 5; i++)
    if ((kinds & 1u << i) != 0) count += disk_of(disk)->counts[i];
  return count;
}

void faulty_disk_fail(struct io_disk *disk, unsigned kinds, uint64_t nth, uint64_t times, int system_errno) {
  struct faulty_disk *faulty = disk_of(disk);
  faulty->fail_kinds = kinds;
  faulty->fail_in = nth;
  faulty->fail_times = times;
  faulty->fail_errno = system_errno;
}

void faulty_disk_power_off_at(struct io_disk *disk, uint64_t nth) { disk_of(disk)->power_off_in = nth; }

void faulty_disk_restart(struct io_disk *disk) {
  struct faulty_disk *faulty = disk_of(disk);
  for (size_t i = 0; i < faulty->node_count; i++) node_crash(faulty, faulty->nodes[i]);
  faulty->power_off_in = 0;
  faulty->off = false;
  faulty->fail_times = 0;
}

void faulty_disk_lie(struct io_disk *disk, bool lie) { disk_of(disk)->lie = lie; }

size_t faulty_disk_blocks_lent(const struct io_disk *disk) {
  size_t lent = 0;
  for (size_t i = 0; i < WRITE_BUFFER_COUNT; i++) lent += disk_of(disk)->block_lent[i];
  return lent;
}

uint8_t *faulty_disk_bytes(struct io_disk *disk, const char *name, uint64_t *size) {
  struct node *node = find(disk_of(disk), name);
  if (node == NULL) return NULL;
  *size = node->present.size;
  return node->present.bytes;
}

void faulty_disk_put(struct io_disk *disk, const char *name, struct cas_slice content) {
  pthread_mutex_lock(&disk_of(disk)->lock);
  put(disk_of(disk), name, content);
  pthread_mutex_unlock(&disk_of(disk)->lock);
}
