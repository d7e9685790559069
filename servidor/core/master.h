/*
 * The master: forks and supervises, and reads no client's octet.
 */
#ifndef CORE_MASTER_H
#define CORE_MASTER_H

#include "core/server.h"

struct master_hooks {
    /* Reads the settings again into `config`. False if they stay; why is said on standard error. */
    bool (*reload)(struct config *config);
    /* All children are born; `server` can be connected to. */
    void (*ready)(struct server *server);
    /*
     * Looks after the ports, once a second: one that works no longer is -1 from then on, until it
     * could be opened anew. True if there was such news, which children do not know.
     */
    bool (*mend_ports)(struct server *server);
};

/*
 * Makes what master_run() needs for `server`, whose counters are started. 0, or -1 with
 * errno. Both arguments must outlive the server.
 */
int master_prepare(struct server *server, const struct master_hooks *hooks);

/* Runs the prepared server until it is told to end and its sessions are over. */
void master_run(void);

#endif
