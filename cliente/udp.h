/*
 * The socket of a dialogue over UDP, and whom it asks for a session: what the two modes
 * have in common. Nothing here waits.
 */
#ifndef CLIENTE_UDP_H
#define CLIENTE_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "link.h"

struct udp {
    int socket, family;
    const struct link_target *target; /* its peers may answer the hello, from any port */
    struct peer heard; /* who sent the datagram that was received last */
};

/*
 * Binds a socket to a free port. `target` must outlive it. Returns 0, and the caller closes
 * udp->socket; or -1 with errno after saying why not.
 */
int udp_open(struct udp *udp, const struct link_target *target);

/* Sends a datagram to `peer`, while the socket is not connected. False with errno. */
bool udp_send(const struct udp *udp, const struct peer *peer, const char *octets, size_t length);

/* Takes a datagram; what does not fit in `room` is lost. Its length, or -1 with errno. */
ssize_t udp_receive(struct udp *udp, char *into, size_t room);

/* Did the last one come from an address that was asked? */
bool udp_is_asked(const struct udp *udp);

/* From now on the socket hears nobody but who sent the last one. Returns 0, or -1 with errno. */
int udp_follow(const struct udp *udp);

#endif
