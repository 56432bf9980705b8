/*
 * cassette delete, undelete, hide, show: what is in the archive and what ordinary views show of it.
 */
#include <string.h>
#include <unistd.h>

#include "cassette/snapshot.h"
#include "cli_json.h"
#include "cli_text.h"
#include "commands.h"
#include "state_writer.h"

#define KEY_REASON 256
#define KEY_JSON 257
#define KEY_CODE 258

/* How many paths are shown before the question. */
#define SHOWN_MAX 10

struct changing {
  enum cas_action action;
  enum cas_reason reason;
  const char *why;
  bool yes, dry, json;
  char **uids; /* owned */
  struct cas_target *targets;
  size_t count, capacity;
  uint64_t bytes;
  uint64_t discarded; /* that cannot be undeleted */
  FILE *paths;        /* where they are listed */
};

static void changing_fini(struct changing *changing) {
  for (size_t i = 0; i < changing->count; i++) free(changing->uids[i]);
  free(changing->uids);
  free(changing->targets);
}

static bool make_room(struct changing *changing) {
  if (changing->count < changing->capacity) return true;
  size_t capacity = changing->capacity == 0 ? 64 : changing->capacity * 2;
  char **uids = reallocarray(changing->uids, capacity, sizeof *uids);
  if (uids != NULL) changing->uids = uids;
  struct cas_target *targets = reallocarray(changing->targets, capacity, sizeof *targets);
  if (targets != NULL) changing->targets = targets;
  if (uids == NULL || targets == NULL) return false;
  changing->capacity = capacity;
  return true;
}

static cas_status take(void *arg, const struct cas_node *node) {
  struct changing *changing = arg;
  const bool undeletes = changing->action == CAS_ACTION_UNDELETE;
  if (changing->action == CAS_ACTION_SHOW && node->state < CAS_STATE_HIDDEN_OTHER) return CAS_OK;
  if (undeletes && node->state == CAS_STATE_DISCARDED) changing->discarded++;
  if (undeletes && node->state != CAS_STATE_DELETED) return CAS_OK;
  if (!make_room(changing)) return CAS_NO_MEMORY;
  char *uid = strdup(cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID));
  if (uid == NULL) return CAS_NO_MEMORY;
  changing->uids[changing->count] = uid;
  changing->targets[changing->count++] = (struct cas_target){.uid = uid, .version = node->version};
  changing->bytes += node->bytes;
  if (changing->dry || changing->count <= SHOWN_MAX) {
    cli_put(changing->paths, node->path);
    fputc('\n', changing->paths);
  }
  return CAS_OK;
}

/* What is hidden or deleted is chosen from a view that shows it. */
static cas_status choose(struct changing *changing, struct cas_store *store, const char *what,
                         struct cas_error *error) {
  struct cas_store *view = NULL;
  if (changing->action == CAS_ACTION_HIDE) return cas_select(store, what, take, changing, error);
  uint32_t states = changing->action == CAS_ACTION_UNDELETE ? CAS_STATES_DELETED : CAS_STATES_HIDDEN;
  cas_status status = cas_view_open(store, states, &view);
  if (status == CAS_OK) status = cas_select(view, what, take, changing, error);
  cas_snapshot_close(view);
  return status;
}

