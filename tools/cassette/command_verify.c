/*
 * cassette verify: reads everything back and says what is damaged.
 */
#include "cli_interrupt.h"
#include "cli_json.h"
#include "cli_progress.h"
#include "cli_text.h"
#include "commands.h"
#include "node_family.h"
#include "quarantine.h"

#define KEY_JSON 256
#define KEY_QUARANTINE 257

static const struct cli_option options[] = {
    {'q', "quiet", NULL, "say only what is damaged"},
    {KEY_QUARANTINE, "quarantine", NULL, "copy what is damaged to STORE/quarantine, for inspection"},
    {KEY_JSON, "json", NULL, "print one JSON object for every finding, then a summary"},
    {0},
};

struct verification {
  bool json;
  struct cli_progress *progress;
  struct cli_interrupt interrupt;
  struct cas_store *store;
  struct quarantine *quarantine; /* NULL without */
  struct node_family family;     /* of the damaged instance before, whose series the next one mostly shares */
};

/* What a damaged instance is asked for again by. */
static const struct {
  uint32_t tag;
  const char *key;
} identities[] = {
    {CAS_TAG_PATIENT_ID, "patient_id"},
    {CAS_TAG_STUDY_INSTANCE_UID, "study_instance_uid"},
    {CAS_TAG_SERIES_INSTANCE_UID, "series_instance_uid"},
    {CAS_TAG_SOP_INSTANCE_UID, "sop_instance_uid"},
};
#define IDENTITIES (sizeof identities / sizeof identities[0])

struct identification {
  struct verification *verification;
  json_t *object; /* or */
  FILE *line;
};

static void put_identity(struct identification *identification, size_t i, const char *text) {
  if (identification->object) cli_json_text(identification->object, identities[i].key, text);
  if (!identification->line) return;
  fprintf(identification->line, "%s%s ", i > 0 ? ", " : " (", attribute_keyword(identities[i].tag));
  cli_put(identification->line, text);
  if (i + 1 == IDENTITIES) fputc(')', identification->line);
}

static cas_status identify(void *arg, const struct cas_node *node) {
  struct identification *identification = arg;
  struct node_family *family = &identification->verification->family;
  struct cas_error error = {0};
  cas_status status = node_family_set(family, node, &error);
  if (status != CAS_OK) return status;
  for (size_t i = 0; i < IDENTITIES; i++) put_identity(identification, i, node_family_text(family, identities[i].tag));
  return CAS_OK;
}

/* Of an instance that is in no list. */
static void put_identity_list(struct identification *identification, const struct cas_attributes *attributes) {
  for (size_t i = 0; i < IDENTITIES; i++)
    put_identity(identification, i, cas_attributes_text(attributes, identities[i].tag));
}

/* Says whose a damaged instance is, as far as the index knows. */
static void put_identities(struct verification *verification, const struct cas_finding *finding, json_t *object,
                           FILE *line) {
  struct identification identification = {.verification = verification, .object = object, .line = line};
  if (finding->kind != CAS_FINDING_DAMAGED_INSTANCE) return;
  if (finding->attributes != NULL) {
    put_identity_list(&identification, finding->attributes);
    return;
  }
  (void)!cas_node_get(verification->store, finding->path, identify, &identification, NULL);
}

static cas_status on_progress(void *arg, const struct cas_progress *now) {
  struct verification *verification = arg;
  if (cli_interrupted(&verification->interrupt)) return CAS_END;
  struct cli_progress_state state = {.files = now->instances, .bytes = now->done, .bytes_total = now->total};
  cli_progress_set(verification->progress, &state);
  return CAS_OK;
}

static const char *kind_name(enum cas_finding_kind kind) {
  switch (kind) {
  case CAS_FINDING_DAMAGED_RECORD: return "damaged record";
  case CAS_FINDING_DAMAGED_INSTANCE: return "damaged instance";
  case CAS_FINDING_INDEX: return "index";
  case CAS_FINDING_AWAY: return "away";
  }
  return "?";
}

static void on_finding(void *arg, const struct cas_finding *finding) {
  struct verification *verification = arg;
  char *text = NULL;
  size_t size = 0;
  if (verification->json) {
    json_t *object = json_object();
    cli_json_text(object, "finding", kind_name(finding->kind));
    cli_json_text(object, "path", finding->path ? finding->path : "");
    cli_json_count(object, "offset", finding->offset);
    cli_json_text(object, "message", finding->message ? finding->message : "");
    put_identities(verification, finding, object, NULL);
    text = cli_json_line(object);
  } else {
    FILE *line = open_memstream(&text, &size);
    if (!line) return;
    fprintf(line, "%s: ", kind_name(finding->kind));
    cli_put(line, finding->path ? finding->path : "");
    if (finding->kind == CAS_FINDING_DAMAGED_RECORD)
      fprintf(line, " at byte %llu", (unsigned long long)finding->offset);
    fputs(": ", line);
    cli_put(line, finding->message ? finding->message : "");
    put_identities(verification, finding, NULL, line);
    fclose(line);
  }
  cli_progress_line(verification->progress, stdout, text ? text : kind_name(finding->kind));
  free(text);
  quarantine_take(verification->quarantine, finding);
}

