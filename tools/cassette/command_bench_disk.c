/*
 * cassette bench disk: what a disk gives to a store, by the size of what becomes durable together.
 */
#include "bench_figures.h"
#include "cassette/disk_probe.h"
#include "cli_interrupt.h"
#include "cli_json.h"
#include "commands.h"

enum { KEY_SIZE = 256, KEY_GROUP, KEY_SECONDS, KEY_PLAIN, KEY_JSON };

#define MEGABYTE UINT64_C(1000000)

/* A lone image, several at once, and as much as a group of the store has at most. */
static const uint64_t groups_default[] = {256u << 10, 2u << 20, 16u << 20};

static const struct cli_option options[] = {
    {KEY_SIZE, "size", "MB", "written for each size of groups at most (default 512)"},
    {KEY_SECONDS, "seconds", "N", "spent on each at most (default 5)"},
    {KEY_GROUP, "group", "KIB", "groups of this size alone (default: 256, 2048 and 16384)"},
    {KEY_PLAIN, "plain", NULL, "without io_uring and O_DIRECT"},
    {KEY_JSON, "json", NULL, "print one JSON object for each size of groups"},
    {0},
};

struct probing {
  struct cli_interrupt interrupt;
  bool interrupted;
  uint64_t groups, bytes, ns;
  double end;             /* by the clock */
  struct latency latency; /* of syncs */
};

static cas_status take_group(void *arg, const struct cas_disk_probe_group *group) {
  struct probing *probing = arg;
  probing->groups++;
  probing->bytes += group->bytes;
  probing->ns += group->write_ns + group->sync_ns;
  latency_add(&probing->latency, group->sync_ns);
  probing->interrupted = cli_interrupted(&probing->interrupt);
  return probing->interrupted || bench_clock_seconds() > probing->end ? CAS_END : CAS_OK;
}

static void report(const struct probing *probing, uint64_t group_bytes, const char *disk, double processor_seconds,
                   bool json) {
  const struct bench_figures figures = {.noun = "groups",
                                        .operation = "a sync",
                                        .count = probing->groups,
                                        .bytes = probing->bytes,
                                        .seconds = (double)probing->ns / 1e9,
                                        .processor_seconds = processor_seconds,
                                        .latency = &probing->latency};
  if (json) {
    json_t *object = json_object();
    cli_json_count(object, "group_bytes", group_bytes);
    cli_json_text(object, "disk", disk);
    bench_figures_json(&figures, object);
    cli_json_print(object);
    return;
  }
  printf("groups of %llu KiB, by %s\n", (unsigned long long)(group_bytes >> 10), disk);
  bench_figures_print(&figures);
}

static int run(struct cli_arguments *arguments) {
  struct cas_disk_probe_options probe = {0};
  unsigned long long megabytes = 512, seconds = 5, group_kib = 0;
  bool json = false, fits = true;
  int key;
  while ((key = cli_option(arguments)) > 0) {
    if (key == KEY_SIZE) fits = cli_number(arguments, arguments->value, 1, 1000000, &megabytes);
    if (key == KEY_SECONDS) fits = cli_number(arguments, arguments->value, 1, 86400, &seconds);
    if (key == KEY_GROUP) fits = cli_number(arguments, arguments->value, 1, 1048576, &group_kib);
    if (key == KEY_PLAIN) probe.no_io_uring = true;
    if (key == KEY_JSON) json = true;
    if (!fits) return arguments->exit_code;
  }
  if (key < 0) return arguments->exit_code;
  const uint64_t only = group_kib << 10;
  const uint64_t *groups = only > 0 ? &only : groups_default;
  const size_t count = only > 0 ? 1 : sizeof groups_default / sizeof *groups_default;
  probe.folder = arguments->operands[0];
  probe.bytes = megabytes * MEGABYTE;
  CLI_FREE struct probing *probing = calloc(1, sizeof *probing);
  if (probing == NULL) return cli_fail("bench disk", CAS_NO_MEMORY, NULL);
  cli_interrupt_open(&probing->interrupt);
  for (size_t i = 0; i < count && !probing->interrupted; i++) {
    char disk[CAS_DISK_TEXT_MAX];
    struct cas_error error = {0};
    *probing = (struct probing){.interrupt = probing->interrupt, .end = bench_clock_seconds() + (double)seconds};
    probe.group_bytes = groups[i];
    const double processor_start = bench_processor_seconds();
    const cas_status status = cas_disk_probe(&probe, take_group, probing, disk, &error);
    if (status != CAS_OK) return cli_fail(probe.folder, status, &error);
    report(probing, groups[i], disk, bench_processor_seconds() - processor_start, json);
  }
  return probing->interrupted ? CLI_INTERRUPTED : CLI_OK;
}

const struct cli_command command_bench_disk = {
    .name = "bench disk",
    .operands = "FOLDER",
    .summary = "Measure what a disk gives to a store: writes and syncs as segments are written",
    .details = "FOLDER is an existing one on the disk; a file in it is written and removed. For groups of several\n"
               "sizes, each written and then made durable: groups and bytes a second, and how long a sync takes.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
