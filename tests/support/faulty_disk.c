/* The names of a faulty disk, its faults, and what tests ask of it. */
#include <assert.h>
#include <errno.h>

#include "base/status.h"
#include "support/faulty_private.h"

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
  snprintf(node->name, sizeof node->name, "%s", name);
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

int faulty_fault(struct faulty_disk *disk, enum faulty_kind kind) {
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

cas_status faulty_fail(struct cas_error *error, int system_errno, const char *what, const char *name) {
  return status_fail_errno(error, system_errno, "faulty disk: %s %s", what, name);
}

void faulty_put_block(struct io_disk *disk, struct io_block *block) {
  struct faulty_disk *faulty = faulty_disk_of(disk);
  assert(faulty->block_lent[block->index]);
  faulty->block_lent[block->index] = false;
  memset(block->data, 0xDB, block->capacity); /* the writer may not rely on what a block held */
}

/* --- the disk --- */

static cas_status open_node(struct faulty_disk *disk, const char *name, enum io_open_mode mode, struct node **node,
                            struct cas_error *error) {
  *node = find(disk, name);
  if (mode != IO_CREATE) return *node == NULL ? faulty_fail(error, ENOENT, "open", name) : CAS_OK;
  if (*node != NULL) return faulty_fail(error, EEXIST, "create", name);
  bool was_off = disk->off;
  int system_errno = faulty_fault(disk, FAULTY_NAME);
  if (system_errno == 0 || (!was_off && faulty_chance(disk, 2))) *node = add(disk, name, false);
  return system_errno == 0 ? CAS_OK : faulty_fail(error, system_errno, "create", name);
}

static cas_status open_file(struct io_disk *disk, const char *name, enum io_open_mode mode, struct io_file **file,
                            struct cas_error *error) {
  struct faulty_disk *faulty = faulty_disk_of(disk);
  struct node *node;
  pthread_mutex_lock(&faulty->lock);
  cas_status status = open_node(faulty, name, mode, &node, error);
  pthread_mutex_unlock(&faulty->lock);
  if (status != CAS_OK) return status;
  *file = faulty_file_create(faulty, node);
  return CAS_OK;
}

static cas_status make_folder(struct io_disk *disk, const char *name, struct cas_error *error) {
  struct faulty_disk *faulty = faulty_disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  bool was_off = faulty->off;
  int system_errno = find(faulty, name) != NULL ? EEXIST : faulty_fault(faulty, FAULTY_NAME);
  if (system_errno == 0 || (system_errno != EEXIST && !was_off && faulty_chance(faulty, 2))) add(faulty, name, true);
  pthread_mutex_unlock(&faulty->lock);
  return system_errno == 0 ? CAS_OK : faulty_fail(error, system_errno, "make folder", name);
}

static cas_status remove_file(struct io_disk *disk, const char *name, struct cas_error *error) {
  struct faulty_disk *faulty = faulty_disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  struct node *node = find(faulty, name);
  bool was_off = faulty->off;
  int system_errno = node == NULL ? ENOENT : faulty_fault(faulty, FAULTY_NAME);
  if (node != NULL && (system_errno == 0 || (!was_off && faulty_chance(faulty, 2)))) node->exists = false;
  pthread_mutex_unlock(&faulty->lock);
  return system_errno == 0 ? CAS_OK : faulty_fail(error, system_errno, "remove", name);
}

static void put(struct faulty_disk *disk, const char *name, struct cas_slice content) {
  struct node *node = find(disk, name);
  if (node == NULL) node = add(disk, name, false);
  image_resize(&node->present, 0);
  node_write(node, 0, content.data, content.size);
  node_settle(node);
}

static cas_status replace(struct io_disk *disk, const char *name, struct cas_slice content, struct cas_error *error) {
  struct faulty_disk *faulty = faulty_disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  bool was_off = faulty->off;
  int system_errno = faulty_fault(faulty, FAULTY_NAME);
  if (system_errno == 0 || (!was_off && faulty_chance(faulty, 2))) put(faulty, name, content);
  pthread_mutex_unlock(&faulty->lock);
  return system_errno == 0 ? CAS_OK : faulty_fail(error, system_errno, "replace", name);
}

/* What was not synced is as doubtful under the new name as it was under the old one. */
static cas_status rename_file(struct io_disk *disk, const char *name, const char *new_name, struct cas_error *error) {
  struct faulty_disk *faulty = faulty_disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  struct node *node = find(faulty, name), *old = find(faulty, new_name);
  bool was_off = faulty->off;
  int system_errno = node == NULL ? ENOENT : faulty_fault(faulty, FAULTY_NAME);
  if (node != NULL && node != old && (system_errno == 0 || (!was_off && faulty_chance(faulty, 2)))) {
    assert(strlen(new_name) < name_bytes_max);
    if (old != NULL) old->exists = false;
    snprintf(node->name, sizeof node->name, "%s", new_name);
  }
  pthread_mutex_unlock(&faulty->lock);
  return system_errno == 0 ? CAS_OK : faulty_fail(error, system_errno, "rename", name);
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
  struct faulty_disk *faulty = faulty_disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  bool found = folder[0] == '\0' || find(faulty, folder) != NULL;
  size_t count = faulty->node_count;
  pthread_mutex_unlock(&faulty->lock);
  if (!found) return faulty_fail(error, ENOENT, "list", folder);
  for (size_t i = 0; i < count; i++) {
    char text[name_bytes_max + 1];
    pthread_mutex_lock(&faulty->lock);
    const struct node *node = faulty->nodes[i];
    const char *name = node->exists ? name_within(folder, node) : NULL;
    if (name != NULL) snprintf(text, sizeof text, "%s%s", name, node->is_folder ? "/" : "");
    pthread_mutex_unlock(&faulty->lock);
    if (name != NULL) STATUS_TRY(each(arg, text));
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
  struct faulty_disk *faulty = faulty_disk_of(disk);
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
  pthread_mutex_lock(&faulty_disk_of(disk)->lock);
  faulty_put_block(disk, block);
  pthread_mutex_unlock(&faulty_disk_of(disk)->lock);
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
    .rename = rename_file,
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
  struct faulty_disk *faulty = faulty_disk_of(disk);
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
  struct faulty_disk *faulty = faulty_disk_of(disk);
  uint64_t count = 0;
  pthread_mutex_lock(&faulty->lock);
  for (unsigned i = 0; i < 5; i++)
    if ((kinds & 1u << i) != 0) count += faulty->counts[i];
  pthread_mutex_unlock(&faulty->lock);
  return count;
}

uint64_t faulty_disk_announced(const struct io_disk *disk) {
  struct faulty_disk *faulty = faulty_disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  uint64_t announced = faulty->announced;
  pthread_mutex_unlock(&faulty->lock);
  return announced;
}

void faulty_disk_fail(struct io_disk *disk, unsigned kinds, uint64_t nth, uint64_t times, int system_errno) {
  struct faulty_disk *faulty = faulty_disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  faulty->fail_kinds = kinds;
  faulty->fail_in = nth;
  faulty->fail_times = times;
  faulty->fail_errno = system_errno;
  pthread_mutex_unlock(&faulty->lock);
}

void faulty_disk_power_off_at(struct io_disk *disk, uint64_t nth) {
  struct faulty_disk *faulty = faulty_disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  faulty->power_off_in = nth;
  pthread_mutex_unlock(&faulty->lock);
}

void faulty_disk_restart(struct io_disk *disk) {
  struct faulty_disk *faulty = faulty_disk_of(disk);
  for (size_t i = 0; i < faulty->node_count; i++) node_crash(faulty, faulty->nodes[i]);
  faulty->power_off_in = 0;
  faulty->off = false;
  faulty->fail_times = 0;
}

void faulty_disk_lie(struct io_disk *disk, bool lie) {
  struct faulty_disk *faulty = faulty_disk_of(disk);
  pthread_mutex_lock(&faulty->lock);
  faulty->lie = lie;
  pthread_mutex_unlock(&faulty->lock);
}

size_t faulty_disk_blocks_lent(const struct io_disk *disk) {
  struct faulty_disk *faulty = faulty_disk_of(disk);
  size_t lent = 0;
  pthread_mutex_lock(&faulty->lock);
  for (size_t i = 0; i < WRITE_BUFFER_COUNT; i++) lent += faulty->block_lent[i];
  pthread_mutex_unlock(&faulty->lock);
  return lent;
}

uint8_t *faulty_disk_bytes(struct io_disk *disk, const char *name, uint64_t *size) {
  struct node *node = find(faulty_disk_of(disk), name);
  if (node == NULL) return NULL;
  *size = node->present.size;
  return node->present.bytes;
}

void faulty_disk_put(struct io_disk *disk, const char *name, struct cas_slice content) {
  pthread_mutex_lock(&faulty_disk_of(disk)->lock);
  put(faulty_disk_of(disk), name, content);
  pthread_mutex_unlock(&faulty_disk_of(disk)->lock);
}
