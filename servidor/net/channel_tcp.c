/* See channel_tcp.h. */
#include "net/channel_tcp.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/clock.h"
#include "net/wipe.h"

/* How long a closing channel usually reads what the peer still sends, and how much of it. */
enum { LINGER_MS = 2000, LINGER_OCTETS = 1 << 20 };

static struct channel_tcp *of(struct channel *channel)
{
    return (struct channel_tcp *)channel;
}

/* channel_wait() that goes on after news that need no stop. */
static int wait_for(struct channel *channel, int descriptor, enum channel_side side,
                    int64_t deadline_ms)
{
    int result;

    do
        result = channel_wait(channel, descriptor, side, deadline_ms);
    while (result != 0 && errno == EINTR);
    return result;
}

static bool is_transient(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static ssize_t tcp_read(struct channel *channel, char *into, size_t room, int64_t deadline_ms)
{
    ssize_t got;

    do {
        if (wait_for(channel, of(channel)->in, CHANNEL_READABLE, deadline_ms) != 0)
            return -1;
        got = read(of(channel)->in, into, room);
    } while (got < 0 && is_transient(errno));
    return got;
}

/* Who shall stop, or is out of time, waits no more, but says goodbye where that needs no wait. */
static bool takes_goodbye(int out)
{
    struct pollfd ready = { .fd = out, .events = POLLOUT };

    return (errno == ECANCELED || errno == ETIMEDOUT) && poll(&ready, 1, 0) > 0;
}

/*
 * Writes what goes without waiting. A socket can be told not to wait; of anything else, when it
 * is ready, a pipe takes this much.
 */
static ssize_t write_some(struct channel *channel, const char *octets, size_t length,
                          int64_t deadline_ms)
{
    int out = of(channel)->out;
    ssize_t put = send(out, octets, length, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (put >= 0 || errno != ENOTSOCK)
        return put;
    if (wait_for(channel, out, CHANNEL_WRITABLE, deadline_ms) != 0 && !takes_goodbye(out))
        return -1;
    return write(out, octets, length < _POSIX_PIPE_BUF ? length : _POSIX_PIPE_BUF);
}

static int send_pending(struct channel *channel)
{
    struct channel_tcp *tcp = of(channel);
    int64_t deadline_ms = channel_send_deadline(channel);
    size_t sent = 0;

    while (sent < tcp->pending_length) {
        ssize_t put = write_some(channel, tcp->pending + sent, tcp->pending_length - sent,
                                 deadline_ms);

        if (put >= 0)
            sent += (size_t)put;
        else if (!is_transient(errno) ||
                 wait_for(channel, tcp->out, CHANNEL_WRITABLE, deadline_ms) != 0)
            return -1;
    }
    return 0;
}

/* What a link that broke did not take is given up: sent again, it would stand there twice. */
static int tcp_flush(struct channel *channel)
{
    int result = of(channel)->pending_length == 0 ? 0 : send_pending(channel);

    wipe(of(channel)->pending, of(channel)->pending_length);
    of(channel)->pending_length = 0;
    return result;
}

static int tcp_put(struct channel *channel, const char *reply, size_t length)
{
    struct channel_tcp *tcp = of(channel);

    if (length > sizeof tcp->pending - tcp->pending_length && tcp_flush(channel) != 0)
        return -1;
    memcpy(tcp->pending + tcp->pending_length, reply, length);
    tcp->pending_length += length;
    return 0;
}

/*
 * A close with octets unread makes the system reset the connection, which can
 * destroy the last reply on its way: so they are read first, for a while.
 */
static void drain(struct channel *channel)
{
    char waste[4096];
    int64_t deadline_ms = clock_now_ms() + channel->linger_ms;
    size_t total = 0;
    ssize_t got;

    do {
        got = tcp_read(channel, waste, sizeof waste, deadline_ms);
        total += got > 0 ? (size_t)got : 0;
    } while (got > 0 && total < LINGER_OCTETS);
}

static bool has_unread(int in)
{
    char octet;

    return recv(in, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void tcp_close(struct channel *channel)
{
    struct channel_tcp *tcp = of(channel);

    tcp_flush(channel);
    if (has_unread(tcp->in) && shutdown(tcp->out, SHUT_WR) == 0)
        drain(channel);
    close(tcp->in);
    if (tcp->out != tcp->in)
        close(tcp->out);
}

struct channel *channel_tcp_open(struct channel_tcp *tcp, int in, int out,
                                 struct channel_watch *watch)
{
    static const struct channel_ops ops = {
        .read = tcp_read,
        .put = tcp_put,
        .flush = tcp_flush,
        .close = tcp_close,
    };

    tcp->channel.ops = &ops;
    tcp->channel.watch = watch;
    tcp->channel.protocol = NULL;
    tcp->channel.patience_ms = 0;
    tcp->channel.end_ms = CLOCK_NEVER;
    tcp->channel.linger_ms = LINGER_MS;
    tcp->in = in;
    tcp->out = out;
    tcp->pending_length = 0;
    return &tcp->channel;
}
