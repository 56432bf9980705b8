/*
 * cassette info: what a store is, or all that is known of a patient, study, series or instance.
 */
#include <string.h>

#include "cassette/reader.h"
#include "cli_json.h"
#include "cli_text.h"
#include "commands.h"
#include "daemon_state.h"
#include "node_family.h"

static const struct cli_option options[] = {{256, "json", NULL, "print JSON objects"}, {0}};

struct inquiry {
  struct cas_store *store;
  bool json;
  uint64_t found;
  struct node_family family;
  struct cas_error error;
};

struct version_list {
  FILE *out; /* or */
  json_t *array;
};

static void print_fact(const char *name, const char *value) {
  printf("%-26s ", name);
  cli_put(stdout, value);
  putchar('\n');
}

static void print_daemon(const json_t *daemon) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)daemon, key, value) {
    char name[CLI_TEXT_MAX];
    snprintf(name, sizeof name, "daemon: %s", key);
    CLI_FREE char *text = json_is_string(value) ? strdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY);
    if (text) print_fact(name, text);
  }
}

static int show_store(struct cas_store *store, bool json) {
  struct cas_store_info info = {0};
  cas_store_info(store, &info);
  json_t *daemon = daemon_state_get(info.path);
  if (json) {
    json_t *object = json_object();
    cli_json_text(object, "path", info.path);
    cli_json_text(object, "uuid", info.uuid);
    cli_json_count(object, "format_version", info.format_version);
    cli_json_time(object, "created", info.created_ns);
    if (daemon) json_object_set_new(object, "daemon", daemon);
    cli_json_print(object);
    return CLI_OK;
  }
  char text[CLI_TEXT_MAX];
  print_fact("store", info.path);
  print_fact("UUID", info.uuid);
  print_fact("format version", cli_format_count(text, info.format_version));
  print_fact("made", cli_format_time(text, info.created_ns));
  print_daemon(daemon);
  json_decref(daemon);
  return CLI_OK;
}

static cas_status add_version(void *arg, const struct cas_node *node) {
  struct version_list *list = arg;
  char bytes[CLI_TEXT_MAX], arrival[CLI_TEXT_MAX], hash[33];
  cas_hash_format(&node->content_hash, hash);
  if (list->array) {
    json_t *object = json_object();
    cli_json_count(object, "version", node->version);
    cli_json_text(object, "path", node->path);
    cli_json_count(object, "bytes", node->bytes);
    cli_json_hash(object, "xxh3_128", &node->content_hash);
    cli_json_time(object, "arrival", node->first_arrival_ns);
    return json_array_append_new(list->array, object) == 0 ? CAS_OK : CAS_NO_MEMORY;
  }
  fprintf(list->out, "  %-4u %10s  %s  %s  ", node->version, cli_format_bytes(bytes, node->bytes),
          cli_format_time(arrival, node->first_arrival_ns), hash);
  cli_put(list->out, node->path);
  fputc('\n', list->out);
  return CAS_OK;
}

/* The versions of the same SOP Instance UID: in order, this one among them. */
static cas_status list_versions(struct inquiry *inquiry, const struct cas_node *node, struct version_list *list) {
  const char *uid = cas_attributes_text(node->attributes, CAS_TAG_SOP_INSTANCE_UID);
  return cas_node_by_uid(inquiry->store, CAS_LEVEL_INSTANCE, uid, add_version, list, &inquiry->error);
}

static void print_attributes(const struct cas_attributes *attributes) {
  size_t position = 0;
  struct cas_attribute attribute;
  while (cas_attributes_next(attributes, &position, &attribute))
    print_fact(attribute_keyword(attribute.tag), attribute.value);
}

/* How its bytes are kept; nothing where the index does not know all of them. */
static void print_storage(struct cas_reader *reader) {
  struct cas_storage storage;
  char text[CLI_TEXT_MAX];
  if (cas_reader_storage(reader, &storage, NULL) != CAS_OK) return;
  print_fact("stored", cli_format_bytes(text, storage.stored_bytes));
  print_fact("codec", storage.codecs);
  print_fact("tier", storage.tier);
}

static void put_storage(json_t *object, struct cas_reader *reader) {
  struct cas_storage storage;
  if (cas_reader_storage(reader, &storage, NULL) != CAS_OK) return;
  cli_json_count(object, "stored_bytes", storage.stored_bytes);
  cli_json_text(object, "codec", storage.codecs);
  cli_json_text(object, "tier", storage.tier);
}

