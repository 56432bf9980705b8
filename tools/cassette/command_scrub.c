/*
 * cassette scrub: how the daemon's scrubber stands, and what it is to do.
 */
#include <string.h>

#include "cli_json.h"
#include "cli_text.h"
#include "commands.h"
#include "control/control_client.h"

static const struct cli_option options[] = {{256, "json", NULL, "print a JSON object"}, {0}};

static const char *const actions[] = {"status", "start", "pause", "resume"};

static uint64_t number(const json_t *object, const char *key) {
  return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void print_counts(const char *title, const json_t *counts) {
  char segments[CLI_TEXT_MAX], bytes[CLI_TEXT_MAX], started[CLI_TEXT_MAX];
  printf("%-12s since %s: %s segments, %s; ", title,
         cli_format_time(started, (int64_t)number(counts, "started") * 1000000000),
         cli_format_count(segments, number(counts, "segments")), cli_format_bytes(bytes, number(counts, "bytes")));
  if (number(counts, "away_segments") > 0)
    printf("%llu segments away; ", (unsigned long long)number(counts, "away_segments"));
  if (number(counts, "damaged_records") + number(counts, "index_findings") == 0) {
    puts("no damage");
    return;
  }
  printf("%llu damaged records, %llu findings in the index, %llu damaged instances\n",
         (unsigned long long)number(counts, "damaged_records"), (unsigned long long)number(counts, "index_findings"),
         (unsigned long long)number(counts, "damaged_instances"));
}

static void print(const json_t *scrub) {
  char done[CLI_TEXT_MAX], total[CLI_TEXT_MAX], pace[CLI_TEXT_MAX], next[CLI_TEXT_MAX];
  const char *state = json_string_value(json_object_get(scrub, "state"));
  const json_t *trouble = json_object_get(scrub, "trouble");
  printf("%-12s cycle %llu", state != NULL ? state : "?", (unsigned long long)number(scrub, "cycles"));
  if (state != NULL && strcmp(state, "reading") == 0)
    printf(", %s of %s at %s a second", cli_format_bytes(done, number(scrub, "bytes")),
           cli_format_bytes(total, number(scrub, "total_bytes")),
           cli_format_bytes(pace, number(scrub, "bytes_per_second")));
  printf(", the next begins %s\n", cli_format_time(next, (int64_t)number(scrub, "next_cycle") * 1000000000));
  if (number(scrub, "cycles") > 0) print_counts("this cycle", scrub);
  if (json_object_get(scrub, "last") != NULL) print_counts("last whole", json_object_get(scrub, "last"));
  if (trouble != NULL) {
    fputs("trouble      ", stdout);
    cli_put(stdout, json_string_value(trouble));
    putchar('\n');
  }
}

static uint64_t damage(const json_t *counts) {
  return number(counts, "damaged_records") + number(counts, "index_findings");
}

static int run(struct cli_arguments *arguments) {
  struct control_client *client;
  struct cas_error error = {0};
  CLI_FREE char *text = NULL;
  bool json = false, known = false;
  int key;
  while ((key = cli_option(arguments)) > 0) json = true;
  if (key < 0) return arguments->exit_code;
  const char *action = arguments->operand_count > 1 ? arguments->operands[1] : actions[0];
  for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) known |= strcmp(action, actions[i]) == 0;
  if (!known) return cli_usage(arguments, "'%s' is none of status, start, pause, resume", action);
  cas_status status = control_connect(arguments->operands[0], &client, &error);
  if (status == CAS_NOT_FOUND) {
    cli_error("%s: no cassetted runs on it, which scrubs; `cassette verify` reads everything now",
              arguments->operands[0]);
    return CLI_PARTLY;
  }
  if (status != CAS_OK) return cli_fail(arguments->operands[0], status, &error);
  status =
      control_scrub(client, action == actions[0] || strcmp(action, actions[0]) == 0 ? NULL : action, &text, &error);
  control_close(client);
  if (status != CAS_OK) return cli_fail(arguments->operands[0], status, &error);
  json_t *scrub = json_loads(text, 0, NULL);
  if (json)
    puts(text);
  else
    print(scrub);
  bool damaged = damage(scrub) + damage(json_object_get(scrub, "last")) > 0;
  json_decref(scrub);
  return damaged ? CLI_PARTLY : CLI_OK;
}

const struct cli_command command_scrub = {
    .name = "scrub",
    .operands = "STORE [status | start | pause | resume]",
    .summary = "Show or steer the daemon's slow reading of everything",
    .details = "cassetted reads every segment once in a cycle and logs what is damaged. `start` begins a cycle\n"
               "now, or hurries the one under way; `pause` lasts over restarts.\n"
               "Exit status: 1 where this cycle or the last whole one found damage.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 2,
    .run = run,
};
