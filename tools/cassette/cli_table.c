/*
 * A table on standard output.
 *
 * Owns: the cells of the rows kept back.
 * Invariants
 *  1. kept_count <= ROWS_KEPT_MAX.
 *  2. Once `printing`, nothing is kept back.
 */
#include "cli_table.h"

#include <string.h>

#include "cli.h"
#include "cli_text.h"

/* Enough to fit the columns well, little enough to begin at once on a large archive. */
#define ROWS_KEPT_MAX 1000

struct cli_table {
  const struct cli_column *columns;
  size_t column_count;
  int widths[CLI_COLUMNS_MAX];
  bool printing;
  size_t kept_count;
  char *kept[ROWS_KEPT_MAX][CLI_COLUMNS_MAX];
};

struct cli_table *cli_table_create(const struct cli_column *columns) {
  struct cli_table *table = calloc(1, sizeof *table);
  if (!table) return NULL;
  table->columns = columns;
  while (table->column_count < CLI_COLUMNS_MAX && columns[table->column_count].title) {
    table->widths[table->column_count] = cli_width(columns[table->column_count].title);
    table->column_count++;
  }
  return table;
}

static void print_row(const struct cli_table *table, char *const *cells) {
  for (size_t i = 0; i < table->column_count; i++) {
    int space = table->widths[i] - cli_width(cells[i]);
    if (space < 0) space = 0;
    bool last = i + 1 == table->column_count;
    if (table->columns[i].right)
      printf("%*s%s", space, "", cells[i]);
    else
      printf("%s%*s", cells[i], last ? 0 : space, "");
    fputs(last ? "\n" : "  ", stdout);
  }
}

static void free_row(const struct cli_table *table, char **cells) {
  for (size_t i = 0; i < table->column_count; i++) free(cells[i]);
}

static void print_kept(struct cli_table *table) {
  if (!table->printing && table->kept_count > 0) {
    char *titles[CLI_COLUMNS_MAX];
    for (size_t i = 0; i < table->column_count; i++) titles[i] = (char *)table->columns[i].title;
    print_row(table, titles);
  }
  for (size_t row = 0; row < table->kept_count; row++) {
    print_row(table, table->kept[row]);
    free_row(table, table->kept[row]);
  }
  table->kept_count = 0;
  table->printing = true;
}

bool cli_table_row(struct cli_table *table, const char *const *cells) {
  char *row[CLI_COLUMNS_MAX] = {0};
  for (size_t i = 0; i < table->column_count; i++) {
    row[i] = cli_escape(cells[i]);
    if (!row[i]) {
      free_row(table, row);
      return false;
    }
  }
  if (table->printing) {
    print_row(table, row);
    free_row(table, row);
    return true;
  }
  for (size_t i = 0; i < table->column_count; i++) {
    int width = cli_width(row[i]);
    if (width > table->widths[i]) table->widths[i] = width;
  }
  memcpy(table->kept[table->kept_count++], row, sizeof row);
  if (table->kept_count == ROWS_KEPT_MAX) print_kept(table);
  return true;
}

void cli_table_finish(struct cli_table *table) {
  if (!table) return;
  print_kept(table);
  free(table);
}
