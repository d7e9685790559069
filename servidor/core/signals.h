/*
 * Signals: the one owner of sigaction(2). A handler only sets a mark. Signals are blocked
 * all the time but inside a wait, so that a mark can never be missed by a process about
 * to sleep; therefore no octet need be written to a pipe of its own.
 */
#ifndef CORE_SIGNALS_H
#define CORE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Who a process is decides what a signal means to it. */
enum signals_role {
    SIGNALS_MASTER = 1,
    SIGNALS_WORKER = 2,
    SIGNALS_SERVANT = 4, /* the door or the responder */
    SIGNALS_SINGLE = 8, /* servidor -s */
};

/* Marks, as bits. */
enum {
    SIGNALS_TERM = 1,  /* SIGTERM: end when the work at hand is done */
    SIGNALS_NOW = 2,   /* SIGINT (to the master), SIGQUIT: end at once */
    SIGNALS_HUP = 4,   /* SIGHUP: logs and settings again */
    SIGNALS_CHILD = 8, /* SIGCHLD */
    SIGNALS_HELLO = 16 /* SIGUSR1, door to worker: your peer said hello again */
};

/* Takes the role: what it does not know is ignored. Marks of an earlier role are gone. */
void signals_start(enum signals_role role);

/*
 * Ignores, in this process and its children, what would end them for a reader that has gone
 * (SIGPIPE) or a file at its limit (SIGXFSZ): the call that met it tells as well.
 */
void signals_spare(void);

/* Signals as a program expects them when it begins: none is caught, ignored or blocked. */
void signals_forget(void);

/*
 * Asks `mender` when memory of a mapped file cannot be touched (SIGBUS), in this process and its
 * children. Where it says false, the process ends by the signal.
 */
void signals_mend_memory(bool (*mender)(const void *address));

/* The marks set since the last call. They are cleared before they are returned. */
unsigned signals_take(void);

/* The mask to wait with, for pselect(2). */
void signals_waiting_mask(sigset_t *mask);

/*
 * Lets signals through (true), or not again. For a wait in accept(2) or recv(2), which take
 * no mask: a mark set just before it is seen when the call's own time is up.
 */
void signals_let_through(bool are_let_through);

/* Waits until one of the descriptors (-1: none) is readable, a signal comes or it is time. */
void signals_wait(int one, int other, int64_t deadline_ms);

#endif
