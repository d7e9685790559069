/*
 * The clients that the relay knows, and their sockets. A client has one socket towards the
 * server, so that the server sees one address for it, and on its own side a branch for each
 * other port that the server has answered from: a socket that the client sees in that port's
 * place. Answers from the server's first port come from the relay's own.
 */
#ifndef RELAY_CLIENTS_H
#define RELAY_CLIENTS_H

#include <stddef.h>
#include <stdint.h>

#include "net/peer.h"

enum {
    CLIENTS_LIMIT = 1024,
    CLIENTS_BRANCHES = 4,
    CLIENTS_SOCKETS = CLIENTS_LIMIT * (1 + CLIENTS_BRANCHES),
    CLIENTS_IDLE_MS = 120000, /* then a client is forgotten */
};

struct branch {
    int socket; /* connected to the client */
    uint16_t server_port; /* 0: there is no such branch */
    int64_t used_ms;
};

struct client {
    struct peer peer; /* of version 0: there is no such client */
    int up;           /* the socket towards the server */
    int64_t used_ms;
    struct branch branches[CLIENTS_BRANCHES];
};

struct clients {
    struct client list[CLIENTS_LIMIT]; /* a client stays where it is */
    size_t end;                        /* behind the last one that there ever was */
};

/* The client of this address and port, which may be new; NULL if one more finds no room. */
struct client *clients_find(struct clients *clients, const struct peer *peer, int64_t now_ms);

/*
 * The client's branch for this port of the server, which may be new. If there are too many, the
 * one that was not used for longest is closed. NULL if the system has no socket for it.
 */
struct branch *clients_branch(struct client *client, uint16_t server_port, int64_t now_ms);

/* Forgets who was idle for too long, and closes their sockets. */
void clients_forget(struct clients *clients, int64_t now_ms);

#endif
