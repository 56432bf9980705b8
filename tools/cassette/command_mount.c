/*
 * cassette mount: the store as a read-only file system, in a process of its own that follows the store.
 */
#include <string.h>

#include "commands.h"
#include "mount_service.h"

#define KEY_ALLOW_OTHER 256
#define KEY_VIEW 257
#define KEY_SNAPSHOT 258

static const struct cli_option options[] = {
    {'f', "foreground", NULL, "stay in the foreground until unmounted or interrupted"},
    {KEY_ALLOW_OTHER, "allow-other", NULL, "let other users in"},
    {KEY_VIEW, "view", "LIST",
     "of patients,dates,uids,snapshots: the top folders (default: all; snapshots found by name, not listed)"},
    {KEY_SNAPSHOT, "snapshot", "NAME", "show this snapshot; \"latest\" makes one, until the end of the mount"},
    {'o', "options", "LIST",
     "allow_other, no_auto_unmount, no_xattr, xattr=, shard_patients=, shard_uids=, view=, snapshot=, uid=, gid=, "
     "umask=, file_mode=, folder_mode=, "
     "setuid=, threads=, refresh_ms=, known_names=, no_prune, read_cache_mib="},
    {0},
};

static int complain(struct cli_arguments *arguments, const char *wrong) {
  char explanation[MOUNT_EXPLANATION_MAX];
  mount_option_explain(wrong, explanation);
  return cli_usage(arguments, "%s", explanation);
}

static int read_option(struct cli_arguments *arguments, struct mount_settings *settings, int key) {
  CLI_FREE char *list = strdup(arguments->value ? arguments->value : "");
  const char *wrong = NULL;
  if (!list) return cli_fail("mount", CAS_NO_MEMORY, NULL);
  if (key == KEY_ALLOW_OTHER) settings->mount.allow_other = true;
  if (key == KEY_VIEW && (wrong = mount_views_parse(&settings->mount, list)))
    return cli_usage(arguments, "\"%s\" is no view: patients, dates, uids, snapshots", wrong);
  if (key == KEY_SNAPSHOT && !mount_snapshot_parse(settings, list))
    return cli_usage(arguments, "\"%s\" is no snapshot", arguments->value);
  if (key == 'o' && (wrong = mount_options_parse(settings, list))) return complain(arguments, wrong);
  return CLI_OK;
}

static int run(struct cli_arguments *arguments) {
  struct mount_settings settings = {.user = ""};
  bool foreground = false;
  int key, code;
  while ((key = cli_option(arguments)) > 0) {
    foreground = foreground || key == 'f';
    if ((code = read_option(arguments, &settings, key)) != CLI_OK) return code;
  }
  if (key < 0) return arguments->exit_code;
  return mount_service_run(&settings, arguments->operands[0], arguments->operands[1], foreground, false);
}

const struct cli_command command_mount = {
    .name = "mount",
    .operands = "STORE DIR",
    .summary = "Show a store as read-only folders and files",
    .details = "Goes to the background once the mount is there. What arrives later appears by itself.\n"
               "To unmount: fusermount3 -u DIR, or stop the process.\n",
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run,
};
