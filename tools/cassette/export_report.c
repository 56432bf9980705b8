/*
 * What an export says and counts.
 */
#include "cli_json.h"
#include "cli_text.h"
#include "export.h"

void export_item_free(struct export_item *item) {
  if (item) free(item->path);
  free(item);
}

static const char *outcome_word(enum export_outcome outcome) {
  return outcome == EXPORT_WRITTEN ? "written" : outcome == EXPORT_UNCHANGED ? "unchanged" : "failed";
}

static void say_json(struct export *export, const struct export_item *item, enum export_outcome outcome,
                     const char *reason) {
  json_t *object = json_object();
  cli_json_text(object, "path", item->path);
  cli_json_text(object, "outcome", outcome_word(outcome));
  cli_json_count(object, "bytes", item->bytes);
  if (reason) cli_json_text(object, "reason", reason);
  CLI_FREE char *line = cli_json_line(object);
  cli_progress_line(export->progress, stdout, line ? line : "{}");
}

static void say(struct export *export, const char *subject, const char *word, const char *reason, FILE *out) {
  char *text = NULL;
  size_t size = 0;
  FILE *line = open_memstream(&text, &size);
  if (!line) return;
  cli_put(line, subject);
  fprintf(line, ": %s%s", word, reason ? ": " : "");
  if (reason) cli_put(line, reason);
  fclose(line);
  if (text) cli_progress_line(export->progress, out, text);
  free(text);
}

void export_report(struct export *export, const struct export_item *item, enum export_outcome outcome,
                   cas_status status, const struct cas_error *error) {
  const char *reason = outcome == EXPORT_FAILED ? cli_reason(status, error) : NULL;
  pthread_mutex_lock(&export->lock);
  export->files++;
  export->bytes += item->bytes;
  export->written += outcome == EXPORT_WRITTEN;
  export->unchanged += outcome == EXPORT_UNCHANGED;
  export->failed += outcome == EXPORT_FAILED;
  if (outcome == EXPORT_WRITTEN) disclosure_add(&export->disclosure, item->uid);
  struct cli_progress_state state = {export->files, export->bytes, export->files_total, export->bytes_total};
  pthread_mutex_unlock(&export->lock);
  if (export->json)
    say_json(export, item, outcome, reason);
  else if (outcome == EXPORT_FAILED)
    say(export, item->path, outcome_word(outcome), reason, stderr);
  else if (export->verbose)
    say(export, item->path, outcome_word(outcome), NULL, stdout);
  cli_progress_set(export->progress, &state);
}

void export_report_missing(struct export *export, const char *what, cas_status status, const struct cas_error *error) {
  pthread_mutex_lock(&export->lock);
  export->not_found++;
  pthread_mutex_unlock(&export->lock);
  say(export, what, "not exported", cli_reason(status, error), stderr);
}

void export_summary(const struct export *export, FILE *out) {
  char files[CLI_TEXT_MAX], bytes[CLI_TEXT_MAX], count[CLI_TEXT_MAX];
  if (export->json) {
    json_t *object = json_object(), *counts = json_object();
    cli_json_count(counts, "instances", export->files);
    cli_json_count(counts, "bytes", export->bytes);
    cli_json_count(counts, "written", export->written);
    cli_json_count(counts, "unchanged", export->unchanged);
    cli_json_count(counts, "failed", export->failed);
    cli_json_count(counts, "not_found", export->not_found);
    json_object_set_new(object, "summary", counts);
    cli_json_print(object);
    return;
  }
  fprintf(out, "%s instances, %s, in %.1f s: %s written", cli_format_count(files, export->files),
          cli_format_bytes(bytes, export->bytes), cli_progress_seconds(export->progress),
          cli_format_count(count, export->written));
  if (export->unchanged) fprintf(out, ", %s there already", cli_format_count(count, export->unchanged));
  if (export->failed) fprintf(out, ", %s failed", cli_format_count(count, export->failed));
  fputc('\n', out);
}
