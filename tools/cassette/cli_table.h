/*
 * A table on standard output whose columns fit what is in them. The first rows are kept back to learn the widths, later
 * ones are printed as they come, so that a table of any length takes bounded memory.
 *
 * Threads: one at a time.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>

struct cli_column {
  const char *title; /* NULL ends the columns */
  bool right;        /* numbers stand on the right */
};

#define CLI_COLUMNS_MAX 16

struct cli_table;

/* `columns` is borrowed. NULL without memory. */
struct cli_table *cli_table_create(const struct cli_column *columns);

/* Adds a row: one text for each column, escaped and copied here. False without memory. */
bool cli_table_row(struct cli_table *table, const char *const *cells);

/* Prints what is kept back and frees the table. A table without rows prints nothing. NULL is allowed. */
void cli_table_finish(struct cli_table *table);

#endif
