/* What the daemon that holds a store says of itself. */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

#include <jansson.h>

/* The object of control_status(), a new reference; NULL where no daemon answers. */
json_t *daemon_state_get(const char *store_path);

#endif
