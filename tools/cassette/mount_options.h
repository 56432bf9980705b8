/*
 * The options of `cassette mount -o`, a list with commas as mount(8) passes it.
 */
#ifndef MOUNT_OPTIONS_H
#define MOUNT_OPTIONS_H

#include "fuse/mount.h"

/* Takes a list into `options`; the text is cut in place. NULL, or the option that cannot be taken. Options of mount(8)
 * that change nothing here (ro, rw, nosuid, …) are taken and left aside: the mount is read-only in any case. */
const char *mount_options_parse(struct cas_mount_options *options, char *list);

/* Takes a list of views ("patients,dates,uids"). NULL, or the name that is none. */
const char *mount_views_parse(struct cas_mount_options *options, char *list);

#endif
