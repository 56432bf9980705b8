/*
 * Owns a mount: the session with the kernel, the threads that serve it, those in the background, the guard.
 *
 *   mounting -> serving -> ended -> (freed by cas_mount_stop)
 *
 * Invariants
 *  1. `ended` becomes true once, by the first thread that finds the session over: unmounted, aborted, or broken.
 *  2. The number of threads is fixed; they wait for requests in the kernel and are cancelled only there. (libfuse's own
 *     loop ends only when a request or the end of the session wakes it; a mount that is detached but in use sends
 * neither.)
 *  3. The mount is freed when all its threads were joined and nobody is in cas_mount_wait().
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse/adapter.h"
#include "fuse/background.h"
#include "fuse/guard.h"
#include "fuse/mountpoint.h"
#include "fuse/session.h"
#include "fuse/threads.h"

#define THREADS_DEFAULT 8
#define REFRESH_MS_DEFAULT 500
#define FILE_MODE_DEFAULT 0444
#define FOLDER_MODE_DEFAULT 0555
/* For how long threads get the chance to end by themselves: they take no time, but for a read from a slow disk. */
#define LEAVE_MS 2000
#define VIEWS_ALL (CAS_MOUNT_PATIENTS | CAS_MOUNT_DATES | CAS_MOUNT_UIDS | CAS_MOUNT_SNAPSHOTS)

_Static_assert(CAS_MOUNT_PATIENTS == (int)TREE_PATIENTS && CAS_MOUNT_DATES == (int)TREE_DATES &&
                   CAS_MOUNT_UIDS == (int)TREE_UIDS && CAS_MOUNT_SNAPSHOTS == (int)TREE_SNAPSHOTS,
               "views are handed on as they are");
_Static_assert(CAS_MOUNT_SHARDS_NONE == (int)TREE_SHARD_NONE && CAS_MOUNT_SHARDS_HASH1 == (int)TREE_SHARD_HASH1 &&
                   CAS_MOUNT_SHARDS_HASH2 == (int)TREE_SHARD_HASH2 && CAS_MOUNT_SHARDS_MONTH == (int)TREE_SHARD_MONTH,
               "shards are handed on as they are");

struct cas_mount {
  struct adapter adapter;
  struct fuse_session *session;
  char *path; /* absolute */
  unsigned minor;
  struct guard guard;
  struct background background;
  unsigned thread_count; /* started ones */
  pthread_t threads[READ_BUFFERS_MAX];

  pthread_mutex_t lock; /* guards all below; nothing else is locked under it */
  pthread_cond_t changed;
  bool ended;
  int session_errno; /* why it ended; 0: unmounted */
  bool begun;        /* the kernel has our answer to its first request */
  unsigned serving;  /* threads that have not left serve_requests() */
  unsigned waiting;  /* threads in cas_mount_wait() */
};

static cas_status fail(struct cas_error *error, cas_status status, const char *message, const char *detail) {
  error->status = status;
  error->system_errno = errno;
  snprintf(error->message, sizeof error->message, "%s%s%s", detail, detail[0] != '\0' ? ": " : "", message);
  return status;
}

static void say(const struct cas_mount *mount, enum cas_log_level level, const char *text) {
  char line[1024];
  if (mount->adapter.log == NULL) return;
  snprintf(line, sizeof line, "mount: %s: %s", mount->path, text);
  mount->adapter.log(mount->adapter.log_arg, level, line);
}

/* --- serving --- */

/* One thread has left. */
static void leave(struct cas_mount *mount, int number) {
  pthread_mutex_lock(&mount->lock);
  mount->serving--;
  if (!mount->ended) {
    mount->ended = true;
    mount->session_errno = number;
  }
  pthread_cond_broadcast(&mount->changed);
  pthread_mutex_unlock(&mount->lock);
}

/* A request was answered, of which the first is the one with which the kernel and we agree. */
static void tell_begun(struct cas_mount *mount) {
  pthread_mutex_lock(&mount->lock);
  mount->begun = true;
  pthread_cond_broadcast(&mount->changed);
  pthread_mutex_unlock(&mount->lock);
}

static void free_request(void *arg) { free(((struct fuse_buf *)arg)->mem); }

