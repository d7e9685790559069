/*
 * A worker: a process that waits for a session, has it, and waits for the next, up to
 * the setting sessions-per-worker.
 */
#ifndef CORE_WORKER_H
#define CORE_WORKER_H

#include "core/server.h"
#include "watch/counters.h"

/*
 * What is the same in all workers is done once, before the first: done in each, it takes a page
 * of memory more of each session.
 */
void worker_prepare(void);

/*
 * Lives as the worker of `slot` until it has had its sessions, is told to leave, or the
 * master is gone; a session that has begun is finished first.
 */
void worker_live(struct server *server, int slot, enum transport transport);

/* servidor -s: one session on standard input and output, in this process. */
void worker_single(struct server *server);

#endif
