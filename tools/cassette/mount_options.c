/*
 * The options of `cassette mount -o`.
 */
#include "mount_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const ignored[] = {"ro",     "rw",    "suid",    "nosuid",   "dev",    "nodev",   "exec",
                                      "noexec", "atime", "noatime", "relatime", "sync",   "async",   "auto",
                                      "noauto", "user",  "users",   "defaults", "nofail", "_netdev", NULL};

static bool parse_number(const char *text, int base, unsigned long most, unsigned long *number) {
  char *end;
  errno = 0;
  *number = strtoul(text, &end, base);
  return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *number <= most;
}

/* An option with a value; false if there is none of that name, or the value is wrong. */
static bool take_value(struct cas_mount_options *options, const char *name, const char *value) {
  unsigned long number;
  if (strcmp(name, "uid") == 0 && parse_number(value, 10, UINT32_MAX, &number)) {
    options->uid = (uint32_t)number;
    options->set_owner = true;
  } else if (strcmp(name, "gid") == 0 && parse_number(value, 10, UINT32_MAX, &number)) {
    options->gid = (uint32_t)number;
    options->set_owner = true;
  } else if (strcmp(name, "file_mode") == 0 && parse_number(value, 8, 0777, &number)) {
    options->file_mode = (uint32_t)number;
  } else if (strcmp(name, "folder_mode") == 0 && parse_number(value, 8, 0777, &number)) {
    options->folder_mode = (uint32_t)number;
  } else if (strcmp(name, "threads") == 0 && parse_number(value, 10, 64, &number) && number > 0) {
    options->threads = (unsigned)number;
  } else if (strcmp(name, "refresh_ms") == 0 && parse_number(value, 10, 3600000, &number) && number > 0) {
    options->refresh_ms = (uint32_t)number;
  } else {
    return false;
  }
  return true;
}

static bool take(struct cas_mount_options *options, char *option) {
  char *equals = strchr(option, '=');
  if (equals) {
    *equals = '\0';
    bool taken = take_value(options, option, equals + 1);
    *equals = '=';
    return taken;
  }
  if (strcmp(option, "allow_other") == 0) return options->allow_other = true;
  if (strcmp(option, "no_auto_unmount") == 0) return options->no_auto_unmount = true;
  if (strcmp(option, "no_xattr") == 0) return options->no_xattr = true;
  for (size_t i = 0; ignored[i]; i++)
    if (strcmp(option, ignored[i]) == 0) return true;
  return false;
}

const char *mount_options_parse(struct cas_mount_options *options, char *list) {
  for (char *option; (option = strsep(&list, ","));)
    if (option[0] && !take(options, option)) return option;
  return NULL;
}

const char *mount_views_parse(struct cas_mount_options *options, char *list) {
  static const struct {
    const char *name;
    unsigned bit;
  } views[] = {{"patients", CAS_MOUNT_PATIENTS},
               {"dates", CAS_MOUNT_DATES},
               {"uids", CAS_MOUNT_UIDS},
               {"snapshots", CAS_MOUNT_SNAPSHOTS}};
  for (char *name; (name = strsep(&list, ","));) {
    unsigned bit = 0;
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
      if (strcmp(name, views[i].name) == 0) bit = views[i].bit;
    if (!bit) return name;
    options->views |= bit;
  }
  return NULL;
}
