/*
 * cassette stats: what is in a store, what deduplication and compression save, what it takes on disk.
 */
#include <string.h>

#include "cli_json.h"
#include "cli_text.h"
#include "commands.h"
#include "daemon_state.h"

static const struct cli_option options[] = {{256, "json", NULL, "print a JSON object"}, {0}};

static uint64_t difference(uint64_t more, uint64_t less) { return more > less ? more - less : 0; }

static double ratio(uint64_t more, uint64_t less) { return less ? (double)more / (double)less : 0; }

/* What of the daemon's state belongs to the figures of a store. */
static bool is_of_store(const char *key) { return strncmp(key, "read_only", 9) == 0 || strcmp(key, "scrub") == 0; }

static void print_json(const struct cas_stats *stats, const json_t *daemon) {
  const char *key;
  json_t *value;
  json_t *object = json_object(), *codecs = json_object();
  cli_json_count(object, "patients", stats->patients);
  cli_json_count(object, "studies", stats->studies);
  cli_json_count(object, "series", stats->series);
  cli_json_count(object, "instances", stats->instances);
  cli_json_count(object, "instance_bytes", stats->instance_bytes);
  cli_json_count(object, "blobs", stats->blobs);
  cli_json_count(object, "blob_bytes", stats->blob_bytes);
  cli_json_count(object, "blob_stored_bytes", stats->blob_stored_bytes);
  json_object_set_new(object, "deduplication_ratio", json_real(ratio(stats->instance_bytes, stats->blob_bytes)));
  json_object_set_new(object, "compression_ratio", json_real(ratio(stats->blob_bytes, stats->blob_stored_bytes)));
  json_object_set_new(object, "total_ratio", json_real(ratio(stats->instance_bytes, stats->segment_bytes)));
  cli_json_count(object, "manifest_bytes", stats->manifest_bytes);
  cli_json_count(object, "segments", stats->segments);
  cli_json_count(object, "segment_bytes", stats->segment_bytes);
  cli_json_count(object, "hot_segments", stats->segments - stats->cold_segments);
  cli_json_count(object, "hot_bytes", stats->segment_bytes - stats->cold_bytes);
  cli_json_count(object, "cold_segments", stats->cold_segments);
  cli_json_count(object, "cold_bytes", stats->cold_bytes);
  cli_json_count(object, "away_segments", stats->away_segments);
  cli_json_count(object, "index_bytes", stats->index_bytes);
  cli_json_count(object, "reclaimable_bytes", stats->reclaimable_bytes);
  cli_json_count(object, "deferred_bytes", stats->deferred_bytes);
  cli_json_count(object, "deleted_instances", stats->deleted_versions);
  cli_json_count(object, "deleted_bytes", stats->deleted_bytes);
  cli_json_count(object, "reclaimed_bytes", stats->reclaimed_bytes);
  cli_json_count(object, "free_bytes", stats->free_bytes);
  for (size_t i = 0; stats->codecs[i].name; i++) {
    json_t *codec = json_object();
    cli_json_count(codec, "raw_bytes", stats->codecs[i].raw_bytes);
    cli_json_count(codec, "stored_bytes", stats->codecs[i].stored_bytes);
    json_object_set_new(codecs, stats->codecs[i].name, codec);
  }
  json_object_set_new(object, "codecs", codecs);
  json_object_foreach((json_t *)daemon, key, value) if (is_of_store(key)) json_object_set(object, key, value);
  cli_json_print(object);
}

static void print_count(const char *name, uint64_t count) {
  char text[CLI_TEXT_MAX];
  printf("%-22s %14s\n", name, cli_format_count(text, count));
}

static void print_bytes(const char *name, uint64_t bytes, const char *remark) {
  char text[CLI_TEXT_MAX];
  printf("%-22s %14s%s%s\n", name, cli_format_bytes(text, bytes), remark[0] ? "  " : "", remark);
}

/* "3.20 : 1, saves 66.7 MB" */
static const char *format_saving(char text[3 * CLI_TEXT_MAX], uint64_t before, uint64_t after) {
  char ratio_text[CLI_TEXT_MAX], saved[CLI_TEXT_MAX];
  snprintf(text, 3 * CLI_TEXT_MAX, "%s : 1, saves %s", cli_format_ratio(ratio_text, before, after),
           cli_format_bytes(saved, difference(before, after)));
  return text;
}

