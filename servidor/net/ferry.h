/*
 * Carries datagrams between one end of a session in numbered mode (net/datagram) and the
 * socket that is connected to the other. It never waits.
 */
#ifndef NET_FERRY_H
#define NET_FERRY_H

#include <stdint.h>

#include "net/datagram.h"

struct ferry {
    struct datagram datagram;
    /*
     * Connected to the other end; the caller's. What strangers have sent to it before that has
     * no good sid, and means nothing.
     */
    int socket;
};

/* Sends what is due. */
void ferry_out(struct ferry *ferry, int64_t now_ms);

/* Takes in what has come, at most a window of it, so that a flood cannot hold its reader. */
void ferry_in(struct ferry *ferry, int64_t now_ms);

#endif
