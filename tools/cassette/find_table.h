/*
 * The table that `cassette find` prints: its columns depend on the level.
 *
 * Threads: one at a time.
 */
#ifndef FIND_TABLE_H
#define FIND_TABLE_H

#include <stdbool.h>

#include "node_family.h"

struct find_table;

/* NULL without memory. */
struct find_table *find_table_create(enum cas_level level);

/* Adds the family's present node. False without memory. */
bool find_table_row(struct find_table *table, const struct node_family *family);

/* Prints the rest and frees the table. NULL is allowed. */
void find_table_finish(struct find_table *table);

#endif
