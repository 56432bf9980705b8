/* Owns the keys of mounts. */
#include "config_mounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"

#define OPTIONS_BYTES_MAX 1024u

enum mount_key { MOUNT_FOLDER, MOUNT_ALLOW_OTHER, MOUNT_OPTIONS };

static const char *const key_names[] = {
    [MOUNT_FOLDER] = "folder",
    [MOUNT_ALLOW_OTHER] = "allow_other",
    [MOUNT_OPTIONS] = "options",
};
#define KEY_COUNT (sizeof key_names / sizeof key_names[0])

bool config_mounts_own(const char *section) {
  return strcmp(section, "mount") == 0 || strncmp(section, "mount ", strlen("mount ")) == 0;
}

/* The entry of a name, made where there is none. NULL: no memory. */
static struct config_mount *entry_of(struct config *config, const char *name) {
  size_t index = 0;
  while (index < config->mount_count && strcmp(config->mounts[index].name, name) != 0) index++;
  if (index < config->mount_count) return &config->mounts[index];
  struct config_mount *mounts = realloc(config->mounts, (index + 1) * sizeof *mounts);
  if (mounts == NULL) return NULL;
  config->mounts = mounts;
  config->mount_count++;
  mounts[index] = (struct config_mount){.mark.line = config->line};
  snprintf(mounts[index].name, sizeof mounts[index].name, "%s", name);
  return &mounts[index];
}

static cas_status set_folder(struct config_mount *mount, const char *value, struct cas_error *error) {
  if (value[0] == '\0') return config_fail(error, CAS_INVALID, "folder: no value");
  char *folder = strdup(value);
  if (folder == NULL) return config_fail(error, CAS_NO_MEMORY, "configuration");
  free(mount->folder);
  mount->folder = folder;
  mount->settings.mount.mountpoint = folder;
  return CAS_OK;
}

static cas_status set_options(struct config_mount *mount, const char *value, struct cas_error *error) {
  char list[OPTIONS_BYTES_MAX];
  if ((size_t)snprintf(list, sizeof list, "%s", value) >= sizeof list)
    return config_fail(error, CAS_INVALID, "options: the value is too long");
  const char *wrong = mount_options_parse(&mount->settings, list);
  if (wrong != NULL) {
    char explanation[MOUNT_EXPLANATION_MAX];
    mount_option_explain(wrong, explanation);
    return config_fail(error, CAS_INVALID, "options: %s", explanation);
  }
  if (mount->settings.user[0] != '\0')
    return config_fail(error, CAS_INVALID, "options: setuid: the daemon serves its mounts as the user that it runs as");
  if (mount->settings.read_cache_mib != 0)
    return config_fail(error, CAS_INVALID, "options: read_cache_mib: it is a key of [engine], and for all");
  if (strcmp(mount->settings.snapshot, "latest") == 0)
    return config_fail(error, CAS_INVALID, "options: snapshot=latest: the daemon mounts snapshots that are there");
  return CAS_OK;
}

static cas_status set_value(struct config_mount *mount, enum mount_key key, const char *value,
                            struct cas_error *error) {
  switch (key) {
  case MOUNT_FOLDER: return set_folder(mount, value, error);
  case MOUNT_ALLOW_OTHER:
    if (config_parse_switch(value, &mount->settings.mount.allow_other)) return CAS_OK;
    return config_fail(error, CAS_INVALID, "allow_other: \"%.64s\" is neither yes nor no", value);
  case MOUNT_OPTIONS: return set_options(mount, value, error);
  }
  return config_fail(error, CAS_INVALID, "%s", key_names[key]);
}

cas_status config_mounts_set(struct config *config, const char *section, const char *key, const char *value, bool once,
                             struct cas_error *error) {
  const char *name = section + strlen("mount");
  name += strspn(name, " ");
  if (strlen(name) > MOUNT_NAME_MAX)
    return config_fail(error, CAS_INVALID, "the name of a mount has at most %u bytes", MOUNT_NAME_MAX);
  size_t found = 0;
  while (found < KEY_COUNT && strcmp(key_names[found], key) != 0) found++;
  if (found == KEY_COUNT) return config_fail(error, CAS_INVALID, "there is no key %.64s in [%.80s]", key, section);
  struct config_mount *mount = entry_of(config, name);
  if (mount == NULL) return config_fail(error, CAS_NO_MEMORY, "configuration");
  if (once && (mount->mark.seen & 1u << found) != 0) return config_fail(error, CAS_INVALID, "the key was given before");
  mount->mark.seen |= 1u << found;
  return set_value(mount, (enum mount_key)found, value, error);
}

cas_status config_mounts_complete(struct config *config, struct cas_error *error) {
  for (size_t i = 0; i < config->mount_count; i++) {
    const struct config_mount *mount = &config->mounts[i];
    char place[CONFIG_PLACE_BYTES];
    config_place(config, mount->mark.line, place);
    const char *blank = mount->name[0] != '\0' ? " " : "";
    if (mount->folder == NULL)
      return config_fail(error, CAS_INVALID, "%s[mount%s%s] has no folder", place, blank, mount->name);
    for (size_t j = 0; j < i; j++)
      if (strcmp(config->mounts[j].folder, mount->folder) == 0)
        return config_fail(error, CAS_INVALID, "%s[mount%s%s] has the folder of another mount", place, blank,
                           mount->name);
  }
  return CAS_OK;
}

void config_mounts_fini(struct config *config) {
  for (size_t i = 0; i < config->mount_count; i++) free(config->mounts[i].folder);
  free(config->mounts);
}
