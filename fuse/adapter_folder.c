/*
 * Owns nothing: open folders are in the adapter's list. Lists come from directory.h, whose rule for the end of an
 * answer is kept here: an answer with items in it ends where the window ends.
 */
#include <errno.h>
#include <stdlib.h>

#include "fuse/adapter.h"

/* The kernel asks for at most max_pages; a folder's answer need not be larger than this. */
#define ANSWER_BYTES_MAX (256u << 10)

/* The kernel keeps the list of a folder, and may use what it has where nothing has arrived below since the folder was
 * opened last: what it has was listed after that. */
static void decide_cache(struct adapter *adapter, fuse_ino_t inode, const struct tree_entry *entry,
                         struct fuse_file_info *info) {
  uint64_t stamp = entry->instances == 0 ? 0 : tree_entry_stamp(entry);
  uint64_t before = inode_table_stamp(adapter->inodes, inode, stamp);
  info->cache_readdir = stamp != 0;
  info->keep_cache = stamp != 0 && stamp == before;
}

static void open_folder(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info) {
  struct adapter *adapter = adapter_of(request);
  struct cas_error error = {.status = CAS_OK};
  struct directory *directory = NULL;
  struct opened *opened = NULL;
  struct tree_entry entry;
  char path[TREE_PATH_MAX] = "";
  adapter_refresh(adapter);
  cas_status status = inode_table_path(adapter->inodes, inode, path);
  if (status == CAS_OK) status = tree_get(&adapter->tree, path, &entry, NULL, &error);
  if (status == CAS_OK) status = directory_open(&adapter->tree, path, &directory);
  if (status == CAS_OK) status = opened_add(&adapter->opened, directory, &opened);
  if (status == CAS_BUSY) {
    fuse_reply_err(request, ENFILE);
    return;
  }
  if (status != CAS_OK) {
    adapter_reply_status(request, path, status, &error);
    return;
  }
  info->fh = (uintptr_t)opened;
  decide_cache(adapter, inode, &entry, info);
  if (fuse_reply_open(request, info) != 0) opened_remove(&adapter->opened, opened);
}

/* One answer to readdir or readdirplus. */
struct answer {
  fuse_req_t request;
  struct adapter *adapter;
  struct opened *opened; /* locked */
  uint64_t folder;       /* inode */
  bool plus;
  char *bytes;
  size_t size, used;
};

/* Adds an item with its inode; false where there is no room. */
static bool add_plus(struct answer *answer, const struct directory_item *item) {
  size_t room = answer->size - answer->used;
  if (fuse_add_direntry_plus(answer->request, NULL, 0, item->name, NULL, 0) > room) return false;
  struct fuse_entry_param param;
  struct inode_table *inodes = answer->adapter->inodes;
  uint64_t inode = item->inode;
  bool known =
      !item->dots && trimmer_has_room(answer->adapter->trimmer) &&
      inode_table_ref(inodes, answer->folder, item->name, item->entry.kind == TREE_FILE, item->inode, &inode) == CAS_OK;
  adapter_fill(answer->adapter, answer->opened->epoch, inode, &item->entry, &param);
  if (!known) param.ino = 0; /* nothing to remember: the kernel asks when it needs it */
  /* The next to open the folder is to get inodes, rather than the list that the kernel keeps. */
  if (!known && !item->dots) (void)inode_table_stamp(inodes, answer->folder, 0);
  answer->used += fuse_add_direntry_plus(answer->request, answer->bytes + answer->used, room, item->name, &param,
                                         (off_t)item->cookie);
  return true;
}

static bool add_plain(struct answer *answer, const struct directory_item *item) {
  size_t room = answer->size - answer->used;
  struct stat type = {.st_ino = item->inode, .st_mode = item->entry.kind == TREE_FILE ? S_IFREG : S_IFDIR};
  size_t needed =
      fuse_add_direntry(answer->request, answer->bytes + answer->used, room, item->name, &type, (off_t)item->cookie);
  if (needed > room) return false;
  answer->used += needed;
  return true;
}

/* Fills the answer with what lies behind `cookie`. */
static cas_status fill_answer(struct answer *answer, struct directory *directory, uint64_t cookie,
                              struct cas_error *error) {
  bool load = true; /* until there is an item: the dots need no window */
  for (;;) {
    struct directory_item item;
    uint64_t epoch = atomic_load(&answer->adapter->epoch), fills = directory_fills(directory);
    cas_status status = directory_next(directory, cookie, load, &item, error);
    if (directory_fills(directory) != fills) answer->opened->epoch = epoch;
    if (status != CAS_OK) return status == CAS_END || status == CAS_BUSY || answer->used > 0 ? CAS_OK : status;
    if (!(answer->plus ? add_plus(answer, &item) : add_plain(answer, &item))) return CAS_OK;
    load = load && item.dots;
    cookie = item.cookie;
  }
}

static void read_folder(fuse_req_t request, fuse_ino_t inode, size_t size, off_t cookie, struct fuse_file_info *info,
                        bool plus) {
  struct opened *opened = (struct opened *)(uintptr_t)info->fh;
  struct cas_error error = {.status = CAS_OK};
  struct answer answer = {
      .request = request, .adapter = adapter_of(request), .opened = opened, .folder = inode, .plus = plus};
  answer.size = size < ANSWER_BYTES_MAX ? size : ANSWER_BYTES_MAX;
  answer.bytes = malloc(answer.size);
  if (plus) trimmer_wait(answer.adapter->trimmer);
  cas_status status = CAS_NO_MEMORY;
  if (answer.bytes != NULL) {
    pthread_mutex_lock(&opened->lock);
    status = fill_answer(&answer, opened->directory, (uint64_t)cookie, &error);
    pthread_mutex_unlock(&opened->lock);
  }
  if (status == CAS_OK) {
    fuse_reply_buf(request, answer.bytes, answer.used);
  } else {
    char path[TREE_PATH_MAX] = "";
    if (inode_table_path(answer.adapter->inodes, inode, path) != CAS_OK) path[0] = '\0';
    adapter_reply_status(request, path, status, &error);
  }
  free(answer.bytes);
  if (plus) trimmer_note(answer.adapter->trimmer);
}

static void read_plain(fuse_req_t request, fuse_ino_t inode, size_t size, off_t cookie, struct fuse_file_info *info) {
  read_folder(request, inode, size, cookie, info, false);
}

static void read_plus(fuse_req_t request, fuse_ino_t inode, size_t size, off_t cookie, struct fuse_file_info *info) {
  read_folder(request, inode, size, cookie, info, true);
}

static void release_folder(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info) {
  (void)inode;
  opened_remove(&adapter_of(request)->opened, (struct opened *)(uintptr_t)info->fh);
  fuse_reply_err(request, 0);
}

void adapter_folder_operations(struct fuse_lowlevel_ops *operations) {
  operations->opendir = open_folder;
  operations->readdir = read_plain;
  operations->readdirplus = read_plus;
  operations->releasedir = release_folder;
}
