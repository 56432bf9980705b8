/*
 * cassette tier move, recall: segments to the cold place and back, through the daemon that holds the store, or by
 * opening the store.
 */
#include <string.h>
#include <time.h>

#include "cassette/tier.h"
#include "cli_interrupt.h"
#include "cli_json.h"
#include "cli_progress.h"
#include "cli_text.h"
#include "commands.h"
#include "control/control_client.h"

#define KEY_JSON 256
#define KEY_OLDER 257
#define KEY_FREE 258
#define KEY_DRY 259
#define KEY_RATE 260
#define KEY_ALL 261

#define DAYS_MAX 36500
#define DAY_NS (INT64_C(86400) * 1000000000)

static const struct cli_option move_options[] = {
    {'q', "quiet", NULL, "say only what went wrong"},
    {KEY_OLDER, "older-than", "DAYS", "only segments to which nothing was added for so long"},
    {KEY_FREE, "keep-free", "GIB", "the oldest ones, until so much is free in the store"},
    {KEY_RATE, "rate", "MIB", "copy at most so much in a second"},
    {KEY_DRY, "dry-run", NULL, "say what would move, and move nothing"},
    {KEY_JSON, "json", NULL, "print one JSON object at the end"},
    {0}};
static const struct cli_option recall_options[] = {
    {'q', "quiet", NULL, "say only what went wrong"},
    {KEY_ALL, "all", NULL, "all that is in the cold place"},
    {KEY_RATE, "rate", "MIB", "copy at most so much in a second"},
    {KEY_DRY, "dry-run", NULL, "say what would come back, and move nothing"},
    {KEY_JSON, "json", NULL, "print one JSON object at the end"},
    {0}};

struct moving {
  bool recall, quiet, json, all;
  struct cli_progress *progress;
  struct cli_interrupt interrupt;
  struct cas_tier_options options;
  struct cas_tier_result sums; /* of all calls */
};

static void draw(const struct moving *moving, uint64_t segments, uint64_t bytes, uint64_t bytes_total) {
  struct cli_progress_state state = {.files = segments, .bytes = bytes, .bytes_total = bytes_total};
  cli_progress_set(moving->progress, &state);
}

static cas_status on_progress(void *arg, const struct cas_compact_progress *now) {
  struct moving *moving = arg;
  if (cli_interrupted(&moving->interrupt)) return CAS_END;
  draw(moving, now->segments_done, now->bytes_done, now->bytes);
  return CAS_OK;
}

static void add(struct cas_tier_result *sums, const struct cas_tier_result *more) {
  sums->segments += more->segments;
  sums->bytes += more->bytes;
  sums->damaged_segments += more->damaged_segments;
  sums->segments_left = more->segments_left;
  sums->bytes_left = more->bytes_left;
}

/* One segment a request, so that it can be interrupted, and is seen to go on. */
static cas_status ask_daemon(struct moving *moving, struct control_client *client, struct cas_error *error) {
  struct cas_tier_options options = moving->options;
  struct cas_tier_result result;
  do {
    if (cli_interrupted(&moving->interrupt)) return CAS_END;
    cas_status status = control_tier(client, moving->recall, &options, &result, error);
    if (status != CAS_OK) return status;
    add(&moving->sums, &result);
    options.after = result.reached;
    draw(moving, moving->sums.segments, moving->sums.bytes, moving->sums.bytes + result.bytes_left);
  } while (result.reached > 0 && result.segments_left > 0);
  return CAS_OK;
}

static cas_status move_ourselves(struct moving *moving, const char *path, struct cas_error *error) {
  CLI_STORE struct cas_store *store = NULL;
  cas_status status = cli_store_try(path, CAS_OPEN_WRITE, &store, error);
  if (status != CAS_OK) return status;
  moving->options.progress = on_progress;
  moving->options.arg = moving;
  return moving->recall ? cas_store_tier_recall(store, &moving->options, &moving->sums, error)
                        : cas_store_tier_move(store, &moving->options, &moving->sums, error);
}

static cas_status move(struct moving *moving, const char *path, struct cas_error *error) {
  struct control_client *client;
  struct cas_error no_daemon = {0};
  if (control_connect(path, &client, &no_daemon) != CAS_OK) return move_ourselves(moving, path, error);
  cas_status status = ask_daemon(moving, client, error);
  control_close(client);
  return status;
}

static void print_json(const struct cas_tier_result *sums, double seconds) {
  json_t *object = json_object();
  cli_json_count(object, "segments", sums->segments);
  cli_json_count(object, "bytes", sums->bytes);
  cli_json_count(object, "damaged_segments", sums->damaged_segments);
  cli_json_count(object, "segments_left", sums->segments_left);
  cli_json_count(object, "bytes_left", sums->bytes_left);
  json_object_set_new(object, "seconds", json_real(seconds));
  cli_json_print(object);
}

