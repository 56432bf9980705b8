/*
 * cassette tier set, show: gives a store a cold place, and says how its tiers stand.
 */
#include "cassette/tier.h"
#include "cli_json.h"
#include "cli_text.h"
#include "commands.h"

static const struct cli_option no_options[] = {{0}};
static const struct cli_option show_options[] = {{256, "json", NULL, "print a JSON object"}, {0}};

static int set(struct cli_arguments *arguments) {
  struct cas_error error = {0};
  if (cli_option(arguments) < 0) return arguments->exit_code;
  cas_status status = cas_tier_set(arguments->operands[0], arguments->operands[1], &error);
  return status == CAS_OK ? CLI_OK : cli_fail(arguments->operands[0], status, &error);
}

static const char *state_name(enum cas_tier_state state) {
  return state == CAS_TIER_HERE ? "here" : state == CAS_TIER_AWAY ? "away" : "none";
}

static void print_json(const struct cas_tier_status *status) {
  json_t *object = json_object();
  cli_json_text(object, "state", state_name(status->state));
  if (status->state != CAS_TIER_NONE) cli_json_text(object, "folder", status->folder);
  if (status->state == CAS_TIER_AWAY) cli_json_text(object, "reason", status->reason);
  cli_json_count(object, "hot_segments", status->hot_segments);
  cli_json_count(object, "hot_bytes", status->hot_bytes);
  cli_json_count(object, "hot_free_bytes", status->hot_free_bytes);
  cli_json_count(object, "cold_segments", status->cold_segments);
  cli_json_count(object, "cold_bytes", status->cold_bytes);
  cli_json_count(object, "cold_free_bytes", status->cold_free_bytes);
  cli_json_count(object, "away_segments", status->away_segments);
  cli_json_print(object);
}

static void print_line(const char *name, uint64_t segments, uint64_t bytes, uint64_t free_bytes) {
  char count[CLI_TEXT_MAX], size[CLI_TEXT_MAX], room[CLI_TEXT_MAX];
  printf("%-5s %s segments, %s, %s free\n", name, cli_format_count(count, segments), cli_format_bytes(size, bytes),
         cli_format_bytes(room, free_bytes));
}

static void print_text(const struct cas_tier_status *status) {
  char count[CLI_TEXT_MAX];
  print_line("hot", status->hot_segments, status->hot_bytes, status->hot_free_bytes);
  if (status->state == CAS_TIER_NONE) {
    puts("cold  none; cassette tier set makes a folder the cold place");
    return;
  }
  if (status->state == CAS_TIER_HERE) {
    print_line("cold", status->cold_segments, status->cold_bytes, status->cold_free_bytes);
    fputs("      in ", stdout);
    cli_put(stdout, status->folder);
  } else {
    printf("cold  %s segments away: ", cli_format_count(count, status->away_segments));
    cli_put(stdout, status->reason);
  }
  putchar('\n');
}

static int show(struct cli_arguments *arguments) {
  bool json = false;
  int key;
  while ((key = cli_option(arguments)) > 0) json = true;
  if (key < 0) return arguments->exit_code;
  CLI_STORE struct cas_store *store = NULL;
  int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  struct cas_tier_status tiers = {0};
  struct cas_error error = {0};
  cas_status status = cas_store_tier_status(store, &tiers, &error);
  if (status != CAS_OK) return cli_fail(arguments->operands[0], status, &error);
  if (json)
    print_json(&tiers);
  else
    print_text(&tiers);
  return tiers.state == CAS_TIER_AWAY ? CLI_PARTLY : CLI_OK;
}

const struct cli_command command_tier_set = {
    .name = "tier set",
    .operands = "STORE FOLDER",
    .summary = "Make a folder the cold place of a store",
    .details =
        "FOLDER, on a slower and larger file system, must be empty, or hold what was moved there before. It gets "
        "the file\n"
        "CASSETTE-COLD, by which it is known, and the store the link `cold`. Nothing moves yet. Works beside "
        "cassetted, but\n"
        "not where the store has a cold place already.\n",
    .options = no_options,
    .operands_min = 2,
    .operands_max = 2,
    .run = set,
};

const struct cli_command command_tier_show = {
    .name = "tier show",
    .operands = "STORE",
    .summary = "Show what lies in the store and what in its cold place",
    .details = "Exit status: 0 all of it is there, 1 the cold place is away.\n",
    .options = show_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = show,
};
