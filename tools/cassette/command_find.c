/*
 * cassette find: patients, studies, series or instances by their attributes.
 */
#include <string.h>

#include "cassette/snapshot.h"
#include "cassette/state.h"
#include "cli_json.h"
#include "cli_text.h"
#include "commands.h"
#include "find_table.h"
#include "node_family.h"
#include "remote_find.h"

#define CONDITIONS_MAX 32
#define KEY_JSON 256
#define KEY_PATHS 257
#define KEY_ATTRIBUTES 258
#define KEY_HIDDEN 259

static const struct cli_option options[] = {
    {'l', "level", "LEVEL", "patient, study, series or instance (default: study, or as the conditions need)"},
    {'n', "limit", "N", "stop after N"},
    {KEY_PATHS, "paths", NULL, "print the paths alone"},
    {'0', "null", NULL, "end every path with a NUL byte; implies --paths"},
    {KEY_HIDDEN, "hidden", NULL, "find also what is hidden or replaced"},
    {KEY_JSON, "json", NULL, "print one JSON object for each"},
    {KEY_ATTRIBUTES, "attributes", NULL, "list the keywords that can be searched"},
    REMOTE_OPTIONS,
    {0},
};

enum format { FORMAT_TABLE, FORMAT_PATHS, FORMAT_JSON };

struct search {
  uint32_t states; /* that are shown beside the ordinary ones */
  enum format format;
  char path_end;
  unsigned long long limit, found;
  struct cas_condition conditions[CONDITIONS_MAX];
  struct cas_query query;
  struct node_family family;
  struct find_table *table;
  struct cas_error error;
};

static cas_status show(void *arg, const struct cas_node *node) {
  struct search *search = arg;
  cas_status status = CAS_OK;
  search->found++;
  if (search->format == FORMAT_PATHS) {
    fputs(node->path, stdout);
    putchar(search->path_end);
  } else {
    status = node_family_set(&search->family, node, &search->error);
    if (status != CAS_OK) return status;
    if (search->format == FORMAT_JSON)
      cli_json_print(node_family_json(&search->family));
    else if (!find_table_row(search->table, &search->family))
      return CAS_NO_MEMORY;
  }
  return search->found == search->limit || ferror(stdout) ? CAS_END : CAS_OK;
}

static void print_attribute(const struct cas_attribute_definition *definition) {
  printf("%04x,%04x  %s  %-8s  %s\n", definition->tag >> 16, definition->tag & 0xFFFF, definition->vr,
         level_name(definition->level), definition->keyword);
}

static int print_attributes(void) {
  size_t count;
  const struct cas_attribute_definition *definitions = cas_indexed_attributes(&count);
  for (size_t i = 0; i < count; i++) print_attribute(&definitions[i]);
  print_attribute(cas_search_attribute_by_tag(CAS_TAG_MODALITIES_IN_STUDY));
  print_attribute(cas_search_attribute_by_tag(CAS_TAG_SOP_CLASSES_IN_STUDY));
  return CLI_OK;
}

/* Takes the operands "Keyword=pattern"; they are cut in place. */
static int read_conditions(struct cli_arguments *arguments, struct search *search) {
  enum cas_level lowest = CAS_LEVEL_STUDY;
  for (int i = 1; i < arguments->operand_count; i++) {
    char *operand = arguments->operands[i], *equals = strchr(operand, '=');
    if (!equals) return cli_usage(arguments, "\"%s\" is no condition: Keyword=pattern", operand);
    if (search->query.condition_count == CONDITIONS_MAX)
      return cli_usage(arguments, "more than %d conditions", CONDITIONS_MAX);
    *equals = '\0';
    const struct cas_attribute_definition *attribute = cas_search_attribute_by_name(operand);
    if (!attribute)
      return cli_usage(arguments, "\"%s\" cannot be searched; `cassette find --attributes` lists what can", operand);
    if (attribute->level > lowest) lowest = attribute->level;
    search->conditions[search->query.condition_count++] =
        (struct cas_condition){.tag = attribute->tag, .pattern = equals + 1};
  }
  search->query.conditions = search->conditions;
  if (!search->query.level) search->query.level = lowest;
  return CLI_OK;
}