static void print_text(const struct moving *moving, double seconds) {
  const struct cas_tier_result *sums = &moving->sums;
  const char *where = moving->recall ? "into the store" : "to the cold place";
  char segments[CLI_TEXT_MAX], bytes[CLI_TEXT_MAX];
  if (moving->options.dry_run)
    printf("%s segments, %s, would move %s\n", cli_format_count(segments, sums->segments_left),
           cli_format_bytes(bytes, sums->bytes_left), where);
  else if (sums->segments + sums->damaged_segments == 0)
    puts("nothing is to be moved");
  else
    printf("%s segments, %s, moved %s in %.1f s\n", cli_format_count(segments, sums->segments),
           cli_format_bytes(bytes, sums->bytes), where, seconds);
  if (sums->damaged_segments > 0)
    printf("%llu segments are damaged and stay where they are: cassette verify says where\n",
           (unsigned long long)sums->damaged_segments);
}

static int64_t days_ago_ns(unsigned long long days) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  return now_ns > (int64_t)days * DAY_NS ? now_ns - (int64_t)days * DAY_NS : 1;
}

/* False: it is wrong, and that was said. */
static bool take_option(struct cli_arguments *arguments, int key, struct moving *moving) {
  unsigned long long number = 0;
  if (key == 'q') moving->quiet = true;
  if (key == KEY_JSON) moving->json = true;
  if (key == KEY_DRY) moving->options.dry_run = true;
  if (key == KEY_ALL) moving->all = true;
  if (key == KEY_OLDER) {
    if (!cli_number(arguments, arguments->value, 0, DAYS_MAX, &number)) return false;
    moving->options.sealed_before_ns = days_ago_ns(number);
  } else if (key == KEY_FREE) {
    if (!cli_number(arguments, arguments->value, 1, 1u << 24, &number)) return false;
    moving->options.keep_free_bytes = (uint64_t)number << 30;
  } else if (key == KEY_RATE) {
    if (!cli_number(arguments, arguments->value, 1, 1u << 20, &number)) return false;
    moving->options.bytes_per_second = (uint64_t)number << 20;
  }
  return true;
}

static int go(struct moving *moving, const char *path) {
  struct cas_error error = {0};
  cli_interrupt_open(&moving->interrupt);
  moving->progress = cli_progress_create("segments", moving->quiet);
  if (!moving->progress) return cli_fail("tier", CAS_NO_MEMORY, NULL);
  cas_status status = move(moving, path, &error);
  double seconds = cli_progress_seconds(moving->progress);
  cli_progress_destroy(moving->progress);
  if (status == CAS_END && cli_interrupted(&moving->interrupt)) {
    cli_error("interrupted; what was done stays done");
    return CLI_INTERRUPTED;
  }
  if (status != CAS_OK) return cli_fail(path, status, &error);
  if (moving->json)
    print_json(&moving->sums, seconds);
  else if (!moving->quiet)
    print_text(moving, seconds);
  return moving->sums.damaged_segments ? CLI_PARTLY : CLI_OK;
}

static int run_move(struct cli_arguments *arguments) {
  struct moving moving = {0};
  int key;
  while ((key = cli_option(arguments)) > 0)
    if (!take_option(arguments, key, &moving)) return arguments->exit_code;
  if (key < 0) return arguments->exit_code;
  return go(&moving, arguments->operands[0]);
}

static int run_recall(struct cli_arguments *arguments) {
  struct moving moving = {.recall = true};
  int key;
  while ((key = cli_option(arguments)) > 0)
    if (!take_option(arguments, key, &moving)) return arguments->exit_code;
  if (key < 0) return arguments->exit_code;
  const size_t count = (size_t)arguments->operand_count - 1;
  if ((count == 0) != moving.all) return cli_usage(arguments, "name segments, or --all of them");
  CLI_FREE uint32_t *segments = calloc(count + 1, sizeof *segments);
  if (segments == NULL) return cli_fail("tier recall", CAS_NO_MEMORY, NULL);
  for (size_t i = 0; i < count; i++) {
    unsigned long long number;
    if (!cli_number(arguments, arguments->operands[i + 1], 1, UINT32_MAX, &number)) return arguments->exit_code;
    segments[i] = (uint32_t)number;
  }
  moving.options.segments = segments;
  moving.options.segment_count = count;
  return go(&moving, arguments->operands[0]);
}

const struct cli_command command_tier_move = {
    .name = "tier move",
    .operands = "STORE",
    .summary = "Move segments that are full to the cold place",
    .details =
        "The oldest first; with both --older-than and --keep-free, what either asks for; with neither, all but the "
        "one that\n"
        "grows. A segment leaves the store when its copy is durable and every record of it was read back. Works "
        "beside\n"
        "cassetted, and through it.\n"
        "Exit status: 0 all was well, 1 a segment is damaged, and stays where it is.\n",
    .options = move_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_move,
};

const struct cli_command command_tier_recall = {
    .name = "tier recall",
    .operands = "STORE [SEGMENT…]",
    .summary = "Bring segments back from the cold place",
    .details = "SEGMENT is a number; those in the store already stay there. Works beside cassetted, and through it.\n"
               "Exit status: 0 all was well, 1 a segment is damaged, and stays where it is.\n",
    .options = recall_options,
    .operands_min = 1,
    .operands_max = -1,
    .run = run_recall,
};
