/*
 * A channel carries one session: octets in, whole replies out. What is
 * below it, a connection or datagrams, is not seen from above. A channel waits,
 * so it is where the process may be told to stop: the watch says how.
 */
#ifndef NET_CHANNEL_H
#define NET_CHANNEL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The longest reply, all its lines together, that channel_put() takes. */
enum { CHANNEL_REPLY_LIMIT = 2048 };

struct channel;

/*
 * What may end a wait besides the peer. The owner of the process sets it up and
 * embeds it; `stirred` runs after a signal, or the end of file of `lifeline`,
 * interrupted a wait, and changes the fields above it.
 */
struct channel_watch {
    sigset_t waiting;  /* the signal mask during a wait: lets through what is blocked outside */
    int lifeline;      /* end of file here is news; -1 for none */
    bool is_leaving;   /* the session may go on, but nothing is waited for after it */
    bool is_stopping;  /* the session must end now */
    void (*stirred)(struct channel_watch *watch);
    unsigned waits;         /* the channel's own */
    struct channel *served; /* set by a channel that has a `serve`, NULL: none has */
};

struct channel_ops {
    ssize_t (*read)(struct channel *, char *into, size_t room, int64_t deadline_ms);
    int (*put)(struct channel *, const char *reply, size_t length);
    int (*flush)(struct channel *);
    void (*close)(struct channel *);
    void (*hurry)(struct channel *); /* see channel_settle(); NULL: there is nothing else to send */
    int (*serve)(struct channel *, int64_t *deadline_ms); /* NULL: channel_serve() is not for it */
};

struct channel {
    const struct channel_ops *ops;
    struct channel_watch *watch;
    const char *protocol; /* how mail comes, for its trace field; NULL: as SMTP itself says it */
    int patience_ms; /* how long a peer may leave its replies unread */
    int64_t end_ms;  /* beyond this it may not, however little it leaves each time */
    int linger_ms;   /* how long a close may take to see the last reply arrive */
};

/*
 * Waits until the peer has sent something, then takes up to `room` octets of it.
 * Returns their number, 0 at the end of the peer's stream, or -1 with errno:
 * ETIMEDOUT at `deadline_ms` (clock_now_ms()), ECANCELED when the watch says
 * stop, anything else when the link is broken.
 */
static inline ssize_t channel_read(struct channel *channel, char *into, size_t room,
                                   int64_t deadline_ms)
{
    return channel->ops->read(channel, into, room, deadline_ms);
}

/*
 * Takes one whole reply (at most CHANNEL_REPLY_LIMIT octets, CRLF included) to be
 * sent no later than the next flush. 0, or -1 with errno.
 */
static inline int channel_put(struct channel *channel, const char *reply, size_t length)
{
    return channel->ops->put(channel, reply, length);
}

/* Sends what has been put. Call it before each wait. 0, or -1 with errno. */
static inline int channel_flush(struct channel *channel)
{
    return channel->ops->flush(channel);
}

/*
 * The same, before whatever may take long: what else the peer should know by then, such as how
 * much of its own has arrived, does not wait either.
 */
static inline int channel_settle(struct channel *channel)
{
    if (channel->ops->hurry != NULL)
        channel->ops->hurry(channel);
    return channel_flush(channel);
}

/* Sends what has been put, closes the descriptors, and sees to it that the last reply arrives. */
static inline void channel_close(struct channel *channel)
{
    channel->ops->close(channel);
}

/*
 * For whoever waits, while a session lasts, for something other than its peer: datagrams must be
 * acknowledged and sent again meanwhile. Does what is due. Returns a descriptor: call it again
 * when that is readable, and at `*deadline_ms`, which is made earlier if need be. -1: there is
 * nothing to serve.
 */
static inline int channel_serve(struct channel_watch *watch, int64_t *deadline_ms)
{
    return watch->served == NULL ? -1 : watch->served->ops->serve(watch->served, deadline_ms);
}

/*
 * Lets in the signals that wait behind the mask, as `waiting` allows; true if one came. For who
 * waits again and again: pselect(2) with a descriptor that is ready returns without letting
 * them in, and a client that always has something ready would make the process deaf.
 */
bool channel_let_signals_in(const sigset_t *waiting);

/* For the channels themselves: until when a reply that is sent from now on may wait to be read. */
int64_t channel_send_deadline(const struct channel *channel);

/* What channel_wait() waits for. */
enum channel_side { CHANNEL_READABLE, CHANNEL_WRITABLE };

/*
 * For the channels themselves: waits until `descriptor` is ready. 0, or -1 with
 * ETIMEDOUT, or ECANCELED when the watch says stop. EINTR is returned after the
 * watch was stirred without having to stop, so that a caller can see its news.
 */
int channel_wait(struct channel *channel, int descriptor, enum channel_side side,
                 int64_t deadline_ms);

#endif