/* Answers requests until the session is over; returns why, as an errno or 0. */
static int serve_requests(struct cas_mount *mount, struct fuse_buf *request) {
  struct fuse_session *session = mount->session;
  bool begun = false;
  int state;
  while (!fuse_session_exited(session)) {
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    int received = fuse_session_receive_buf(session, request);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    if (received == -EINTR || received == -EAGAIN) continue;
    if (received <= 0) return received == -ENODEV ? 0 : -received;
    requests_note(&mount->adapter.requests, request->mem, request->size);
    fuse_session_process_buf(session, request);
    if (!begun) tell_begun(mount);
    begun = true;
  }
  return 0;
}

static void *serve(void *arg) {
  struct cas_mount *mount = arg;
  struct fuse_buf request = {.mem = NULL};
  int state;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  pthread_cleanup_push(free_request, &request);
  leave(mount, serve_requests(mount, &request));
  pthread_cleanup_pop(1);
  return NULL;
}

static cas_status start_threads(struct cas_mount *mount, unsigned count, struct cas_error *error) {
  int number = 0;
  pthread_mutex_lock(&mount->lock);
  while (number == 0 && mount->thread_count < count) {
    number = threads_start(&mount->threads[mount->thread_count], serve, mount);
    mount->serving += number == 0;
    mount->thread_count += number == 0;
  }
  pthread_mutex_unlock(&mount->lock);
  errno = number;
  return number == 0 ? CAS_OK : fail(error, CAS_NO_MEMORY, "cannot start threads for the mount", mount->path);
}

/* --- starting --- */

static uint32_t refresh_ms_of(const struct cas_mount_options *options) {
  return options->refresh_ms != 0 ? options->refresh_ms : REFRESH_MS_DEFAULT;
}

static cas_status create_mount(struct cas_store *store, const struct cas_mount_options *options,
                               struct cas_mount **mount) {
  struct cas_store_info info;
  struct cas_mount *made = calloc(1, sizeof *made);
  if (made == NULL) return CAS_NO_MEMORY;
  struct adapter *adapter = &made->adapter;
  if (inode_table_create(&adapter->inodes) != CAS_OK || readers_create(&adapter->readers) != CAS_OK) {
    inode_table_destroy(adapter->inodes);
    free(made);
    return CAS_NO_MEMORY;
  }
  cas_store_info(store, &info);
  adapter->tree = (struct tree){.store = store, .created_ns = info.created_ns};
  adapter->tree.views = options->views != 0 ? options->views : VIEWS_ALL;
  adapter->tree.patient_shards = (enum tree_shard)options->patient_shards;
  adapter->tree.uid_shards = (enum tree_shard)options->uid_shards;
  /* Who walks a mount from its root is not to walk every snapshot. */
  if (options->views == 0) adapter->tree.unlisted = TREE_SNAPSHOTS;
  adapter->fixed = options->fixed;
  adapter->xattr = options->xattr;
  if (adapter->xattr == CAS_MOUNT_XATTR_DEFAULT)
    adapter->xattr = options->fixed ? CAS_MOUNT_XATTR_UNLISTED : CAS_MOUNT_XATTR_LISTED;
  if (options->fixed) adapter->tree.views &= ~(unsigned)TREE_SNAPSHOTS;
  adapter->uid = options->set_owner ? options->uid : geteuid();
  adapter->gid = options->set_owner ? options->gid : getegid();
  adapter->file_mode = (options->file_mode != 0 ? options->file_mode : FILE_MODE_DEFAULT) & 0444;
  adapter->folder_mode = (options->folder_mode != 0 ? options->folder_mode : FOLDER_MODE_DEFAULT) & 0555;
  adapter->log = options->log;
  adapter->log_arg = options->log_arg;
  follower_init(&adapter->follower, store, refresh_ms_of(options));
  opened_list_init(&adapter->opened);
  read_buffers_init(&adapter->buffers);
  fact_cache_init(&adapter->facts);
  made->guard.socket = -1;
  pthread_mutex_init(&made->lock, NULL);
  threads_condition_init(&made->changed);
  *mount = made;
  return CAS_OK;
}

/* The threads have ended. */
static void destroy_mount(struct cas_mount *mount) {
  if (mount->session != NULL) fuse_session_destroy(mount->session);
  opened_list_fini(&mount->adapter.opened);
  follower_fini(&mount->adapter.follower);
  ahead_destroy(mount->adapter.ahead);
  trimmer_destroy(mount->adapter.trimmer);
  readers_destroy(mount->adapter.readers);
  read_buffers_fini(&mount->adapter.buffers);
  fact_cache_fini(&mount->adapter.facts);
  inode_table_destroy(mount->adapter.inodes);
  pthread_cond_destroy(&mount->changed);
  pthread_mutex_destroy(&mount->lock);
  free(mount->path);
  free(mount);
}

