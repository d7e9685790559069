/* See channel_udp.h. */
#include "net/channel_udp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/clock.h"

enum {
    PATIENCE_MS = 300000, /* while the peer has no room; if it is silent, the session dies first */
    LINGER_MS = 60000     /* for the last reply, if there is progress all the time */
};

static struct channel_udp *of(struct channel *channel)
{
    return (struct channel_udp *)channel;
}

/* Tells what there is more since it was told last, if there is. */
static void tell(struct channel_udp *udp)
{
    const struct datagram_tally *now = &udp->ferry.datagram.tally, *before = &udp->counted;
    struct datagram_tally more = {
        .sent = now->sent - before->sent,
        .resent = now->resent - before->resent,
        .repeated = now->repeated - before->repeated,
        .dropped = now->dropped - before->dropped,
    };

    if (udp->count != NULL && more.resent + more.repeated + more.dropped > 0) {
        udp->count(&more);
        udp->counted = *now;
    }
}

static bool has_ended(const struct channel_udp *udp)
{
    return udp->ferry.datagram.end != DATAGRAM_OPEN;
}

/*
 * Sends what is due, waits for what comes, until `deadline_ms` or for the time that the
 * datagrams want, and takes it in. 0, or -1 with errno as channel_wait().
 */
static int exchange(struct channel_udp *udp, int64_t deadline_ms)
{
    int64_t due_ms;

    ferry_out(&udp->ferry, clock_now_ms());
    if (has_ended(udp))
        return 0;
    due_ms = datagram_deadline(&udp->ferry.datagram);
    if (due_ms > deadline_ms)
        due_ms = deadline_ms;
    if (channel_wait(&udp->channel, udp->ferry.socket, CHANNEL_READABLE, due_ms) == 0)
        ferry_in(&udp->ferry, clock_now_ms());
    else if (errno != EINTR && (errno != ETIMEDOUT || due_ms == deadline_ms))
        return -1;
    tell(udp);
    return 0;
}

static ssize_t udp_read(struct channel *channel, char *into, size_t room, int64_t deadline_ms)
{
    struct channel_udp *udp = of(channel);
    size_t taken;

    datagram_push(&udp->ferry.datagram);
    while ((taken = datagram_take(&udp->ferry.datagram, into, room)) == 0) {
        if (has_ended(udp)) {
            errno = ECONNRESET;
            return udp->ferry.datagram.end == DATAGRAM_LEFT ? 0 : -1;
        }
        if (exchange(udp, deadline_ms) != 0)
            return -1;
    }
    ferry_out(&udp->ferry, clock_now_ms());
    return (ssize_t)taken;
}

static int udp_put(struct channel *channel, const char *reply, size_t length)
{
    struct channel_udp *udp = of(channel);
    int64_t deadline_ms = channel_send_deadline(channel);
    size_t put = 0;

    for (;;) {
        put += datagram_put(&udp->ferry.datagram, reply + put, length - put);
        if (put == length)
            return 0;
        if (has_ended(udp)) {
            errno = ECONNRESET;
            return -1;
        }
        if (exchange(udp, deadline_ms) != 0)
            return -1;
    }
}

static int udp_flush(struct channel *channel)
{
    struct channel_udp *udp = of(channel);

    datagram_push(&udp->ferry.datagram);
    ferry_out(&udp->ferry, clock_now_ms());
    return 0;
}

static void udp_hurry(struct channel *channel)
{
    datagram_hurry(&of(channel)->ferry.datagram);
}

/* The last reply rides in the last segment. */
static void udp_close(struct channel *channel)
{
    struct channel_udp *udp = of(channel);
    int64_t deadline_ms = clock_now_ms() + channel->linger_ms;
    bool is_going = true;

    while (is_going && !has_ended(udp)) {
        datagram_finish(&udp->ferry.datagram); /* once there is room for it */
        is_going = exchange(udp, deadline_ms) == 0;
    }
    ferry_out(&udp->ferry, clock_now_ms());
    tell(udp);
    channel->watch->served = NULL;
    close(udp->ferry.socket);
    datagram_forget(&udp->ferry.datagram);
}

static int udp_serve(struct channel *channel, int64_t *deadline_ms)
{
    struct channel_udp *udp = of(channel);
    int64_t due_ms;

    if (has_ended(udp))
        return -1;
    ferry_in(&udp->ferry, clock_now_ms());
    ferry_out(&udp->ferry, clock_now_ms());
    tell(udp);
    due_ms = datagram_deadline(&udp->ferry.datagram);
    if (due_ms < *deadline_ms)
        *deadline_ms = due_ms;
    return udp->ferry.socket;
}

struct channel *channel_udp_open(struct channel_udp *udp, int descriptor,
                                 const struct channel_udp_client *client,
                                 struct channel_watch *watch)
{
    static const struct channel_ops ops = {
        .read = udp_read,
        .put = udp_put,
        .flush = udp_flush,
        .hurry = udp_hurry,
        .close = udp_close,
        .serve = udp_serve,
    };
    const struct datagram_start start = {
        .side = DATAGRAM_SERVER,
        .sid = client->sid,
        .cn = client->cn,
        .window = SEGMENT_WINDOW,
        .peer_window = client->window,
        .seed = client->sid,
        .shares_port = client->shares_port,
    };

    udp->channel = (struct channel){ .ops = &ops, .watch = watch, .patience_ms = PATIENCE_MS,
                                     .end_ms = CLOCK_NEVER, .linger_ms = LINGER_MS };
    datagram_begin(&udp->ferry.datagram, &start, clock_now_ms());
    udp->ferry.socket = descriptor;
    udp->count = NULL;
    udp->counted = (struct datagram_tally){ 0 };
    watch->served = &udp->channel;
    return &udp->channel;
}

void channel_udp_tell(struct channel_udp *udp, void (*count)(const struct datagram_tally *))
{
    udp->count = count;
}
