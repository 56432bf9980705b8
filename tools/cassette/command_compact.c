/*
 * cassette compact: segments written anew without what nobody needs, and with what was stored raw first encoded;
 * through the daemon that holds the store, or by opening the store.
 */
#include "cassette/compact.h"
#include "cli_interrupt.h"
#include "cli_json.h"
#include "cli_progress.h"
#include "cli_text.h"
#include "commands.h"
#include "control/control_client.h"
#include "control/deleted_days.h"

#define KEY_JSON 256
#define KEY_MIN 257
#define KEY_DELETED 258

static const struct cli_option options[] = {
    {'q', "quiet", NULL, "say only what went wrong"},
    {KEY_MIN, "min", "PERCENT", "only segments of which so much would go; 5"},
    {KEY_DELETED, "deleted", "DAYS", "let go what was deleted so long ago: days, now or never; 30"},
    {KEY_JSON, "json", NULL, "print one JSON object at the end"},
    {0}};

struct compacting {
  struct cli_progress *progress;
  struct cli_interrupt interrupt;
  struct cas_compact_options options;
  const char *deleted;            /* NULL: the default, or the daemon's */
  struct cas_compact_result sums; /* of all calls */
};

static void draw(struct compacting *compacting, uint64_t segments, uint64_t bytes, uint64_t bytes_total) {
  struct cli_progress_state state = {.files = segments, .bytes = bytes, .bytes_total = bytes_total};
  cli_progress_set(compacting->progress, &state);
}

static cas_status on_progress(void *arg, const struct cas_compact_progress *now) {
  struct compacting *compacting = arg;
  if (cli_interrupted(&compacting->interrupt)) return CAS_END;
  draw(compacting, now->segments_done, now->bytes_done, now->bytes);
  return CAS_OK;
}

static void add(struct cas_compact_result *sums, const struct cas_compact_result *more) {
  sums->segments += more->segments;
  sums->bytes_before += more->bytes_before;
  sums->bytes_after += more->bytes_after;
  sums->packed_blobs += more->packed_blobs;
  sums->dropped_records += more->dropped_records;
  sums->damaged_segments = more->damaged_segments;
  sums->discarded_versions += more->discarded_versions;
}

/* One segment a request, so that it can be interrupted, and is seen to go on. */
static cas_status ask_daemon(struct compacting *compacting, struct control_client *client, struct cas_error *error) {
  struct cas_compact_result result;
  do {
    if (cli_interrupted(&compacting->interrupt)) return CAS_END;
    cas_status status = control_compact(client, compacting->options.min_percent, compacting->deleted, &result, error);
    if (status != CAS_OK) return status;
    add(&compacting->sums, &result);
    draw(compacting, compacting->sums.segments, compacting->sums.bytes_before,
         compacting->sums.bytes_before + result.bytes_left);
  } while (result.segments > 0);
  return CAS_OK;
}

static cas_status compact_ourselves(struct compacting *compacting, const char *path, struct cas_error *error) {
  CLI_STORE struct cas_store *store = NULL;
  cas_status status = cli_store_try(path, CAS_OPEN_WRITE, &store, error);
  if (status != CAS_OK) return status;
  compacting->options.progress = on_progress;
  compacting->options.arg = compacting;
  compacting->options.seal_bytes = 1;
  return cas_store_compact(store, &compacting->options, &compacting->sums, error);
}

static cas_status compact(struct compacting *compacting, const char *path, struct cas_error *error) {
  struct control_client *client;
  struct cas_error no_daemon = {0};
  if (control_connect(path, &client, &no_daemon) != CAS_OK) return compact_ourselves(compacting, path, error);
  cas_status status = ask_daemon(compacting, client, error);
  control_close(client);
  return status;
}