static int read_option(struct cli_arguments *arguments, struct search *search, int key) {
  switch (key) {
  case 'l':
    search->query.level = level_by_name(arguments->value);
    if (!search->query.level)
      return cli_usage(arguments, "\"%s\" is no level: patient, study, series, instance", arguments->value);
    break;
  case 'n':
    if (!cli_number(arguments, arguments->value, 1, ~0ull, &search->limit)) return CLI_USAGE;
    break;
  case '0':
    search->path_end = '\0';
    search->format = FORMAT_PATHS;
    break;
  case KEY_PATHS: search->format = FORMAT_PATHS; break;
  case KEY_JSON: search->format = FORMAT_JSON; break;
  case KEY_HIDDEN: search->states = CAS_STATES_HIDDEN; break;
  }
  return CLI_OK;
}

static int find(struct cas_store *store, struct search *search) {
  node_family_init(&search->family, store);
  if (search->format == FORMAT_TABLE) {
    search->table = find_table_create(search->query.level);
    if (!search->table) return cli_fail("find", CAS_NO_MEMORY, NULL);
  }
  cas_status status = cas_find(store, &search->query, show, search, &search->error);
  node_family_fini(&search->family);
  find_table_finish(search->table);
  if (status != CAS_OK && status != CAS_END) return cli_fail("find", status, &search->error);
  return search->found > 0 ? CLI_OK : CLI_PARTLY;
}

static int find_at_peer(struct cli_arguments *arguments, const struct search *search,
                        struct remote_find_options *peer) {
  if (search->format == FORMAT_PATHS) return cli_usage(arguments, "a peer tells no paths");
  peer->level = search->query.level;
  peer->limit = search->limit;
  peer->json = search->format == FORMAT_JSON;
  return remote_find_run(arguments, peer);
}

static int run(struct cli_arguments *arguments) {
  struct search search = {.path_end = '\n'};
  struct remote_find_options peer = {0};
  bool attributes = false;
  int key, code;
  while ((key = cli_option(arguments)) > 0) {
    if (remote_option(arguments, key, &peer.remote, &code)) {
      if (code != CLI_OK) return code;
      continue;
    }
    if (key == KEY_ATTRIBUTES) attributes = true;
    if (read_option(arguments, &search, key) != CLI_OK) return CLI_USAGE;
  }
  if (key < 0) return arguments->exit_code;
  if (attributes) return print_attributes();
  if (arguments->operand_count == 0) return cli_usage(arguments, "an operand is missing");
  if (remote_is_meant(arguments->operands[0])) return find_at_peer(arguments, &search, &peer);
  code = read_conditions(arguments, &search);
  if (code != CLI_OK) return code;
  CLI_STORE struct cas_store *store = NULL;
  code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  struct cas_store *view = NULL;
  if (code == CLI_OK && cas_view_open(store, search.states, &view) != CAS_OK)
    code = cli_fail("find", CAS_NO_MEMORY, NULL);
  if (code == CLI_OK) code = find(view, &search);
  cas_snapshot_close(view);
  return code;
}

const struct cli_command command_find = {
    .name = "find",
    .operands = "STORE|PEER [Keyword=pattern…]",
    .summary = "Search patients, studies, series or instances, here or at a DICOM node (C-FIND)",
    .details = "A pattern may have * and ?; dates, times and numbers take ranges: StudyDate=20240101-20241231;\n"
               "lists have backslashes between. Names match without regard to case and accents.\n"
               "Exit status: 0 something was found, 1 nothing.\n",
    .options = options,
    .operands_max = -1,
    .run = run,
};
