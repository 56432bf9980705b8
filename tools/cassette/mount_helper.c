/*
 * Owns nothing. Source: mount(8), "External helpers".
 */
#include "mount_helper.h"

#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "mount_service.h"

/* Exit statuses of mount(8). */
#define STATUS_USAGE 1
#define STATUS_FAILED 32

bool mount_helper_is_meant(const char *program) {
  const char *slash = strrchr(program, '/');
  return strncmp(slash ? slash + 1 : program, "mount.", strlen("mount.")) == 0;
}

static int usage(const char *what, const char *word) {
  cli_error("%s%s%s; usage: mount.fuse.cassette STORE DIR [-fnsv] [-o OPTION[,OPTION...]]", what, word[0] ? ": " : "",
            word);
  return STATUS_USAGE;
}

/* Takes the options of one -o; with `sloppy` those that are not known are left aside. */
static const char *take_options(struct mount_settings *settings, const char *list, bool sloppy, char wrong[128]) {
  CLI_FREE char *copy = strdup(list);
  char *rest = copy;
  for (char *option; (option = strsep(&rest, ","));) {
    snprintf(wrong, 128, "%s", option);
    if (strcmp(option, "remount") == 0) return wrong;
    if (mount_options_parse(settings, option) && !sloppy) return wrong;
  }
  return copy ? NULL : "no memory";
}

int mount_helper_run(int count, char **words) {
  struct mount_settings settings = {.user = ""};
  bool fake = false, sloppy = false, verbose = false;
  const char *lists[16]; /* mount(8) passes one */
  int list_count = 0, letter;
  while ((letter = getopt(count, words, "fnsvrwN:t:o:")) != -1) {
    fake = fake || letter == 'f';
    sloppy = sloppy || letter == 's';
    verbose = verbose || letter == 'v';
    if (letter == '?' || (letter == 'o' && list_count == 16)) return usage("wrong option", "");
    if (letter == 'o') lists[list_count++] = optarg;
  }
  if (count - optind != 2) return usage("a store and a folder are needed", "");
  for (int i = 0; i < list_count; i++) {
    char buffer[128];
    const char *wrong = take_options(&settings, lists[i], sloppy, buffer);
    if (wrong) {
      char explanation[MOUNT_EXPLANATION_MAX];
      mount_option_explain(wrong, explanation);
      return usage("cannot mount with this option", explanation);
    }
  }
  if (fake) return CLI_OK;
  int code = mount_service_run(&settings, words[optind], words[optind + 1], false, !verbose);
  return code == CLI_OK ? CLI_OK : STATUS_FAILED;
}
