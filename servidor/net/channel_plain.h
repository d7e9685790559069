/*
 * A channel over one UDP session in plain mode (net/plain.h): a socket of its own,
 * connected to the peer. A reply is a datagram; a repeated command gets its reply
 * again and goes no further, so the session above sees each command once.
 */
#ifndef NET_CHANNEL_PLAIN_H
#define NET_CHANNEL_PLAIN_H

#include "net/channel.h"
#include "net/peer.h"
#include "net/plain.h"

struct channel_plain {
    struct channel channel;
    struct plain plain;
    struct peer peer;
    int descriptor;
    bool is_broken;    /* the peer's port is closed, or what is there is no client */
    bool is_lingering; /* the session is over but for repetitions of its last command */
    bool is_peer_back; /* while lingering: the peer has begun anew */
    char *input, *incoming; /* the last datagram taken, and room for the next: buffers below */
    size_t input_taken;     /* octets of the input that have been read */
    unsigned repetitions;   /* since the last input */
    size_t most;            /* octets of a buffer that were used at some time */
    bool has_pending;       /* the reply was put and not yet sent */
    void (*repeated)(unsigned replies); /* NULL, or is told of a datagram that came again */
    size_t greeting_length, reply_length;
    char greeting[CHANNEL_REPLY_LIMIT], reply[CHANNEL_REPLY_LIMIT];
    char buffers[2][PLAIN_DATAGRAM_LIMIT + PLAIN_LINE_END];
};

/*
 * Makes a channel of `descriptor`, connected to `peer`, which it owns from then on. `watch`
 * must outlive it. Returns the channel in `udp`.
 */
struct channel *channel_plain_open(struct channel_plain *udp, int descriptor,
                                   const struct peer *peer, struct channel_watch *watch);

/*
 * From now on `repeated` is told of each datagram that came again, and how many replies were
 * sent again for it.
 */
void channel_plain_tell(struct channel_plain *udp, void (*repeated)(unsigned replies));

/* The descriptor is bound to the well-known port: hellos come here too. */
void channel_plain_share_port(struct channel_plain *udp);

/* Takes the text of a hello (PLAIN_HELLO_TEXT) as the first input of the session. */
void channel_plain_take_hello(struct channel_plain *udp, const char *text, size_t length);

/*
 * The peer said hello again at the well-known port. If it has said nothing since, the
 * greeting was lost and is sent again; if the session is over, it wants a new one, and the
 * channel need not linger; else the hello is an old one and means nothing.
 */
void channel_plain_greet_again(struct channel_plain *udp);

#endif
