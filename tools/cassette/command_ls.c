/*
 * cassette ls: the Patient/Study/Series/instance tree, one folder or all below it.
 */
#include <string.h>

#include "cassette/snapshot.h"
#include "cassette/state.h"
#include "cli_json.h"
#include "cli_table.h"
#include "cli_text.h"
#include "commands.h"
#include "node_family.h"

#define KEY_JSON 256
#define KEY_HIDDEN 257

static const struct cli_option options[] = {
    {'l', "long", NULL, "show instances, size and last arrival too"},
    {'R', "recursive", NULL, "show everything below, by path"},
    {KEY_HIDDEN, "hidden", NULL, "show also what is hidden or replaced"},
    {KEY_JSON, "json", NULL, "print one JSON object for every node"},
    {0},
};

static const struct cli_column columns[] = {
    {"INSTANCES", true}, {"SIZE", true}, {"LAST ARRIVAL", false}, {"NAME", false}, {0}};

struct listing {
  struct cas_store *store;
  bool recursive, json;
  struct cli_table *table; /* NULL: names alone */
  struct node_family family;
  struct cas_error error;
};

static cas_status show(struct listing *listing, const struct cas_node *node) {
  const char *name = listing->recursive ? node->path : node->name;
  if (listing->json) {
    cas_status status = node_family_set(&listing->family, node, &listing->error);
    if (status == CAS_OK) cli_json_print(node_family_json(&listing->family));
    return status;
  }
  if (listing->table) {
    char instances[CLI_TEXT_MAX], bytes[CLI_TEXT_MAX], arrival[CLI_TEXT_MAX];
    const char *cells[] = {cli_format_count(instances, node->instances), cli_format_bytes(bytes, node->bytes),
                           cli_format_time(arrival, node->last_arrival_ns), name};
    return cli_table_row(listing->table, cells) ? CAS_OK : CAS_NO_MEMORY;
  }
  cli_put(stdout, name);
  putchar('\n');
  return CAS_OK;
}

/* Recursion is as deep as the tree: four levels. */
static cas_status show_below(void *arg, const struct cas_node *node) {
  struct listing *listing = arg;
  cas_status status = ferror(stdout) ? CAS_END : show(listing, node);
  if (status != CAS_OK || !listing->recursive || node->level == CAS_LEVEL_INSTANCE) return status;
  return cas_node_list(listing->store, node->path, NULL, show_below, listing, &listing->error);
}

static cas_status show_instance(void *arg, const struct cas_node *node) {
  return node->level == CAS_LEVEL_INSTANCE ? show(arg, node) : CAS_END;
}

/* A path as people type it: without slashes around it. NULL without memory. */
static char *trimmed_path(const char *operand) {
  operand += strspn(operand, "/");
  char *path = strdup(operand);
  size_t length = path ? strlen(path) : 0;
  while (length > 0 && path[length - 1] == '/') path[--length] = '\0';
  return path;
}

static cas_status list(struct listing *listing, const char *path) {
  if (path[0]) {
    /* CAS_END: a node with children. */
    cas_status status = cas_node_get(listing->store, path, show_instance, listing, &listing->error);
    if (status != CAS_END) return status;
  }
  return cas_node_list(listing->store, path, NULL, show_below, listing, &listing->error);
}

static int run(struct cli_arguments *arguments) {
  struct listing listing = {0};
  bool with_table = false, hidden = false;
  int key;
  while ((key = cli_option(arguments)) > 0) {
    if (key == 'l') with_table = true;
    if (key == 'R') listing.recursive = true;
    if (key == KEY_JSON) listing.json = true;
    if (key == KEY_HIDDEN) hidden = true;
  }
  if (key < 0) return arguments->exit_code;
  CLI_STORE struct cas_store *store = NULL;
  int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  CLI_FREE char *path = trimmed_path(arguments->operand_count > 1 ? arguments->operands[1] : "");
  if (with_table && !listing.json) listing.table = cli_table_create(columns);
  if (!path || (with_table && !listing.json && !listing.table)) return cli_fail("ls", CAS_NO_MEMORY, NULL);
  if (cas_view_open(store, hidden ? CAS_STATES_HIDDEN : 0, &listing.store) != CAS_OK)
    return cli_fail("ls", CAS_NO_MEMORY, NULL);
  node_family_init(&listing.family, listing.store);
  cas_status status = list(&listing, path);
  node_family_fini(&listing.family);
  cli_table_finish(listing.table);
  cas_snapshot_close(listing.store);
  if (status != CAS_OK && status != CAS_END) return cli_fail(path[0] ? path : "ls", status, &listing.error);
  return CLI_OK;
}

const struct cli_command command_ls = {
    .name = "ls",
    .operands = "STORE [PATH]",
    .summary = "List patients, or what is below a path",
    .details = "PATH is patient/study/series/instance, as far as wanted, as `cassette ls` shows the names.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 2,
    .run = run,
};