static cas_status open_session(struct cas_mount *mount, bool allow_other, struct cas_error *error) {
  char program[] = "cassette", option[] = "-o", *values = session_options(mount->adapter.tree.store, allow_other);
  if (values == NULL) return fail(error, CAS_NO_MEMORY, "no memory", mount->path);
  char *arguments[] = {program, option, values, NULL};
  struct fuse_args args = FUSE_ARGS_INIT(3, arguments);
  struct fuse_lowlevel_ops operations = {.init = NULL};
  adapter_operations(&operations);
  adapter_folder_operations(&operations);
  adapter_file_operations(&operations);
  adapter_readonly_operations(&operations);
  errno = 0;
  mount->session = fuse_session_new(&args, &operations, sizeof operations, &mount->adapter);
  fuse_opt_free_args(&args);
  free(values);
  if (mount->session == NULL) return fail(error, CAS_IO, "libfuse refused the options of the mount", mount->path);
  if (access("/dev/fuse", R_OK | W_OK) != 0) return fail(error, CAS_UNSUPPORTED, strerrordesc_np(errno), "/dev/fuse");
  if (fuse_session_mount(mount->session, mount->path) != 0)
    return fail(error, CAS_IO, "cannot be mounted on", mount->path);
  return CAS_OK;
}

static cas_status start_background(struct cas_mount *mount, const struct cas_mount_options *options,
                                   struct cas_error *error) {
  struct background_options background = {
      .refresh_ms = refresh_ms_of(options), .known_max = options->known_max, .no_prune = options->no_prune};
  cas_status status = background_start(&mount->background, &mount->adapter, mount->session, &background);
  return status == CAS_OK ? status : fail(error, status, "cannot start threads for the mount", mount->path);
}

/* Only when the kernel and we have agreed does the kernel take a larger readahead. (To look at the mount from here
 * would wait for the threads of this process, also while it is being killed.) */
static cas_status finish_start(struct cas_mount *mount, struct cas_error *error) {
  struct mountpoint_state state;
  pthread_mutex_lock(&mount->lock);
  while (!mount->begun && !mount->ended) pthread_cond_wait(&mount->changed, &mount->lock);
  bool begun = mount->begun;
  pthread_mutex_unlock(&mount->lock);
  errno = 0;
  if (!begun) return fail(error, CAS_IO, "the new mount ended at once", mount->path);
  cas_status status = mountpoint_read(mount->path, &state, error);
  if (status == CAS_OK && !mountpoint_set_readahead(&state, READAHEAD_BYTES / 1024))
    say(mount, CAS_LOG_DEBUG, "the kernel's readahead stays at its default");
  return status;
}

static void start_guard(struct cas_mount *mount) {
  int abort_file = mountpoint_open_abort(mount->minor);
  if (!guard_start(&mount->guard, mount->path, abort_file))
    say(mount, CAS_LOG_NOTICE,
        "no guard could be started: should this process be killed, the folder has to be unmounted by hand");
  if (abort_file >= 0) close(abort_file);
}

static cas_status check_options(const struct cas_mount_options *options, struct cas_error *error) {
  errno = 0;
  if (options->mountpoint == NULL || options->mountpoint[0] == '\0')
    return fail(error, CAS_INVALID, "no folder to mount on", "");
  if (options->threads > READ_BUFFERS_MAX)
    return fail(error, CAS_INVALID, "too many threads for a mount, 64 is the most", "");
  if ((options->views & ~(unsigned)VIEWS_ALL) != 0) return fail(error, CAS_INVALID, "no such view", "");
  if (options->patient_shards > CAS_MOUNT_SHARDS_MONTH || options->uid_shards > CAS_MOUNT_SHARDS_HASH2)
    return fail(error, CAS_INVALID, "no such shards", "");
  return CAS_OK;
}

static cas_status check_store(const struct cas_mount *mount, struct cas_error *error) {
  struct cas_store_info info;
  cas_store_info(mount->adapter.tree.store, &info);
  return mountpoint_check_store(mount->path, info.path, error);
}

