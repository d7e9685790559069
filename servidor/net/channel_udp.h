/*
 * A channel over one UDP session in numbered mode, on a socket of its own. What goes through
 * it is what would go through a TCP connection: the rest is in net/datagram.
 */
#ifndef NET_CHANNEL_UDP_H
#define NET_CHANNEL_UDP_H

#include "net/channel.h"
#include "net/ferry.h"

struct channel_udp {
    struct channel channel;
    struct ferry ferry;
    void (*count)(const struct datagram_tally *more); /* NULL: nobody wants to know */
    struct datagram_tally counted; /* what `count` has been told of */
};

/* Whom a channel is for. */
struct channel_udp_client {
    uint64_t sid, cn;
    unsigned window; /* the client's */
    bool shares_port; /* `descriptor` is bound to the well-known port: hellos come here too */
};

/*
 * Makes a channel of `descriptor`, connected to the client, which it owns from then on. `watch`
 * must outlive it. Returns the channel within `udp`.
 */
struct channel *channel_udp_open(struct channel_udp *udp, int descriptor,
                                 const struct channel_udp_client *client,
                                 struct channel_watch *watch);

/* From now on `count` is told how much more was sent again, came again or was dropped. */
void channel_udp_tell(struct channel_udp *udp, void (*count)(const struct datagram_tally *));

#endif
