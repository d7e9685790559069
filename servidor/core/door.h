/*
 * The door: the process that owns the well-known UDP port. It believes or refuses a hello
 * and hands it to one idle UDP worker; it never waits for a worker. Of a client in numbered
 * mode it keeps nothing before it has shown a cookie.
 */
#ifndef CORE_DOOR_H
#define CORE_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/server.h"
#include "net/peer.h"
#include "net/plain.h"

/* What the door sends to a worker: one record of the socket pair. */
struct hello {
    struct peer peer;
    bool is_numbered;    /* asks for the numbered mode; the next three are for that alone */
    unsigned window;
    uint64_t sid, cn;
    int64_t received_ms; /* clock_now_ms() */
    uint64_t length;     /* of text: what a plain hello said that is input too, or 0 */
    char text[PLAIN_DATAGRAM_LIMIT];
};

/* The octets of a record before its text. */
enum { HELLO_HEAD = offsetof(struct hello, text) };

/*
 * A plain hello that waited longer for a worker is dropped: it is said again, and taken then. One
 * of the numbered mode is not taken again before RECEPTION_MEMORY_MS, so it may wait as long.
 */
enum { HELLO_LIFE_MS = 3000 };

/*
 * A text that is both hello and session can be over before its copy comes in another datagram:
 * is `hello` such a copy, or a new beginning? A blank hello always begins anew.
 */
bool hello_is_copy(const struct hello *hello, int except);

/* Lives as the door until told to end, or until the master is gone. */
void door_live(struct server *server);

#endif