static void print_json(const struct cas_compact_result *sums, double seconds) {
  json_t *object = json_object();
  cli_json_count(object, "segments", sums->segments);
  cli_json_count(object, "bytes_before", sums->bytes_before);
  cli_json_count(object, "bytes_after", sums->bytes_after);
  cli_json_count(object, "packed_blobs", sums->packed_blobs);
  cli_json_count(object, "dropped_records", sums->dropped_records);
  cli_json_count(object, "damaged_segments", sums->damaged_segments);
  cli_json_count(object, "discarded_versions", sums->discarded_versions);
  json_object_set_new(object, "seconds", json_real(seconds));
  cli_json_print(object);
}

static void print_text(const struct cas_compact_result *sums, double seconds) {
  char segments[CLI_TEXT_MAX], before[CLI_TEXT_MAX], after[CLI_TEXT_MAX], packed[CLI_TEXT_MAX];
  if (sums->discarded_versions > 0)
    printf("the bytes of %s deleted instances were let go\n", cli_format_count(packed, sums->discarded_versions));
  if (sums->segments == 0 && sums->damaged_segments == 0) {
    puts("nothing is worth it");
    return;
  }
  printf("%s segments take %s instead of %s, %s blobs were encoded, in %.1f s\n",
         cli_format_count(segments, sums->segments), cli_format_bytes(after, sums->bytes_after),
         cli_format_bytes(before, sums->bytes_before), cli_format_count(packed, sums->packed_blobs), seconds);
  if (sums->damaged_segments > 0)
    printf("%llu segments are damaged and stay as they are: cassette verify says where\n",
           (unsigned long long)sums->damaged_segments);
}

static int run(struct cli_arguments *arguments) {
  struct compacting compacting = {0};
  bool quiet = false, json = false;
  unsigned days = 0;
  unsigned long long percent = 0;
  int key;
  while ((key = cli_option(arguments)) > 0) {
    if (key == KEY_MIN && !cli_number(arguments, arguments->value, 1, 100, &percent)) return arguments->exit_code;
    if (key == KEY_DELETED && !deleted_days_parse(arguments->value, &days))
      return cli_usage(arguments, "%s is neither a number of days up to %u, nor now or never", arguments->value,
                       DELETED_DAYS_MAX);
    if (key == KEY_DELETED) compacting.deleted = arguments->value;
    if (key == KEY_JSON) json = true;
    if (key == 'q') quiet = true;
  }
  if (key < 0) return arguments->exit_code;
  compacting.options.min_percent = (uint32_t)percent;
  compacting.options.deleted_before_ns = deleted_days_before(days);
  const char *path = arguments->operands[0];
  cli_interrupt_open(&compacting.interrupt);
  compacting.progress = cli_progress_create("segments", quiet);
  if (!compacting.progress) return cli_fail("compact", CAS_NO_MEMORY, NULL);
  struct cas_error error = {0};
  cas_status status = compact(&compacting, path, &error);
  double seconds = cli_progress_seconds(compacting.progress);
  cli_progress_destroy(compacting.progress);
  if (status == CAS_END && cli_interrupted(&compacting.interrupt)) {
    cli_error("interrupted; what was done stays done");
    return CLI_INTERRUPTED;
  }
  if (status != CAS_OK) return cli_fail(path, status, &error);
  if (json)
    print_json(&compacting.sums, seconds);
  else if (!quiet)
    print_text(&compacting.sums, seconds);
  return compacting.sums.damaged_segments ? CLI_PARTLY : CLI_OK;
}

const struct cli_command command_compact = {
    .name = "compact",
    .operands = "STORE",
    .summary = "Give back the space that nothing needs",
    .details = "Segments are written anew without damaged copies that were healed and parts of objects that never came "
               "to their\n"
               "end; what was stored raw first is encoded. So are those written anew that hold images deleted 30 days "
               "ago or more,\n"
               "which no snapshot shows; from then on nothing brings these back. --deleted now does not wait. Works "
               "beside cassetted,\n"
               "and through it; it does the same by itself when it is quiet. Needs room for a copy of one segment.\n"
               "Exit status: 0 all was well, 1 something is damaged, and its segment stays as it is.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
