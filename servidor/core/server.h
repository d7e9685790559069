/*
 * What the master opens before it forks and every child inherits.
 */
#ifndef CORE_SERVER_H
#define CORE_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/config.h"
#include "net/siphash.h"

/* The monitor has a port, or, where only this host may ask, one of each loopback address. */
enum { SERVER_MONITORS = 2 };

struct server {
    struct config config;
    pid_t master;
    unsigned char key[SIPHASH_KEY]; /* random; for the door's cookies, whichever process it is */
    int parent;      /* who waits for our word, in the background; else -1 */
    int listener;    /* TCP: the workers' */
    int datagrams;   /* UDP, the well-known port: the door's */
    int monitors[SERVER_MONITORS]; /* UDP, the responder's; -1: none */
    int hellos[2];   /* UDP workers receive at [0] what the door sends at [1] */
    int wake[2];     /* an octet written to [1] wakes the master, who reads at [0] */
    int lifeline[2]; /* only the master holds [1]: at its death [0] comes to its end */
};

/*
 * Closes all of these descriptors but the `kept` ones, and those that it has closed before. A
 * port that a child held without need would stay taken after the master's death.
 */
void server_keep(const struct server *server, const int *kept, int count);

/* Stops the listener for all who have it, if this process has it (socket_stop_listening()). */
void server_stop_listening(const struct server *server);

/* Has the master died? */
bool server_is_orphaned(const struct server *server);

#endif