/* True to go on. */
static bool confirm(const struct changing *changing) {
  char count[CLI_TEXT_MAX], bytes[CLI_TEXT_MAX], answer[16];
  if (changing->count > SHOWN_MAX) fputs("…\n", stderr);
  if (changing->action == CAS_ACTION_DELETE)
    fputs("Snapshots made before show it still. Its bytes go after a time; until then `cassette undelete` brings it "
          "back.\n",
          stderr);
  fprintf(stderr, "%s %s instances, %s? [y/N] ", cas_action_name(changing->action),
          cli_format_count(count, changing->count), cli_format_bytes(bytes, changing->bytes));
  fflush(stderr);
  return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static void report(const struct changing *changing, uint64_t changed) {
  char count[CLI_TEXT_MAX];
  const char *done = changing->action == CAS_ACTION_DELETE     ? "deleted"
                     : changing->action == CAS_ACTION_UNDELETE ? "undeleted"
                     : changing->action == CAS_ACTION_HIDE     ? "hidden"
                                                               : "shown again";
  if (!changing->json) {
    printf("%s instances %s\n", cli_format_count(count, changed), done);
    return;
  }
  json_t *object = json_object();
  cli_json_text(object, "action", cas_action_name(changing->action));
  cli_json_count(object, "instances", changed);
  cli_json_print(object);
}

static int change(struct changing *changing, const char *store_path, const char *what) {
  struct cas_error error = {0};
  struct cas_change wanted = {.action = changing->action,
                              .reason = changing->reason,
                              .why = changing->why,
                              .targets = changing->targets,
                              .target_count = changing->count};
  uint64_t changed;
  cas_status status = state_writer_change(store_path, &wanted, &changed, &error);
  if (status == CAS_OK || changed > 0) report(changing, changed);
  return status == CAS_OK ? CLI_OK : cli_fail(what, status, &error);
}

static void tell_discarded(const struct changing *changing) {
  char count[CLI_TEXT_MAX];
  if (changing->discarded == 0) return;
  cli_error("of %s instances the bytes were let go after the deletion: nothing brings them back",
            cli_format_count(count, changing->discarded));
}

static int run_on(struct changing *changing, const char *store_path, const char *what) {
  struct cas_error error = {0};
  struct cas_store *store = NULL;
  changing->paths = changing->dry ? stdout : stderr;
  int code = cli_store_open(store_path, CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  cas_status status = choose(changing, store, what, &error);
  cas_store_close(store);
  if (status == CAS_OK && changing->count == 0 && changing->discarded == 0) status = CAS_NOT_FOUND;
  if (status != CAS_OK) return cli_fail(what, status, &error);
  tell_discarded(changing);
  if (changing->count == 0) return CLI_PARTLY;
  const int done = changing->discarded > 0 ? CLI_PARTLY : CLI_OK;
  if (changing->dry) return done;
  if (changing->yes || confirm(changing)) {
    code = change(changing, store_path, what);
    return code == CLI_OK ? done : code;
  }
  cli_error("nothing was changed");
  return CLI_PARTLY;
}

static int run(struct cli_arguments *arguments, enum cas_action action) {
  struct changing changing = {.action = action, .reason = CAS_REASON_OTHER};
  int key;
  while ((key = cli_option(arguments)) > 0) {
    if (key == 'y') changing.yes = true;
    if (key == 'n') changing.dry = true;
    if (key == KEY_JSON) changing.json = true;
    if (key == KEY_REASON) changing.why = arguments->value;
    if (key == KEY_CODE && !cas_reason_by_name(arguments->value, &changing.reason))
      return cli_usage(arguments, "%s is none of quality, safety, worklist, retention, other", arguments->value);
  }
  if (key < 0) return arguments->exit_code;
  if (changing.why == NULL && !changing.dry) return cli_usage(arguments, "--reason says why, for the record");
  int code = run_on(&changing, arguments->operands[0], arguments->operands[1]);
  changing_fini(&changing);
  return code;
}

static int run_delete(struct cli_arguments *arguments) { return run(arguments, CAS_ACTION_DELETE); }
static int run_undelete(struct cli_arguments *arguments) { return run(arguments, CAS_ACTION_UNDELETE); }
static int run_hide(struct cli_arguments *arguments) { return run(arguments, CAS_ACTION_HIDE); }
static int run_show(struct cli_arguments *arguments) { return run(arguments, CAS_ACTION_SHOW); }

#define COMMON_OPTIONS                                                                                                 \
  {KEY_REASON, "reason", "TEXT", "why, for the record"}, {'y', "yes", NULL, "do not ask"},                             \
      {'n', "dry-run", NULL, "list what is meant, and change nothing"}, {                                              \
    KEY_JSON, "json", NULL, "print a JSON object"                                                                      \
  }

static const struct cli_option options[] = {COMMON_OPTIONS, {0}};
static const struct cli_option hide_options[] = {
    {KEY_CODE, "code", "CODE", "quality, safety, worklist, retention or other, the default"}, COMMON_OPTIONS, {0}};

const struct cli_command command_delete = {
    .name = "delete",
    .operands = "STORE WHAT",
    .summary = "Delete instances",
    .details =
        "WHAT is a path, a UID, a Patient ID or a query, as for find. Asks before it deletes. What is deleted is "
        "in no list, query\nor mount any more; snapshots made before still show it. Its bytes stay for 30 "
        "days (deleted_days in cassetted.conf),\nand as long as a snapshot has it, and so long `cassette undelete` "
        "brings "
        "it back; then compacting lets them go, and\nnothing does. The log keeps who deleted what, when and why: see "
        "`cassette history`.\n",
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_delete,
};

const struct cli_command command_undelete = {
    .name = "undelete",
    .operands = "STORE WHAT",
    .summary = "Bring back what was deleted, while its bytes are there",
    .details =
        "WHAT is what it was for delete; `undelete --dry-run` lists what can be brought back. It becomes what it was "
        "before the\ndeletion: what was hidden is hidden again. What was sent again meanwhile stays as a further "
        "version. "
        "Instances whose\nbytes compacting has let go are counted, and the exit status is 1.\n",
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_undelete,
};

const struct cli_command command_hide = {
    .name = "hide",
    .operands = "STORE WHAT",
    .summary = "Hide instances from queries, retrieval and mounts",
    .details = "All versions are hidden. With --code quality, safety or worklist also those that come later; else an "
               "object\nthat is sent again is shown again, as a new version. `ls --hidden` and `find --hidden` show "
               "what is hidden.\n",
    .options = hide_options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_hide,
};

const struct cli_command command_show = {
    .name = "show",
    .operands = "STORE WHAT",
    .summary = "Show instances again that were hidden",
    .details = "What was deleted comes back by `undelete`, what was replaced by a correction does not.\n",
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_show,
};
