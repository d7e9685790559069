/* Every port of the server, opened while the user still looks. */
#ifndef PORTS_H
#define PORTS_H

#include <stdbool.h>

#include "core/server.h"

/*
 * Opens the ports that `server->config` asks for, and writes the real numbers there. Where
 * `is_after_crash`, the processes of a dead master may need a moment to let them go. 0; or -1
 * after saying on standard error what is not to be had.
 */
int ports_open(struct server *server, bool is_after_crash);

/*
 * Looks whether the open ports still work. One that does not is closed, and opened anew when this
 * is called again, and again, until it can be; meanwhile its descriptor is -1. Each loss is said on
 * standard error, and why the port cannot be had again, once. True if a descriptor has changed.
 */
bool ports_mend(struct server *server);

#endif