static uint64_t damage(const struct cas_verify_result *result) {
  return result->damaged_records + result->damaged_instances + result->index_findings;
}

static void summarize(const struct cas_verify_result *result, bool json, double seconds) {
  char segments[CLI_TEXT_MAX], records[CLI_TEXT_MAX], instances[CLI_TEXT_MAX], bytes[CLI_TEXT_MAX];
  if (json) {
    json_t *object = json_object(), *counts = json_object();
    cli_json_count(counts, "segments", result->segments);
    cli_json_count(counts, "records", result->records);
    cli_json_count(counts, "instances", result->instances);
    cli_json_count(counts, "bytes", result->bytes);
    cli_json_count(counts, "damaged_records", result->damaged_records);
    cli_json_count(counts, "damaged_instances", result->damaged_instances);
    cli_json_count(counts, "healed_records", result->healed_records);
    cli_json_count(counts, "index_findings", result->index_findings);
    cli_json_count(counts, "away_segments", result->away_segments);
    cli_json_count(counts, "away_instances", result->away_instances);
    json_object_set_new(object, "summary", counts);
    cli_json_print(object);
    return;
  }
  printf("%s segments, %s records, %s instances, %s in %.1f s: ", cli_format_count(segments, result->segments),
         cli_format_count(records, result->records), cli_format_count(instances, result->instances),
         cli_format_bytes(bytes, result->bytes), seconds);
  if (result->away_segments + result->away_instances > 0)
    printf("%llu segments and %llu instances could not be read, as the cold place is away; of the rest: ",
           (unsigned long long)result->away_segments, (unsigned long long)result->away_instances);
  if (result->healed_records > 0)
    printf("%llu damaged records were healed and are not needed; ", (unsigned long long)result->healed_records);
  if (damage(result) == 0) {
    puts("all is well");
    return;
  }
  printf("%llu damaged records, %llu damaged instances, %llu findings in the index\n",
         (unsigned long long)result->damaged_records, (unsigned long long)result->damaged_instances,
         (unsigned long long)result->index_findings);
}

static int run(struct cli_arguments *arguments) {
  struct verification verification = {0};
  bool quiet = false, quarantines = false;
  int key;
  while ((key = cli_option(arguments)) > 0) {
    if (key == 'q') quiet = true;
    if (key == KEY_JSON) verification.json = true;
    if (key == KEY_QUARANTINE) quarantines = true;
  }
  if (key < 0) return arguments->exit_code;
  cli_interrupt_open(&verification.interrupt);
  CLI_STORE struct cas_store *store = NULL;
  int code = cli_store_open(arguments->operands[0], CAS_OPEN_FOLLOW, &store);
  if (code != CLI_OK) return code;
  verification.progress = cli_progress_create("instances", quiet);
  if (!verification.progress) return cli_fail("verify", CAS_NO_MEMORY, NULL);
  verification.store = store;
  if (quarantines) verification.quarantine = quarantine_open(arguments->operands[0]);
  if (quarantines && verification.quarantine == NULL) return CLI_IO;
  node_family_init(&verification.family, store);
  struct cas_verify_options verify = {.progress = on_progress, .finding = on_finding, .arg = &verification};
  struct cas_verify_result result = {0};
  struct cas_error error = {0};
  cas_status status = cas_store_verify(store, &verify, &result, &error);
  double seconds = cli_progress_seconds(verification.progress);
  node_family_fini(&verification.family);
  bool kept = quarantine_close(verification.quarantine, quiet);
  cli_progress_destroy(verification.progress);
  if (status == CAS_END && cli_interrupted(&verification.interrupt)) {
    cli_error("interrupted");
    return CLI_INTERRUPTED;
  }
  if (status != CAS_OK) return cli_fail(arguments->operands[0], status, &error);
  if (!quiet || verification.json) summarize(&result, verification.json, seconds);
  if (!kept) return CLI_IO;
  return damage(&result) + result.away_segments + result.away_instances > 0 ? CLI_PARTLY : CLI_OK;
}

const struct cli_command command_verify = {
    .name = "verify",
    .operands = "STORE",
    .summary = "Read everything back and say what is damaged",
    .details = "Checks every record of every segment, then every instance through the ordinary read path.\n"
               "Works while the archive runs. --quarantine changes no segment: it copies.\n"
               "Exit status: 0 all is well, 1 damage was found, or segments lie in a cold place that is away.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
