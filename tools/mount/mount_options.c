/*
 * Owns nothing.
 */
#include "mount_options.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of mount(8), fstab(5) and systemd.mount(5). */
static const char *const ignored[] = {
    "ro",         "rw",       "suid",       "nosuid", "dev",     "nodev",       "exec",  "noexec", "atime",
    "noatime",    "diratime", "nodiratime", "sync",   "async",   "dirsync",     "auto",  "noauto", "relatime",
    "norelatime", "user",     "nouser",     "users",  "owner",   "strictatime", "group", "silent", "nostrictatime",
    "loud",       "lazytime", "nolazytime", "nofail", "_netdev", "defaults",    NULL};
static const char *const ignored_beginnings[] = {"x-", "X-", "comment=", "uhelper=", "helper=", NULL};

static bool parse_number(const char *text, int base, unsigned long most, unsigned long *number) {
  char *end;
  errno = 0;
  *number = strtoul(text, &end, base);
  return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *number <= most;
}

/* A number, or the name of a user. */
static bool parse_user(const char *text, unsigned long *number) {
  if (parse_number(text, 10, UINT32_MAX, number)) return true;
  const struct passwd *entry = getpwnam(text);
  if (entry) *number = entry->pw_uid;
  return entry != NULL;
}

static bool parse_group(const char *text, unsigned long *number) {
  if (parse_number(text, 10, UINT32_MAX, number)) return true;
  const struct group *entry = getgrnam(text);
  if (entry) *number = entry->gr_gid;
  return entry != NULL;
}

static bool take_text(char *to, size_t size, const char *value) {
  size_t length = strlen(value);
  if (length == 0 || length >= size) return false;
  memcpy(to, value, length + 1);
  return true;
}

/* What is for group and others; the owner may always read. */
static void take_umask(struct cas_mount_options *options, unsigned long mask) {
  options->file_mode = 0444 & ~(uint32_t)mask;
  options->folder_mode = 0555 & ~(uint32_t)mask;
}

static bool take_xattr(struct cas_mount_options *options, const char *value) {
  if (strcmp(value, "listed") == 0)
    options->xattr = CAS_MOUNT_XATTR_LISTED;
  else if (strcmp(value, "unlisted") == 0)
    options->xattr = CAS_MOUNT_XATTR_UNLISTED;
  else if (strcmp(value, "none") == 0)
    options->xattr = CAS_MOUNT_XATTR_NONE;
  else
    return false;
  return true;
}

static bool take_shards(enum cas_mount_shards *shards, const char *value, bool months) {
  if (strcmp(value, "none") == 0)
    *shards = CAS_MOUNT_SHARDS_NONE;
  else if (strcmp(value, "hash1") == 0)
    *shards = CAS_MOUNT_SHARDS_HASH1;
  else if (strcmp(value, "hash2") == 0)
    *shards = CAS_MOUNT_SHARDS_HASH2;
  else if (months && strcmp(value, "month") == 0)
    *shards = CAS_MOUNT_SHARDS_MONTH;
  else
    return false;
  return true;
}

/* An option of the mount itself with a value; false if there is none of that name, or the value is wrong. */
static bool take_value(struct mount_settings *settings, const char *name, char *value) {
  struct cas_mount_options *options = &settings->mount;
  unsigned long number;
  if (strcmp(name, "uid") == 0 && parse_user(value, &number)) {
    options->uid = (uint32_t)number;
    settings->set_uid = true;
  } else if (strcmp(name, "gid") == 0 && parse_group(value, &number)) {
    options->gid = (uint32_t)number;
    settings->set_gid = true;
  } else if (strcmp(name, "file_mode") == 0 && parse_number(value, 8, 0777, &number)) {
    options->file_mode = (uint32_t)number;
  } else if (strcmp(name, "folder_mode") == 0 && parse_number(value, 8, 0777, &number)) {
    options->folder_mode = (uint32_t)number;
  } else if (strcmp(name, "umask") == 0 && parse_number(value, 8, 0077, &number)) {
    take_umask(options, number);
  } else if (strcmp(name, "threads") == 0 && parse_number(value, 10, 64, &number) && number > 0) {
    options->threads = (unsigned)number;
  } else if (strcmp(name, "refresh_ms") == 0 && parse_number(value, 10, 3600000, &number) && number > 0) {
    options->refresh_ms = (uint32_t)number;
  } else if (strcmp(name, "read_cache_mib") == 0 && parse_number(value, 10, 65536, &number) && number > 0) {
    settings->read_cache_mib = (unsigned)number;
  } else if (strcmp(name, "known_names") == 0 && parse_number(value, 10, 100000000, &number) && number >= 1000) {
    options->known_max = (uint32_t)number;
  } else {
    return false;
  }
  return true;
}

