/*
 * The master: forks and supervises, and reads no client's octet.
 */
#ifndef CORE_MASTER_H
#define CORE_MASTER_H

#include "core/server.h"

struct master_hooks {
    /*
     * Reads the settings again into `config`; false, having said why on standard error,
     * leaves it as it was.
     */
    bool (*reload)(struct config *config);
    /* All children are born; `server` can be connected to. */
    void (*ready)(struct server *server);
};

/*
 * Runs the server, whose sockets are open and whose counters are started, until it is told
 * to end and the sessions are over. 0, or -1 with errno when it could not begin.
 */
int master_run(struct server *server, const struct master_hooks *hooks);

#endif
