/*
 * The table that `cassette find` prints.
 */
#include "find_table.h"

#include "cli.h"
#include "cli_table.h"
#include "cli_text.h"

/* A cell's source: the tag of an attribute, or one of these, which are no tags. */
enum { CELL_INSTANCES = 1, CELL_BYTES, CELL_VERSION, CELL_ARRIVAL };

struct cell {
  const char *title;
  bool right;
  uint32_t source;
};

static const struct cell patient_cells[] = {
    {"PATIENT ID", false, CAS_TAG_PATIENT_ID},   {"NAME", false, CAS_TAG_PATIENT_NAME},
    {"BORN", false, CAS_TAG_PATIENT_BIRTH_DATE}, {"SEX", false, CAS_TAG_PATIENT_SEX},
    {"INSTANCES", true, CELL_INSTANCES},         {"SIZE", true, CELL_BYTES},
    {"LAST ARRIVAL", false, CELL_ARRIVAL},       {0},
};
static const struct cell study_cells[] = {
    {"PATIENT ID", false, CAS_TAG_PATIENT_ID},
    {"NAME", false, CAS_TAG_PATIENT_NAME},
    {"DATE", false, CAS_TAG_STUDY_DATE},
    {"ACCESSION", false, CAS_TAG_ACCESSION_NUMBER},
    {"DESCRIPTION", false, CAS_TAG_STUDY_DESCRIPTION},
    {"INSTANCES", true, CELL_INSTANCES},
    {"SIZE", true, CELL_BYTES},
    {"STUDY INSTANCE UID", false, CAS_TAG_STUDY_INSTANCE_UID},
    {0},
};
static const struct cell series_cells[] = {
    {"PATIENT ID", false, CAS_TAG_PATIENT_ID},
    {"DATE", false, CAS_TAG_STUDY_DATE},
    {"SERIES", true, CAS_TAG_SERIES_NUMBER},
    {"MODALITY", false, CAS_TAG_MODALITY},
    {"DESCRIPTION", false, CAS_TAG_SERIES_DESCRIPTION},
    {"INSTANCES", true, CELL_INSTANCES},
    {"SIZE", true, CELL_BYTES},
    {"SERIES INSTANCE UID", false, CAS_TAG_SERIES_INSTANCE_UID},
    {0},
};
static const struct cell instance_cells[] = {
    {"PATIENT ID", false, CAS_TAG_PATIENT_ID},
    {"DATE", false, CAS_TAG_STUDY_DATE},
    {"SERIES", true, CAS_TAG_SERIES_NUMBER},
    {"INSTANCE", true, CAS_TAG_INSTANCE_NUMBER},
    {"VERSION", true, CELL_VERSION},
    {"SIZE", true, CELL_BYTES},
    {"ARRIVAL", false, CELL_ARRIVAL},
    {"SOP INSTANCE UID", false, CAS_TAG_SOP_INSTANCE_UID},
    {0},
};

struct find_table {
  const struct cell *cells;
  struct cli_column columns[CLI_COLUMNS_MAX + 1];
  struct cli_table *table;
};

static const struct cell *cells_of(enum cas_level level) {
  switch (level) {
  case CAS_LEVEL_PATIENT: return patient_cells;
  case CAS_LEVEL_STUDY: return study_cells;
  case CAS_LEVEL_SERIES: return series_cells;
  case CAS_LEVEL_INSTANCE: return instance_cells;
  }
  return instance_cells;
}

struct find_table *find_table_create(enum cas_level level) {
  struct find_table *table = calloc(1, sizeof *table);
  if (!table) return NULL;
  table->cells = cells_of(level);
  for (size_t i = 0; table->cells[i].title; i++)
    table->columns[i] = (struct cli_column){table->cells[i].title, table->cells[i].right};
  table->table = cli_table_create(table->columns);
  if (table->table) return table;
  free(table);
  return NULL;
}

/* The text of one cell; `space` is for texts that are made here. */
static const char *cell_text(uint32_t source, const struct node_family *family, char space[CLI_TEXT_MAX]) {
  switch (source) {
  case CELL_INSTANCES: return cli_format_count(space, family->node->instances);
  case CELL_BYTES: return cli_format_bytes(space, family->node->bytes);
  case CELL_VERSION: return cli_format_count(space, family->node->version);
  case CELL_ARRIVAL: return cli_format_time(space, family->node->last_arrival_ns);
  case CAS_TAG_STUDY_DATE:
  case CAS_TAG_PATIENT_BIRTH_DATE: return cli_format_date(space, node_family_text(family, source));
  default: return node_family_text(family, source);
  }
}

bool find_table_row(struct find_table *table, const struct node_family *family) {
  char spaces[CLI_COLUMNS_MAX][CLI_TEXT_MAX];
  const char *texts[CLI_COLUMNS_MAX];
  for (size_t i = 0; table->cells[i].title; i++) texts[i] = cell_text(table->cells[i].source, family, spaces[i]);
  return cli_table_row(table->table, texts);
}

void find_table_finish(struct find_table *table) {
  if (table) cli_table_finish(table->table);
  free(table);
}
