/*
 * cassette history: what was done with instances, when, by whom and why.
 */
#include <string.h>

#include "cassette/snapshot.h"
#include "cassette/state.h"
#include "cli_json.h"
#include "cli_table.h"
#include "cli_text.h"
#include "commands.h"

#define KEY_JSON 256

static const struct cli_option options[] = {{KEY_JSON, "json", NULL, "print one JSON object for every line"}, {0}};

static const struct cli_column columns[] = {
    {"TIME", false}, {"WHAT", false}, {"VERSION", true}, {"BY", false}, {"WHY", false}, {"UID", false}, {0}};

struct telling {
  struct cas_store *view;
  struct cli_table *table; /* NULL: JSON */
  char uid[CAS_UID_TEXT_MAX];
  uint64_t found;
  struct cas_error error;
};

static cas_status tell(struct telling *telling, int64_t time_ns, const char *what, const char *reason, uint32_t version,
                       const char *who, const char *why) {
  telling->found++;
  if (telling->table == NULL) {
    json_t *object = json_object();
    cli_json_time(object, "time", time_ns);
    cli_json_text(object, "what", what);
    if (reason[0] != '\0') cli_json_text(object, "reason", reason);
    if (version > 0) cli_json_count(object, "version", version);
    cli_json_text(object, "who", who);
    cli_json_text(object, "why", why);
    cli_json_text(object, "sop_instance_uid", telling->uid);
    cli_json_print(object);
    return CAS_OK;
  }
  char time[CLI_TEXT_MAX], number[CLI_TEXT_MAX], action[64];
  snprintf(action, sizeof action, "%s%s%s", what, reason[0] != '\0' ? ": " : "", reason);
  const char *cells[] = {cli_format_time(time, time_ns),
                         action,
                         version > 0 ? cli_format_count(number, version) : "all",
                         who,
                         why,
                         telling->uid};
  return cli_table_row(telling->table, cells) ? CAS_OK : CAS_NO_MEMORY;
}

static cas_status tell_version(void *arg, const struct cas_node *node) {
  return tell(arg, node->first_arrival_ns, "arrived", "", node->version, "", cas_state_name(node->state));
}

static cas_status tell_event(void *arg, const struct cas_event *event) {
  const char *reason = event->action == CAS_ACTION_HIDE ? cas_reason_name(event->reason) : "";
  return tell(arg, event->time_ns, cas_action_name(event->action), reason, event->version, event->who, event->why);
}

static cas_status tell_uid(struct telling *telling, const char *uid) {
  snprintf(telling->uid, sizeof telling->uid, "%s", uid);
  cas_status status =
      cas_node_by_uid(telling->view, CAS_LEVEL_INSTANCE, telling->uid, tell_version, telling, &telling->error);
  if (status != CAS_OK && status != CAS_NOT_FOUND) return status;
  return cas_history(telling->view, telling->uid, tell_event, telling, &telling->error);
}

/* Once for a UID: versions of an instance mostly stand side by side. */
static cas_status tell_node(void *arg, const struct cas_node *node) {
  struct telling *telling = arg;
  const char *uid = cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID);
  return strcmp(uid, telling->uid) == 0 ? CAS_OK : tell_uid(telling, uid);
}

static cas_status tell_what(struct telling *telling, const char *what) {
  cas_status status = cas_select(telling->view, what, tell_node, telling, &telling->error);
  if (status != CAS_NOT_FOUND) return status;
  /* A UID of which nothing is left. */
  cas_status found = cas_history(telling->view, what, tell_event, telling, &telling->error);
  return found == CAS_OK && telling->found > 0 ? CAS_OK : status;
}

static int run(struct cli_arguments *arguments) {
  struct telling telling = {0};
  bool json = false;
  int key;
  while ((key = cli_option(arguments)) > 0) json = true;
  if (key < 0) return arguments->exit_code;
  CLI_STORE struct cas_store *store = NULL;
  int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  telling.table = json ? NULL : cli_table_create(columns);
  if (!json && telling.table == NULL) return cli_fail("history", CAS_NO_MEMORY, NULL);
  cas_status status = cas_view_open(store, CAS_STATES_HIDDEN | CAS_STATES_DELETED, &telling.view);
  if (status == CAS_OK) status = tell_what(&telling, arguments->operands[1]);
  cas_snapshot_close(telling.view);
  cli_table_finish(telling.table);
  return status == CAS_OK ? CLI_OK : cli_fail(arguments->operands[1], status, &telling.error);
}

const struct cli_command command_history = {
    .name = "history",
    .operands = "STORE WHAT",
    .summary = "Tell what was done with instances, when, by whom and why",
    .details =
        "Every version that came, with the state that it is in, and every change of states. WHAT also means what "
        "is deleted\nor hidden.\n",
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run,
};
