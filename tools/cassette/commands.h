/*
 * The commands of the program, one file each: command_<name>.c.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "cli.h"

extern const struct cli_command command_bench_disk, command_bench_ingest, command_bench_list, command_bench_make,
    command_bench_read, command_bench_send, command_bench_verify, command_cat, command_compact, command_correct,
    command_delete, command_echo, command_export, command_find, command_help, command_hide, command_history,
    command_import, command_info, command_init, command_ls, command_merge, command_mount, command_rebuild,
    command_scrub, command_segment_dump, command_show, command_snapshot_create, command_snapshot_ls,
    command_snapshot_rm, command_stats, command_tier_move, command_tier_recall, command_tier_set, command_tier_show,
    command_undelete, command_verify, command_version;
extern const struct cli_command command_get, command_move, command_send;

/* All of them in the order of the help, ended by NULL. */
extern const struct cli_command *const commands[];

/* The command that the first one or two words name, and how many words that are; NULL if there is none. */
const struct cli_command *command_by_words(int count, char *const *words, int *used);

/* The program's own help: every command with its summary. */
void commands_print_help(FILE *out);

#endif