static void print_codec(const char *name, uint64_t raw_bytes, uint64_t stored_bytes) {
  char raw[CLI_TEXT_MAX], stored[CLI_TEXT_MAX], ratio_text[CLI_TEXT_MAX];
  printf("  %-20s %14s  from %s, %s : 1\n", name, cli_format_bytes(stored, stored_bytes),
         cli_format_bytes(raw, raw_bytes), cli_format_ratio(ratio_text, raw_bytes, stored_bytes));
}

/* Only where something lies elsewhere than in the store. */
static void print_tiers(const struct cas_stats *stats) {
  char text[3 * CLI_TEXT_MAX], count[CLI_TEXT_MAX];
  if (stats->cold_segments > 0) {
    snprintf(text, sizeof text, "in %s segments", cli_format_count(count, stats->segments - stats->cold_segments));
    print_bytes("  in the store", stats->segment_bytes - stats->cold_bytes, text);
    snprintf(text, sizeof text, "in %s segments", cli_format_count(count, stats->cold_segments));
    print_bytes("  in the cold place", stats->cold_bytes, text);
  }
  if (stats->away_segments > 0) print_count("segments away", stats->away_segments);
}

static void print_table(const struct cas_stats *stats, const json_t *daemon) {
  char text[3 * CLI_TEXT_MAX], count[CLI_TEXT_MAX];
  if (json_is_true(json_object_get(daemon, "read_only"))) {
    fputs("the archive is read-only: ", stdout);
    cli_put(stdout, json_string_value(json_object_get(daemon, "read_only_reason")));
    putchar('\n');
  }
  print_count("patients", stats->patients);
  print_count("studies", stats->studies);
  print_count("series", stats->series);
  print_count("instances", stats->instances);
  print_bytes("as they came", stats->instance_bytes, "");
  print_bytes("after deduplication", stats->blob_bytes, format_saving(text, stats->instance_bytes, stats->blob_bytes));
  print_bytes("after compression", stats->blob_stored_bytes,
              format_saving(text, stats->blob_bytes, stats->blob_stored_bytes));
  for (size_t i = 0; stats->codecs[i].name; i++)
    if (stats->codecs[i].raw_bytes > 0)
      print_codec(stats->codecs[i].name, stats->codecs[i].raw_bytes, stats->codecs[i].stored_bytes);
  print_count("blobs", stats->blobs);
  print_bytes("manifests", stats->manifest_bytes, "");
  if (stats->deferred_bytes) print_bytes("waiting to be packed", stats->deferred_bytes, "");
  if (stats->deleted_versions) {
    snprintf(text, sizeof text, "of %s instances, kept for a time", cli_format_count(count, stats->deleted_versions));
    print_bytes("deleted", stats->deleted_bytes, text);
  }
  if (stats->reclaimable_bytes) print_bytes("reclaimable", stats->reclaimable_bytes, "by cassette compact");
  if (stats->reclaimed_bytes) print_bytes("reclaimed", stats->reclaimed_bytes, "");
  print_count("segments", stats->segments);
  print_bytes("segments on disk", stats->segment_bytes,
              format_saving(text, stats->instance_bytes, stats->segment_bytes));
  print_tiers(stats);
  print_bytes("index on disk", stats->index_bytes, "");
  print_bytes("free on the disk", stats->free_bytes, "");
}

static int run(struct cli_arguments *arguments) {
  bool json = false;
  int key;
  while ((key = cli_option(arguments)) > 0) json = true;
  if (key < 0) return arguments->exit_code;
  CLI_STORE struct cas_store *store = NULL;
  int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  struct cas_stats stats = {0};
  struct cas_error error = {0};
  cas_status status = cas_store_stats(store, &stats, &error);
  if (status != CAS_OK) return cli_fail(arguments->operands[0], status, &error);
  json_t *daemon = daemon_state_get(arguments->operands[0]);
  if (json)
    print_json(&stats, daemon);
  else
    print_table(&stats, daemon);
  json_decref(daemon);
  return CLI_OK;
}

const struct cli_command command_stats = {
    .name = "stats",
    .operands = "STORE",
    .summary = "Show what is in a store and what it takes on disk",
    .details = "Deduplication compares the sum of all files with the distinct parts of them; compression those\n"
               "with what is stored of them; the segments are all that the archive takes, without the index.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
