/*
 * The responder: the process that answers the monitoring protocol. It waits for nothing but
 * its ports, so it answers however busy the workers are.
 */
#ifndef CORE_RESPONDER_H
#define CORE_RESPONDER_H

#include "core/server.h"

/* Lives as the responder of `server`, until told to end. */
void responder_live(struct server *server);

#endif
