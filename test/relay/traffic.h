/*
 * The traffic through the relay: what comes on any of its sockets is given a fate, is held for
 * as long as that says, and goes on to the other side.
 */
#ifndef RELAY_TRAFFIC_H
#define RELAY_TRAFFIC_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients.h"
#include "fate.h"
#include "held.h"
#include "net/peer.h"

enum {
    TRAFFIC_DELAY_LIMIT_MS = 60000,
    TRAFFIC_ROOM = 65536,             /* of a datagram; UDP has none that fills it */
    TRAFFIC_POLLS = 2 + CLIENTS_SOCKETS, /* the end's and the relay's own besides */
};

struct traffic_plan {
    struct fate_odds odds;
    uint64_t seed;
    bool is_verbose; /* a line on standard error for each datagram */
    struct peer server;
};

/* What has happened one way; came - dropped + doubled = sent + unsent. */
struct traffic_total {
    uint64_t came, dropped, doubled, sent;
    uint64_t unsent; /* no room for it here, or the system would not send it */
};

/* Whose socket it is that poll(2) looks at. */
struct ear {
    struct client *client; /* NULL: the relay's own */
    struct branch *branch; /* NULL: the client's towards the server */
};

struct traffic {
    struct traffic_plan plan;
    int front; /* the relay's own socket, which the clients know */
    int family;
    int64_t begun_ms, swept_ms;
    uint64_t streams[WAYS];
    struct traffic_total totals[WAYS];
    struct clients clients;
    struct heap heap;
    struct pollfd polls[TRAFFIC_POLLS];
    struct ear ears[TRAFFIC_POLLS];
    char octets[TRAFFIC_ROOM]; /* of the datagram in hand */
};

/* Begins in `traffic`, which is all zeros, with the relay's socket `front`. */
void traffic_begin(struct traffic *traffic, const struct traffic_plan *plan, int front);

/*
 * Relays until `end`, a descriptor, can be read. What is held then counts as unsent. Returns 0,
 * or -1 with errno if it cannot go on.
 */
int traffic_run(struct traffic *traffic, int end);

#endif
