/* Owns the command line of cassetted. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "heap.h"
#include "transcode_child.h"

static const char usage[] =
    "usage: cassetted --store STORE [--aet TITLE] [--port PORT] [--bind ADDRESS] [--mount DIR] [--config FILE]\n"
    "\n"
    "Runs the archive: a DICOM storage node over a store, its mounted view, and the socket that cassette(1) uses.\n"
    "\n"
    "  --store STORE      the store, made by `cassette init`\n"
    "  --aet TITLE        our AE title (default CASSETTE)\n"
    "  --port PORT        TCP port (default 11112; 0: any free one, named when ready)\n"
    "  --bind ADDRESS     numeric address to listen on (default 127.0.0.1; 0.0.0.0 or :: for all)\n"
    "  --mount DIR        show the archive as folders in DIR, an existing folder\n"
    "  --config FILE      read settings from FILE; flags win over it; see cassetted.conf(5)\n"
    "  --set SECTION.KEY=VALUE  set any key of the configuration; may be repeated\n"
    "  --help, --version\n"
    "\n"
    "It stays in the foreground, says \"cassetted: ready\" on standard error when it serves, and stops on SIGTERM or\n"
    "SIGINT; SIGHUP opens a log file anew. Exit status: 0 stopped, 1 failure, 2 usage, configuration or no such "
    "store,\n"
    "3 the store or the port is in use.\n";

static const struct option long_options[] = {
    {"store", required_argument, NULL, 's'},
    {"aet", required_argument, NULL, 'a'},
    {"port", required_argument, NULL, 'p'},
    {"bind", required_argument, NULL, 'b'},
    {"mount", required_argument, NULL, 'm'},
    {"config", required_argument, NULL, 'c'},
    {"set", required_argument, NULL, 'S'},
    {"foreground", no_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

/* "section.key=value" */
static cas_status set_any(struct config *config, const char *argument, struct cas_error *error) {
  char text[CONFIG_LINE_BYTES_MAX];
  snprintf(text, sizeof text, "%s", argument);
  char *value = strchr(text, '=');
  if (value != NULL) *value = '\0';
  /* AE titles may have dots; in [peers] they are the key, in [peer TITLE] and [view TITLE] the section. */
  const bool titled = strncmp(text, "peer ", strlen("peer ")) == 0 || strncmp(text, "view ", strlen("view ")) == 0;
  char *key = titled ? strrchr(text, '.') : strchr(text, '.');
  if (value == NULL || key == NULL) {
    snprintf(error->message, sizeof error->message, "--set %s: not SECTION.KEY=VALUE", argument);
    return CAS_INVALID;
  }
  value++;
  *key++ = '\0';
  return config_set(config, text, key, value, error);
}

static cas_status apply(struct config *config, int flag, const char *value, struct cas_error *error) {
  switch (flag) {
  case 's': return config_set(config, "archive", "store", value, error);
  case 'a': return config_set(config, "dicom", "aet", value, error);
  case 'p': return config_set(config, "dicom", "port", value, error);
  case 'b': return config_set(config, "dicom", "bind", value, error);
  case 'm': return config_set(config, "mount", "folder", value, error);
  case 'S': return set_any(config, value, error);
  default: /* --config was read before; --foreground is how it always runs */ return CAS_OK;
  }
}

static int complain(const char *message) {
  fprintf(stderr, "cassetted: %s\ncassetted: see cassetted --help\n", message);
  return DAEMON_USAGE;
}

/* Finds the configuration file before any flag counts; -1: go on, else the exit status. */
static int scan(int argc, char **argv, const char **config_path) {
  int flag;
  while ((flag = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
    if (flag == '?') return complain("unknown flag");
    if (flag == 'c') *config_path = optarg;
    if (flag == 'h') return fputs(usage, stdout) < 0 ? DAEMON_FAILED : DAEMON_STOPPED;
    if (flag == 'v') return printf("cassetted %s\n", cas_version()) < 0 ? DAEMON_FAILED : DAEMON_STOPPED;
  }
  return optind < argc ? complain("there are no arguments but flags") : -1;
}

static cas_status configure(struct config *config, int argc, char **argv, const char *path, struct cas_error *error) {
  cas_status status = path != NULL ? config_load(config, path, error) : CAS_OK;
  optind = 0; /* getopt begins anew */
  int flag;
  while (status == CAS_OK && (flag = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
    status = apply(config, flag, optarg, error);
  }
  return status == CAS_OK ? config_complete(config, error) : status;
}

/* All threads inherit this: signals are read from a descriptor; a peer that went away, or a file that may not grow, is
 * an error, not a signal. */
static void block_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char **argv) {
  if (transcode_child_is_meant(argv[0])) return transcode_child_run(argc, argv);
  heap_keep_buffers();
  const char *path = NULL;
  const int ended = scan(argc, argv, &path);
  if (ended >= 0) return ended;
  struct config config = {0};
  struct cas_error error = {0};
  int result;
  if (configure(&config, argc, argv, path, &error) == CAS_OK) {
    block_signals();
    result = (int)daemon_run(&config);
  } else {
    result = complain(error.message);
  }
  config_fini(&config);
  return result;
}