static cas_status print_node(struct inquiry *inquiry, const struct cas_node *node, struct cas_reader *reader) {
  char text[CLI_TEXT_MAX], hash[33];
  if (inquiry->found > 1) putchar('\n');
  print_fact("path", node->path);
  for (int level = CAS_LEVEL_PATIENT; level < (int)node->level; level++)
    print_attributes(inquiry->family.ancestors[level].attributes);
  print_attributes(node->attributes);
  print_fact("size", cli_format_bytes(text, node->bytes));
  if (!reader) {
    print_fact("instances", cli_format_count(text, node->instances));
    print_fact("first arrival", cli_format_time(text, node->first_arrival_ns));
    print_fact("last arrival", cli_format_time(text, node->last_arrival_ns));
    return CAS_OK;
  }
  snprintf(text, sizeof text, "%llu", (unsigned long long)node->bytes);
  print_fact("bytes", text);
  cas_hash_format(&node->content_hash, hash);
  print_fact("XXH3-128", hash);
  print_fact("arrival", cli_format_time(text, node->first_arrival_ns));
  print_fact("source", cas_reader_source(reader));
  snprintf(text, sizeof text, "%llu", (unsigned long long)cas_reader_data_set_offset(reader));
  print_fact("data set offset", text);
  print_storage(reader);
  printf("versions\n");
  struct version_list list = {.out = stdout};
  return list_versions(inquiry, node, &list);
}

static cas_status print_node_json(struct inquiry *inquiry, const struct cas_node *node, struct cas_reader *reader) {
  json_t *object = node_family_json(&inquiry->family);
  cas_status status = CAS_OK;
  if (reader) {
    struct version_list list = {.array = json_array()};
    cli_json_text(object, "source", cas_reader_source(reader));
    cli_json_count(object, "data_set_offset", cas_reader_data_set_offset(reader));
    put_storage(object, reader);
    status = list_versions(inquiry, node, &list);
    json_object_set_new(object, "versions", list.array);
  }
  cli_json_print(object);
  return status;
}

static cas_status show(void *arg, const struct cas_node *node) {
  struct inquiry *inquiry = arg;
  struct cas_reader *reader = NULL;
  cas_status status = node_family_set(&inquiry->family, node, &inquiry->error);
  if (status == CAS_OK && node->level == CAS_LEVEL_INSTANCE)
    status = cas_reader_open(inquiry->store, node->path, &reader, &inquiry->error);
  if (status != CAS_OK) return status;
  inquiry->found++;
  status = inquiry->json ? print_node_json(inquiry, node, reader) : print_node(inquiry, node, reader);
  cas_reader_close(reader);
  return status;
}

/* As cas_select(), but a path or UID of a folder of the tree means that folder and not the instances below it. */
static cas_status ask(struct inquiry *inquiry, const char *what) {
  static const enum cas_level levels[] = {CAS_LEVEL_STUDY, CAS_LEVEL_SERIES, CAS_LEVEL_INSTANCE, CAS_LEVEL_PATIENT};
  cas_status status = cas_node_get(inquiry->store, what, show, inquiry, &inquiry->error);
  if (status != CAS_NOT_FOUND && status != CAS_INVALID) return status;
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
    status = cas_node_by_uid(inquiry->store, levels[i], what, show, inquiry, &inquiry->error);
    if (inquiry->found > 0) return status;
    if (status != CAS_OK && status != CAS_NOT_FOUND && status != CAS_INVALID) return status;
  }
  return cas_select(inquiry->store, what, show, inquiry, &inquiry->error);
}

static int run(struct cli_arguments *arguments) {
  struct inquiry inquiry = {0};
  int key;
  while ((key = cli_option(arguments)) > 0) inquiry.json = true;
  if (key < 0) return arguments->exit_code;
  CLI_STORE struct cas_store *store = NULL;
  int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  if (arguments->operand_count == 1) return show_store(store, inquiry.json);
  inquiry.store = store;
  node_family_init(&inquiry.family, store);
  cas_status status = ask(&inquiry, arguments->operands[1]);
  node_family_fini(&inquiry.family);
  if (status != CAS_OK && status != CAS_END) return cli_fail(arguments->operands[1], status, &inquiry.error);
  return CLI_OK;
}

const struct cli_command command_info = {
    .name = "info",
    .operands = "STORE [WHAT]",
    .summary = "Show what a store is, or all that is known of something in it",
    .details = "For an instance: the indexed attributes, size, hash, where it came from and lies, and its versions.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 2,
    .run = run,
};
