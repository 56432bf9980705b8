/*
 * The process behind a mount: opens the store as a follower, mounts it, serves it until the end.
 *
 * Threads: to be called before there are any: it forks, and blocks signals.
 */
#ifndef MOUNT_SERVICE_H
#define MOUNT_SERVICE_H

#include "mount_options.h"

/*
 * Mounts the store at `store` on `folder`. In the foreground it returns when the mount has ended; else when it is
 * there, and a child process serves it. Returns the exit code; what went wrong was said on standard error, later in the
 * background to syslog(3). `quiet`: says nothing of what went well. Where the settings name a user, this process
 * becomes that user before it opens anything.
 */
int mount_service_run(struct mount_settings *settings, const char *store, const char *folder, bool foreground,
                      bool quiet);

#endif