cas_status cas_mount_start(struct cas_store *store, const struct cas_mount_options *options, struct cas_mount **mount,
                           struct cas_error *error) {
  struct cas_mount *made;
  bool detached = false;
  cas_status status = check_options(options, error);
  if (status == CAS_OK) status = create_mount(store, options, &made);
  if (status != CAS_OK) return status;
  status = mountpoint_prepare(options->mountpoint, &made->path, &detached, error);
  if (status == CAS_OK && detached) say(made, CAS_LOG_WARNING, "a dead mount was here and is detached");
  if (status == CAS_OK) status = check_store(made, error);
  if (status == CAS_OK) status = open_session(made, options->allow_other, error);
  if (status != CAS_OK) {
    destroy_mount(made);
    return status;
  }
  struct mountpoint_state state = {.minor = 0};
  status = mountpoint_read(made->path, &state, error);
  made->minor = state.minor;
  if (status == CAS_OK && !options->no_auto_unmount) start_guard(made);
  if (status == CAS_OK) status = start_background(made, options, error);
  if (status == CAS_OK) status = start_threads(made, options->threads != 0 ? options->threads : THREADS_DEFAULT, error);
  if (status == CAS_OK) status = finish_start(made, error);
  if (status != CAS_OK) {
    cas_mount_stop(made);
    return status;
  }
  *mount = made;
  return CAS_OK;
}

/* --- waiting and stopping --- */

/* `end_ns` is of threads_now_ns(), INT64_MAX for ever. */
static cas_status wait_until(struct cas_mount *mount, int64_t end_ns, struct cas_error *error) {
  pthread_mutex_lock(&mount->lock);
  mount->waiting++;
  bool in_time = true;
  while (!mount->ended && in_time) in_time = threads_wait(&mount->changed, &mount->lock, end_ns);
  bool ended = mount->ended;
  errno = mount->session_errno;
  cas_status status = CAS_OK;
  if (!ended)
    status = CAS_BUSY;
  else if (errno != 0)
    status = fail(error, CAS_IO, strerrordesc_np(errno), mount->path);
  mount->waiting--;
  pthread_cond_broadcast(&mount->changed);
  pthread_mutex_unlock(&mount->lock);
  return status;
}

cas_status cas_mount_wait(struct cas_mount *mount, struct cas_error *error) {
  return wait_until(mount, INT64_MAX, error);
}

cas_status cas_mount_wait_for(struct cas_mount *mount, uint32_t timeout_ms, struct cas_error *error) {
  return wait_until(mount, threads_now_ns() + timeout_ms * NS_PER_MS, error);
}

static void join_threads(struct cas_mount *mount) {
  int64_t end_ns = threads_now_ns() + LEAVE_MS * NS_PER_MS;
  pthread_mutex_lock(&mount->lock);
  while (mount->serving > 0 && threads_wait(&mount->changed, &mount->lock, end_ns)) {
  }
  bool stuck = mount->serving > 0;
  pthread_mutex_unlock(&mount->lock);
  for (unsigned i = 0; stuck && i < mount->thread_count; i++) pthread_cancel(mount->threads[i]);
  for (unsigned i = 0; i < mount->thread_count; i++) pthread_join(mount->threads[i], NULL);
  pthread_mutex_lock(&mount->lock);
  mount->ended = true;
  pthread_cond_broadcast(&mount->changed);
  pthread_mutex_unlock(&mount->lock);
}

void cas_mount_requests(const struct cas_mount *mount, void (*each)(void *arg, const char *kind, uint64_t count),
                        void *arg) {
  requests_each(&mount->adapter.requests, each, arg);
}

void cas_mount_stop(struct cas_mount *mount) {
  if (mount == NULL) return;
  pthread_mutex_lock(&mount->lock);
  bool ended = mount->ended;
  pthread_mutex_unlock(&mount->lock);
  /* While requests are still answered. */
  background_stop(&mount->background, &mount->adapter);
  if (!ended) mountpoint_remove(mount->path, mount->minor);
  fuse_session_exit(mount->session);
  join_threads(mount);
  guard_stop(&mount->guard);
  session_leave(mount->session);
  pthread_mutex_lock(&mount->lock);
  while (mount->waiting > 0) pthread_cond_wait(&mount->changed, &mount->lock);
  pthread_mutex_unlock(&mount->lock);
  destroy_mount(mount);
}
