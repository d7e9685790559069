/*
 * A channel over a byte stream: a TCP connection, or (servidor -s) the standard input
 * and output, whatever they are. Replies put one after the other leave in one write.
 */
#ifndef NET_CHANNEL_TCP_H
#define NET_CHANNEL_TCP_H

#include "net/channel.h"

enum { CHANNEL_TCP_PENDING = 8192 };

struct channel_tcp {
    struct channel channel;
    int in, out; /* the same descriptor for a connection */
    size_t pending_length;
    char pending[CHANNEL_TCP_PENDING];
};

/*
 * Makes a channel of `in` and `out`, which it owns from then on. `watch` must outlive
 * it. Returns the channel within `tcp`.
 */
struct channel *channel_tcp_open(struct channel_tcp *tcp, int in, int out,
                                 struct channel_watch *watch);

#endif
