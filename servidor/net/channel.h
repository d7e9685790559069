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

/*
 * What may end a wait besides the peer. The owner of the process sets it up and
 * embeds it; `stirred` runs after a signal, or the end of file of `lifeline`,
 * interrupted a wait, and changes the other fields.
 */
struct channel_watch {
    sigset_t waiting;  /* the signal mask during a wait: lets through what is blocked outside */
    int lifeline;      /* end of file here is news; -1 for none */
    bool is_leaving;   /* the session may go on, but nothing is waited for after it */
    bool is_stopping;  /* the session must end now */
    void (*stirred)(struct channel_watch *watch);
};

struct channel;

struct channel_ops {
    ssize_t (*read)(struct channel *, char *into, size_t room, int64_t deadline_ms);
    int (*put)(struct channel *, const char *reply, size_t length);
    int (*flush)(struct channel *);
    void (*close)(struct channel *);
};

struct channel {
    const struct channel_ops *ops;
    struct channel_watch *watch;
    const char *protocol; /* how mail comes, for its trace field; NULL: as SMTP itself says it */
    int patience_ms; /* how long a peer may leave its replies unread */
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

/* Sends what has been put. Call it before whatever may take long. 0, or -1 with errno. */
static inline int channel_flush(struct channel *channel)
{
    return channel->ops->flush(channel);
}

/* Sends what has been put, closes the descriptors, and sees to it that the last reply arrives. */
static inline void channel_close(struct channel *channel)
{
    channel->ops->close(channel);
}

/*
 * Lets in the signals that wait behind the mask, as `waiting` allows; true if one came. For the
 * beginning of every wait: pselect(2) with a descriptor that is ready returns without letting
 * them in, and a client that always has something ready would make the process deaf.
 */
bool channel_let_signals_in(const sigset_t *waiting);

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
