/*
 * mount.fuse.cassette: what mount(8) runs for the type fuse.cassette.
 */
#ifndef MOUNT_HELPER_H
#define MOUNT_HELPER_H

#include <stdbool.h>

/* Whether the program was called by the helper's name. */
bool mount_helper_is_meant(const char *program);

/*
 * Mounts as mount(8) asks: `mount.fuse.cassette STORE DIR [-fnsvrw] [-N namespace] [-t type] [-o options]`. Returns
 * when the mount is there, with an exit status of mount(8): 0, 1 for a wrong command line, 32 where the mount failed;
 * the reason was said on standard error.
 */
int mount_helper_run(int count, char **words);

#endif
