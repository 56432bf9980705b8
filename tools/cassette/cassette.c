/*
 * cassette: the command line of the archive. Finds the command, lets it run, and sees that its output arrived. Called
 * as mount.fuse.cassette it is the helper of mount(8).
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "commands.h"
#include "heap.h"
#include "mount_helper.h"
#include "transcode_child.h"

const struct cli_command *const commands[] = {&command_init,        &command_import,
                                              &command_ls,          &command_find,
                                              &command_cat,         &command_export,
                                              &command_info,        &command_delete,
                                              &command_undelete,    &command_hide,
                                              &command_show,        &command_correct,
                                              &command_merge,       &command_history,
                                              &command_stats,       &command_verify,
                                              &command_scrub,       &command_segment_dump,
                                              &command_rebuild,     &command_compact,
                                              &command_tier_set,    &command_tier_show,
                                              &command_tier_move,   &command_tier_recall,
                                              &command_mount,       &command_snapshot_create,
                                              &command_snapshot_ls, &command_snapshot_rm,
                                              &command_echo,        &command_get,
                                              &command_move,        &command_send,
                                              &command_bench_make,  &command_bench_send,
                                              &command_bench_disk,  &command_bench_ingest,
                                              &command_bench_read,  &command_bench_verify,
                                              &command_bench_list,  &command_version,
                                              &command_help,        NULL};

/* How many of `words` the name consists of, 0 if it is another name. */
static int words_of_name(const char *name, int count, char *const *words) {
  int used = 0;
  while (*name) {
    size_t length = strcspn(name, " ");
    if (used == count || strlen(words[used]) != length || memcmp(words[used], name, length) != 0) return 0;
    used++;
    name += length + (name[length] == ' ');
  }
  return used;
}

const struct cli_command *command_by_words(int count, char *const *words, int *used) {
  for (size_t i = 0; commands[i]; i++) {
    *used = words_of_name(commands[i]->name, count, words);
    if (*used > 0) return commands[i];
  }
  return NULL;
}

void commands_print_help(FILE *out) {
  fputs("usage: cassette COMMAND [OPTION…] [OPERAND…]\n\n"
        "Cassette keeps medical images: DICOM in, folders out. A STORE is a folder that holds one archive.\n\n"
        "Commands:\n",
        out);
  for (size_t i = 0; commands[i]; i++) fprintf(out, "  %-15s %s\n", commands[i]->name, commands[i]->summary);
  fputs("\nWHAT is a path as `cassette ls` shows it, a Study, Series or SOP Instance UID, a Patient ID, or a\n"
        "query: Keyword=pattern[,Keyword=pattern…].\n"
        "`cassette COMMAND --help` says more about each; cassette(1) is the manual.\n",
        out);
}

static int dispatch(int count, char **words) {
  if (count == 0) {
    commands_print_help(stderr);
    return CLI_USAGE;
  }
  if (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0) {
    commands_print_help(stdout);
    return CLI_OK;
  }
  int used;
  const struct cli_command *command =
      strcmp(words[0], "--version") == 0 ? (used = 1, &command_version) : command_by_words(count, words, &used);
  if (!command) {
    cli_error("there is no command \"%s\"; `cassette help` lists them", words[0]);
    return CLI_USAGE;
  }
  struct cli_arguments arguments = {.command = command, .count = count - used + 1, .words = words + used - 1};
  return command->run(&arguments);
}

int main(int argc, char **argv) {
  if (transcode_child_is_meant(argv[0])) return transcode_child_run(argc, argv);
  heap_keep_buffers();
  /* Only how characters are classified: numbers and messages are the same everywhere. */
  if (!setlocale(LC_CTYPE, "") || strcmp(setlocale(LC_CTYPE, NULL), "C") == 0) setlocale(LC_CTYPE, "C.UTF-8");
  /* A reader that has seen enough must not kill a command that has a store open. */
  signal(SIGPIPE, SIG_IGN);
  int code = mount_helper_is_meant(argv[0]) ? mount_helper_run(argc, argv) : dispatch(argc - 1, argv + 1);
  errno = 0;
  bool failed = ferror(stdout) != 0;
  if (fclose(stdout) != 0) failed = true;
  if (!failed || code != CLI_OK) return code;
  if (errno != 0 && errno != EPIPE) cli_error("standard output: %s", strerror(errno));
  return CLI_IO;
}
