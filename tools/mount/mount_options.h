/*
 * The options of a mount: of `cassette mount -o`, of mount(8) and of the daemon's configuration, the same list with
 * commas.
 */
#ifndef MOUNT_OPTIONS_H
#define MOUNT_OPTIONS_H

#include "cassette/snapshot.h"
#include "fuse/mount.h"

/* Longest name of a user, as Linux has it. */
#define MOUNT_USER_MAX 32

/* Zero means the default everywhere. */
struct mount_settings {
  struct cas_mount_options mount;
  bool set_uid, set_gid;                    /* the owner that files show is in `mount`; default: who serves it */
  unsigned read_cache_mib;                  /* decoded pixels and headers that are kept; 0: the default */
  char snapshot[CAS_SNAPSHOT_NAME_MAX + 1]; /* "": the store as it is; "latest": one that is made for the mount */
  char user[MOUNT_USER_MAX + 1];            /* who serves the mount; "": who starts it */
};

/* Takes a list into `settings`; the text is cut in place. NULL, or the option that cannot be taken. Options of mount(8)
 * that change nothing here (ro, rw, nosuid, noauto, x-systemd.automount, …) are taken and left aside: the mount is
 * read-only in any case. */
const char *mount_options_parse(struct mount_settings *settings, char *list);

/* Room for mount_option_explain(). */
#define MOUNT_EXPLANATION_MAX 256

/* Says what is wrong with an option that could not be taken: there is none of that name, or which values it takes. */
void mount_option_explain(const char *option, char explanation[MOUNT_EXPLANATION_MAX]);

/* Takes a list of views ("patients,dates,uids"; ':' separates them as well). NULL, or the name that is none. */
const char *mount_views_parse(struct cas_mount_options *options, char *list);

/* The owner that files show, as the settings say or whoever this process is. */
void mount_options_own(const struct mount_settings *settings, struct cas_mount_options *options);

/* Takes the name of a snapshot; false where it cannot be one. */
bool mount_snapshot_parse(struct mount_settings *settings, const char *name);

#endif
