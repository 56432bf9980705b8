/*
 * cassette snapshot create, ls, rm: moments of a store that have a name.
 */
#include "cli_json.h"
#include "cli_table.h"
#include "cli_text.h"
#include "commands.h"
#include "snapshot_writer.h"

#define KEY_JSON 256

static const struct cli_option no_options[] = {{0}};
static const struct cli_option list_options[] = {{KEY_JSON, "json", NULL, "print one JSON object for every snapshot"},
                                                 {0}};

static int create(struct cli_arguments *arguments) {
  char name[CAS_SNAPSHOT_NAME_MAX + 1];
  struct cas_error error = {0};
  if (cli_option(arguments) < 0) return arguments->exit_code;
  const char *wanted = arguments->operand_count > 1 ? arguments->operands[1] : name;
  if (wanted == name) snapshot_writer_name("snapshot", name);
  cas_status status = snapshot_writer_create(arguments->operands[0], wanted, &error);
  if (status != CAS_OK) return cli_fail(wanted, status, &error);
  puts(wanted);
  return CLI_OK;
}

static int remove_all(struct cli_arguments *arguments) {
  int code = CLI_OK;
  if (cli_option(arguments) < 0) return arguments->exit_code;
  for (int i = 1; i < arguments->operand_count; i++) {
    struct cas_error error = {0};
    cas_status status = snapshot_writer_remove(arguments->operands[0], arguments->operands[i], &error);
    int failed = status == CAS_OK ? CLI_OK : cli_fail(arguments->operands[i], status, &error);
    if (failed > code) code = failed;
  }
  return code;
}

static const struct cli_column columns[] = {
    {"NAME", false}, {"CREATED", false}, {"INSTANCES", true}, {"SIZE", true}, {0}};

static cas_status show_json(void *arg, const struct cas_snapshot *snapshot) {
  (void)arg;
  json_t *object = json_object();
  cli_json_text(object, "name", snapshot->name);
  cli_json_time(object, "created", snapshot->created_ns);
  cli_json_count(object, "instances", snapshot->instances);
  cli_json_count(object, "bytes", snapshot->bytes);
  cli_json_print(object);
  return CAS_OK;
}

static cas_status show_row(void *arg, const struct cas_snapshot *snapshot) {
  char created[CLI_TEXT_MAX], instances[CLI_TEXT_MAX], bytes[CLI_TEXT_MAX];
  const char *cells[] = {snapshot->name, cli_format_time(created, snapshot->created_ns),
                         cli_format_count(instances, snapshot->instances), cli_format_bytes(bytes, snapshot->bytes)};
  return cli_table_row(arg, cells) ? CAS_OK : CAS_NO_MEMORY;
}

static int list(struct cli_arguments *arguments) {
  bool json = false;
  int key;
  while ((key = cli_option(arguments)) > 0) json = true;
  if (key < 0) return arguments->exit_code;
  CLI_STORE struct cas_store *store = NULL;
  int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  struct cas_error error = {0};
  struct cli_table *table = json ? NULL : cli_table_create(columns);
  if (!json && !table) return cli_fail("snapshot ls", CAS_NO_MEMORY, NULL);
  cas_status status = cas_snapshot_list(store, NULL, json ? show_json : show_row, table, &error);
  cli_table_finish(table);
  return status == CAS_OK ? CLI_OK : cli_fail("snapshot ls", status, &error);
}

const struct cli_command command_snapshot_create = {
    .name = "snapshot create",
    .operands = "STORE [NAME]",
    .summary = "Give this moment of the store a name",
    .details = "Prints the name; without NAME it is made of the time. Copies nothing. Works beside cassetted, and "
               "through it.\n"
               "`cassette mount --snapshot NAME` shows it, and so does Snapshots/NAME in every mount.\n",
    .options = no_options,
    .operands_min = 1,
    .operands_max = 2,
    .run = create,
};

const struct cli_command command_snapshot_ls = {
    .name = "snapshot ls",
    .operands = "STORE",
    .summary = "List the snapshots",
    .details = "Sizes are those of the files that a snapshot shows, not of what it takes on disk, which is nothing.\n",
    .options = list_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = list,
};

const struct cli_command command_snapshot_rm = {
    .name = "snapshot rm",
    .operands = "STORE NAME…",
    .summary = "Take snapshots away",
    .details = "No image goes with them.\n",
    .options = no_options,
    .operands_min = 2,
    .operands_max = -1,
    .run = remove_all,
};