static bool is_ignored(const char *option) {
  for (size_t i = 0; ignored[i]; i++)
    if (strcmp(option, ignored[i]) == 0) return true;
  for (size_t i = 0; ignored_beginnings[i]; i++)
    if (strncmp(option, ignored_beginnings[i], strlen(ignored_beginnings[i])) == 0) return true;
  return false;
}

static bool take_named(struct mount_settings *settings, const char *name, char *value) {
  if (strcmp(name, "xattr") == 0) return take_xattr(&settings->mount, value);
  if (strcmp(name, "shard_patients") == 0) return take_shards(&settings->mount.patient_shards, value, true);
  if (strcmp(name, "shard_uids") == 0) return take_shards(&settings->mount.uid_shards, value, false);
  if (strcmp(name, "snapshot") == 0) return mount_snapshot_parse(settings, value);
  if (strcmp(name, "view") == 0) {
    char *list = strdup(value); /* which is cut in place, and the caller may have to show the value */
    bool taken = list != NULL && mount_views_parse(&settings->mount, list) == NULL;
    free(list);
    return taken;
  }
  if (strcmp(name, "setuid") == 0)
    return take_text(settings->user, sizeof settings->user, value) && getpwnam(value) != NULL;
  return take_value(settings, name, value);
}

static bool take(struct mount_settings *settings, char *option) {
  if (is_ignored(option)) return true;
  char *equals = strchr(option, '=');
  if (equals) {
    *equals = '\0';
    bool taken = take_named(settings, option, equals + 1);
    *equals = '=';
    return taken;
  }
  if (strcmp(option, "allow_other") == 0) return settings->mount.allow_other = true;
  if (strcmp(option, "no_auto_unmount") == 0) return settings->mount.no_auto_unmount = true;
  if (strcmp(option, "no_prune") == 0) return settings->mount.no_prune = true;
  if (strcmp(option, "no_xattr") == 0) {
    settings->mount.xattr = CAS_MOUNT_XATTR_NONE;
    return true;
  }
  return false;
}

const char *mount_options_parse(struct mount_settings *settings, char *list) {
  for (char *option; (option = strsep(&list, ","));)
    if (option[0] && !take(settings, option)) return option;
  return NULL;
}

void mount_option_explain(const char *option, char explanation[MOUNT_EXPLANATION_MAX]) {
  static const struct {
    const char *name, *values;
  } valued[] = {{"uid", "a user's name or number"},
                {"gid", "a group's name or number"},
                {"file_mode", "an octal number up to 777"},
                {"folder_mode", "an octal number up to 777"},
                {"umask", "an octal number up to 077"},
                {"threads", "1 to 64"},
                {"refresh_ms", "1 to 3600000"},
                {"read_cache_mib", "1 to 65536"},
                {"known_names", "1000 to 100000000"},
                {"xattr", "listed, unlisted or none"},
                {"shard_patients", "none, hash1, hash2 or month"},
                {"shard_uids", "none, hash1 or hash2"},
                {"snapshot", "a snapshot's name, or latest"},
                {"view", "patients, dates, uids, snapshots, with ':' between"},
                {"setuid", "a user's name"}};
  const size_t name_size = strcspn(option, "=");
  const char *values = NULL;
  for (size_t i = 0; i < sizeof valued / sizeof valued[0]; i++)
    if (strlen(valued[i].name) == name_size && strncmp(option, valued[i].name, name_size) == 0)
      values = valued[i].values;
  if (values == NULL)
    snprintf(explanation, MOUNT_EXPLANATION_MAX, "\"%.64s\" is no option of a mount", option);
  else
    snprintf(explanation, MOUNT_EXPLANATION_MAX, "\"%.64s\": the values of %.*s are: %s", option, (int)name_size,
             option, values);
}

const char *mount_views_parse(struct cas_mount_options *options, char *list) {
  static const struct {
    const char *name;
    unsigned bit;
  } views[] = {{"patients", CAS_MOUNT_PATIENTS},
               {"dates", CAS_MOUNT_DATES},
               {"uids", CAS_MOUNT_UIDS},
               {"snapshots", CAS_MOUNT_SNAPSHOTS}};
  for (char *name; (name = strsep(&list, ",:"));) {
    unsigned bit = 0;
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
      if (strcmp(name, views[i].name) == 0) bit = views[i].bit;
    if (!bit) return name;
    options->views |= bit;
  }
  return NULL;
}

void mount_options_own(const struct mount_settings *settings, struct cas_mount_options *options) {
  options->set_owner = settings->set_uid || settings->set_gid;
  if (!settings->set_uid) options->uid = geteuid();
  if (!settings->set_gid) options->gid = getegid();
}

bool mount_snapshot_parse(struct mount_settings *settings, const char *name) {
  return take_text(settings->snapshot, sizeof settings->snapshot, name);
}
