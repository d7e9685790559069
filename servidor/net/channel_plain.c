/* See channel_plain.h. */
#include "net/channel_plain.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/clock.h"

/* How long after the last reply a repeated command (QUIT, say) is still answered. */
enum { LINGER_MS = 3000 };

static struct channel_plain *of(struct channel *channel)
{
    return (struct channel_plain *)channel;
}

/*
 * A send that reports ECONNREFUSED tells of an earlier datagram and has sent nothing,
 * so it is tried once more. Every other failure is as good as a lost datagram.
 */
static int send_datagram(struct channel_plain *udp, const char *octets, size_t length)
{
    int tries;

    for (tries = 0; tries < 2; tries++)
        if (send(udp->descriptor, octets, length, MSG_NOSIGNAL) >= 0 || errno != ECONNREFUSED)
            return 0;
    udp->is_broken = true;
    errno = ECONNREFUSED;
    return -1;
}

static void send_again(struct channel_plain *udp)
{
    if (!udp->plain.has_input)
        send_datagram(udp, udp->greeting, udp->greeting_length);
    if (udp->reply_length > 0)
        send_datagram(udp, udp->reply, udp->reply_length);
}

/* Receives a datagram of the peer as lines. Their length, 0 if there was none, -1 with errno. */
static ssize_t receive_lines(struct channel_plain *udp)
{
    struct sockaddr_storage address = { 0 };
    struct peer source;
    socklen_t length = sizeof address;
    ssize_t got = recvfrom(udp->descriptor, udp->incoming, PLAIN_DATAGRAM_LIMIT, MSG_DONTWAIT,
                           (struct sockaddr *)&address, &length);

    if (got < 0 && errno == ECONNREFUSED)
        udp->is_broken = true;
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    /* A stranger's datagram can slip in between bind(2) and connect(2). */
    peer_from_sockaddr(&source, (struct sockaddr *)&address);
    if (!peer_is_same(&source, &udp->peer))
        return 0;
    return (ssize_t)plain_lines(udp->incoming, (size_t)got);
}

static void take_incoming(struct channel_plain *udp, size_t length)
{
    char *spare = udp->input;

    udp->input = udp->incoming;
    udp->incoming = spare;
    udp->input_length = length;
    udp->input_taken = 0;
    plain_note_input(&udp->plain);
}

/* Acts on a received datagram; returns true when it is new input. */
static bool judge_incoming(struct channel_plain *udp, size_t length)
{
    switch (plain_judge(&udp->plain, udp->input, udp->input_length, udp->incoming, length)) {
    case PLAIN_AGAIN:
    case PLAIN_GREET:
        send_again(udp);
        return false;
    case PLAIN_IGNORE:
        return false;
    case PLAIN_NEW:
        break;
    }
    return true;
}

/* Waits for a datagram that is new input and takes it. 0, or -1 with errno. */
static int wait_for_input(struct channel_plain *udp, int64_t deadline_ms)
{
    for (;;) {
        ssize_t length;

        if (channel_wait(&udp->channel, udp->descriptor, CHANNEL_READABLE, deadline_ms) != 0) {
            if (errno != EINTR)
                return -1;
            continue;
        }
        length = receive_lines(udp);
        if (length < 0)
            return -1;
        if (length > 0 && judge_incoming(udp, (size_t)length)) {
            take_incoming(udp, (size_t)length);
            return 0;
        }
    }
}

static ssize_t plain_read(struct channel *channel, char *into, size_t room, int64_t deadline_ms)
{
    struct channel_plain *udp = of(channel);
    size_t left;

    if (udp->input_taken == udp->input_length && wait_for_input(udp, deadline_ms) != 0)
        return -1;
    left = udp->input_length - udp->input_taken;
    if (left > room)
        left = room;
    memcpy(into, udp->input + udp->input_taken, left);
    udp->input_taken += left;
    return (ssize_t)left;
}

static int plain_put(struct channel *channel, const char *reply, size_t length)
{
    struct channel_plain *udp = of(channel);

    if (udp->greeting_length == 0) {
        memcpy(udp->greeting, reply, length);
        udp->greeting_length = length;
    } else {
        memcpy(udp->reply, reply, length);
        udp->reply_length = length;
    }
    plain_note_reply(&udp->plain, reply, length);
    return send_datagram(udp, reply, length);
}

/* A reply is sent when it is put. */
static int plain_flush(struct channel *channel)
{
    (void)channel;
    return 0;
}

/* Answers repetitions of the last command until all is quiet, or something else comes. */
static void linger(struct channel_plain *udp)
{
    int64_t deadline_ms = clock_now_ms() + LINGER_MS;
    ssize_t length;

    udp->is_lingering = true;
    while (!udp->is_broken && !udp->is_peer_back && !udp->channel.watch->is_leaving) {
        if (channel_wait(&udp->channel, udp->descriptor, CHANNEL_READABLE, deadline_ms) != 0) {
            if (errno != EINTR)
                return;
            continue;
        }
        length = receive_lines(udp);
        if (length > 0 && judge_incoming(udp, (size_t)length))
            return;
    }
}

static void plain_close(struct channel *channel)
{
    struct channel_plain *udp = of(channel);

    if (udp->plain.is_answered)
        linger(udp);
    close(udp->descriptor);
}

struct channel *channel_plain_open(struct channel_plain *udp, int descriptor,
                                   const struct peer *peer, bool shares_port,
                                   struct channel_watch *watch)
{
    static const struct channel_ops ops = { plain_read, plain_put, plain_flush, plain_close };

    udp->channel.ops = &ops;
    udp->channel.watch = watch;
    udp->channel.patience_ms = 0;
    udp->plain = (struct plain){ .shares_port = shares_port };
    udp->peer = *peer;
    udp->descriptor = descriptor;
    udp->is_broken = udp->is_lingering = udp->is_peer_back = false;
    udp->input = udp->buffers[0];
    udp->incoming = udp->buffers[1];
    udp->input_length = udp->input_taken = 0;
    udp->greeting_length = udp->reply_length = 0;
    return &udp->channel;
}

void channel_plain_take_hello(struct channel_plain *udp, const char *text, size_t length)
{
    if (length > PLAIN_DATAGRAM_LIMIT)
        length = PLAIN_DATAGRAM_LIMIT;
    memcpy(udp->input, text, length);
    udp->input_length = plain_lines(udp->input, length);
}

void channel_plain_greet_again(struct channel_plain *udp)
{
    if (udp->is_lingering)
        udp->is_peer_back = true;
    else if (!udp->plain.has_input)
        send_again(udp);
}
