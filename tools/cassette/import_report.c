/*
 * What an import says: a line for each file that a person should know of, or one JSON object for every file, and
 * counts.
 */

#include "cli_json.h"
#include "cli_text.h"
#include "import.h"

/* What became of a file, in a word for programs and people. */
static const char *outcome_word(const struct import_job *job) {
  if (job->unreadable) return "unreadable";
  if (job->status == CAS_REFUSED) return "refused";
  if (job->status != CAS_OK) return "failed";
  switch (job->result.outcome) {
  case CAS_STORED: return "stored";
  case CAS_DUPLICATE: return "duplicate";
  case CAS_NEW_VERSION: return "new version";
  }
  return "failed";
}

static void count(struct import_report *report, const struct import_job *job) {
  const struct cas_ingest_result *result = &job->result;
  report->files++;
  report->bytes += job->bytes;
  if (job->unreadable || job->status == CAS_REFUSED) {
    report->refused++;
  } else if (job->status != CAS_OK) {
    report->failed++;
    if (report->fault == CAS_OK) report->fault = job->status;
  } else {
    report->defects += result->defect != NULL;
    report->healed_blobs += result->healed_blobs;
    report->stored += result->outcome == CAS_STORED;
    report->duplicates += result->outcome == CAS_DUPLICATE;
    report->new_versions += result->outcome == CAS_NEW_VERSION;
    if (result->outcome == CAS_STORED) report->stored_bytes += result->bytes;
    if (result->outcome == CAS_DUPLICATE) report->duplicate_bytes += result->bytes;
    if (result->outcome == CAS_NEW_VERSION) report->new_version_bytes += result->bytes;
  }
}

static void print_json(struct import_report *report, const struct import_job *job) {
  const struct cas_ingest_result *result = &job->result;
  json_t *object = json_object();
  cli_json_text(object, "path", job->path);
  cli_json_text(object, "outcome", outcome_word(job));
  if (job->status == CAS_OK) {
    cli_json_text(object, "sop_instance_uid", result->sop_instance_uid);
    cli_json_count(object, "version", result->version);
    cli_json_count(object, "bytes", result->bytes);
    if (result->defect) {
      cli_json_text(object, "defect", result->defect);
      cli_json_count(object, "defect_offset", result->defect_offset);
    }
    if (result->healed_blobs) cli_json_count(object, "healed_blobs", result->healed_blobs);
  } else {
    cli_json_text(object, "reason", cli_reason(job->status, &job->error));
  }
  CLI_FREE char *line = cli_json_line(object);
  cli_progress_line(report->progress, stdout, line ? line : "{}");
}

/* One line: path, outcome, and what more there is to know. */
static void print_line(struct import_report *report, const struct import_job *job, FILE *out) {
  const struct cas_ingest_result *result = &job->result;
  char *text = NULL;
  size_t size = 0;
  FILE *line = open_memstream(&text, &size);
  if (!line) return;
  cli_put(line, job->path);
  fprintf(line, ": %s", outcome_word(job));
  if (job->status != CAS_OK) {
    fputs(": ", line);
    cli_put(line, cli_reason(job->status, &job->error));
  } else {
    if (result->outcome == CAS_NEW_VERSION) {
      fprintf(line, " %u of ", result->version);
      cli_put(line, result->sop_instance_uid);
    }
    if (result->defect)
      fprintf(line, "; kept as it is, with a defect at byte %llu: %s", (unsigned long long)result->defect_offset,
              result->defect);
    if (result->healed_blobs) fprintf(line, "; %llu damaged blobs healed", (unsigned long long)result->healed_blobs);
  }
  fclose(line);
  if (text) cli_progress_line(report->progress, out, text);
  free(text);
}

void import_report_job(struct import_report *report, const struct import_job *job) {
  if (job->status == CAS_END) return; /* never begun: the import was stopped */
  count(report, job);
  if (report->json) {
    print_json(report, job);
    return;
  }
  const struct cas_ingest_result *result = &job->result;
  if (job->status != CAS_OK) {
    print_line(report, job, stderr);
    return;
  }
  bool notable = result->outcome == CAS_NEW_VERSION || result->defect || result->healed_blobs;
  if (report->verbosity == IMPORT_VERBOSE || (report->verbosity == IMPORT_NORMAL && notable))
    print_line(report, job, stdout);
}

static void summarize_json(const struct import_report *report, double seconds, bool interrupted) {
  json_t *object = json_object(), *counts = json_object();
  cli_json_count(counts, "files", report->files);
  cli_json_count(counts, "bytes", report->bytes);
  cli_json_count(counts, "stored", report->stored);
  cli_json_count(counts, "stored_bytes", report->stored_bytes);
  cli_json_count(counts, "duplicates", report->duplicates);
  cli_json_count(counts, "duplicate_bytes", report->duplicate_bytes);
  cli_json_count(counts, "new_versions", report->new_versions);
  cli_json_count(counts, "new_version_bytes", report->new_version_bytes);
  cli_json_count(counts, "refused", report->refused);
  cli_json_count(counts, "failed", report->failed);
  cli_json_count(counts, "defects", report->defects);
  cli_json_count(counts, "healed_blobs", report->healed_blobs);
  json_object_set_new(counts, "seconds", json_real(seconds));
  json_object_set_new(counts, "interrupted", json_boolean(interrupted));
  json_object_set_new(object, "summary", counts);
  cli_json_print(object);
}

static void print_count(const char *what, uint64_t files, uint64_t bytes) {
  char count_text[CLI_TEXT_MAX], bytes_text[CLI_TEXT_MAX];
  printf("  %-12s %10s  %10s\n", what, cli_format_count(count_text, files), cli_format_bytes(bytes_text, bytes));
}

void import_report_summary(const struct import_report *report, double seconds, bool interrupted) {
  char files[CLI_TEXT_MAX], bytes[CLI_TEXT_MAX], rate[CLI_TEXT_MAX];
  if (report->json) {
    summarize_json(report, seconds, interrupted);
    return;
  }
  if (report->verbosity == IMPORT_QUIET) return;
  double elapsed = seconds > 0.001 ? seconds : 0.001;
  printf("%s files, %s in %.1f s (%.0f files/s, %s/s)%s\n", cli_format_count(files, report->files),
         cli_format_bytes(bytes, report->bytes), seconds, (double)report->files / elapsed,
         cli_format_bytes(rate, (uint64_t)((double)report->bytes / elapsed)), interrupted ? ", interrupted" : "");
  print_count("stored", report->stored, report->stored_bytes);
  print_count("duplicate", report->duplicates, report->duplicate_bytes);
  print_count("new version", report->new_versions, report->new_version_bytes);
  printf("  %-12s %10s\n", "refused", cli_format_count(files, report->refused));
  if (report->failed) printf("  %-12s %10s\n", "failed", cli_format_count(files, report->failed));
  if (report->defects) printf("%s of the files kept have a defect\n", cli_format_count(files, report->defects));
  if (report->healed_blobs) printf("%s damaged blobs were healed\n", cli_format_count(files, report->healed_blobs));
}
