/* See channel_plain.h. */
#include "net/channel_plain.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/clock.h"
#include "net/wipe.h"

/* How long after the last reply a repeated command (QUIT, say) is usually still answered. */
enum { LINGER_MS = 3000 };

/*
 * No client says the same so often. An echo does, or a server that answers like this one: two
 * such ends, brought together by a forged address, would repeat themselves for ever.
 */
enum { REPETITIONS_LIMIT = 100 };

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

/* The greeting is the reply to the hello. */
static int send_last_reply(struct channel_plain *udp)
{
    if (udp->reply_length > 0)
        return send_datagram(udp, udp->reply, udp->reply_length);
    return send_datagram(udp, udp->greeting, udp->greeting_length);
}

/* The peer has not heard the greeting, nor the reply to what its hello said as well. */
static void send_all_again(struct channel_plain *udp)
{
    if (udp->reply_length > 0)
        send_datagram(udp, udp->greeting, udp->greeting_length);
    send_last_reply(udp);
}

/* Something came again: what is to be sent again for it is sent. */
static void note_repetition(struct channel_plain *udp, enum plain_verdict verdict)
{
    unsigned replies = 0;

    if (++udp->repetitions > REPETITIONS_LIMIT) {
        udp->is_broken = true;
    } else if (verdict == PLAIN_AGAIN) {
        send_last_reply(udp);
        replies = 1;
    } else if (verdict == PLAIN_GREET) {
        send_all_again(udp);
        replies = udp->reply_length > 0 ? 2 : 1;
    }
    if (udp->repeated != NULL)
        udp->repeated(replies);
}

static void note_use(struct channel_plain *udp, size_t length)
{
    if (udp->most < length + PLAIN_LINE_END)
        udp->most = length + PLAIN_LINE_END;
}

/* Receives a datagram of the peer as lines. Their length, 0 if there was none, -1 with errno. */
static ssize_t receive_lines(struct channel_plain *udp)
{
    struct sockaddr_storage address = { 0 };
    struct peer source;
    socklen_t length = sizeof address;
    ssize_t got = recvfrom(udp->descriptor, udp->incoming, PLAIN_DATAGRAM_LIMIT, MSG_DONTWAIT,
                           (struct sockaddr *)&address, &length);

    /* Any other error is news of the network, which may come to itself. */
    if (got < 0) {
        udp->is_broken = errno == ECONNREFUSED;
        return udp->is_broken ? -1 : 0;
    }
    /* A stranger's datagram can slip in between bind(2) and connect(2). */
    note_use(udp, (size_t)got);
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
    udp->input_taken = 0;
    udp->repetitions = 0;
    plain_note_input(&udp->plain, udp->input, length);
}

/* Acts on a received datagram; returns true when it is new input. */
static bool judge_incoming(struct channel_plain *udp, size_t length)
{
    enum plain_verdict verdict = plain_judge(&udp->plain, udp->incoming, length);

    if (verdict == PLAIN_NEW)
        return true;
    note_repetition(udp, verdict);
    return false;
}

/* Waits for a datagram that is new input and takes it. 0, or -1 with errno. */
static int wait_for_input(struct channel_plain *udp, int64_t deadline_ms)
{
    while (!udp->is_broken) {
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
    errno = ECONNREFUSED;
    return -1;
}

static ssize_t plain_read(struct channel *channel, char *into, size_t room, int64_t deadline_ms)
{
    struct channel_plain *udp = of(channel);
    size_t left;

    if (udp->input_taken == udp->plain.input_length && wait_for_input(udp, deadline_ms) != 0)
        return -1;
    left = udp->plain.input_length - udp->input_taken;
    if (left > room)
        left = room;
    memcpy(into, udp->input + udp->input_taken, left);
    udp->input_taken += left;
    return (ssize_t)left;
}

/* Sends the reply that was put last: those before it left when it came. */
static int plain_flush(struct channel *channel)
{
    struct channel_plain *udp = of(channel);

    if (!udp->has_pending)
        return 0;
    udp->has_pending = false;
    return send_last_reply(udp);
}

static int plain_put(struct channel *channel, const char *reply, size_t length)
{
    struct channel_plain *udp = of(channel);

    if (plain_flush(channel) != 0)
        return -1;
    if (udp->greeting_length == 0) {
        memcpy(udp->greeting, reply, length);
        udp->greeting_length = length;
    } else {
        memcpy(udp->reply, reply, length);
        udp->reply_length = length;
    }
    udp->has_pending = true;
    plain_note_reply(&udp->plain, reply, length);
    return 0;
}

/* Answers repetitions of the last command for a while, unless the peer begins anew. */
static void linger(struct channel_plain *udp)
{
    int64_t deadline_ms = clock_now_ms() + udp->channel.linger_ms;
    ssize_t length;

    udp->is_lingering = true;
    while (!udp->is_broken && !udp->is_peer_back && !udp->channel.watch->is_leaving) {
        if (channel_wait(&udp->channel, udp->descriptor, CHANNEL_READABLE, deadline_ms) != 0) {
            if (errno != EINTR)
                return;
            continue;
        }
        length = receive_lines(udp);
        if (length > 0 && plain_is_hello_again(&udp->plain, udp->incoming, (size_t)length))
            udp->is_peer_back = true;
        else if (length > 0)
            judge_incoming(udp, (size_t)length);
    }
}

static void plain_close(struct channel *channel)
{
    struct channel_plain *udp = of(channel);

    plain_flush(channel);
    if (udp->plain.is_answered)
        linger(udp);
    close(udp->descriptor);
    wipe(udp->buffers[0], udp->most);
    wipe(udp->buffers[1], udp->most);
    wipe(udp->greeting, sizeof udp->greeting);
    wipe(udp->reply, sizeof udp->reply);
}

struct channel *channel_plain_open(struct channel_plain *udp, int descriptor,
                                   const struct peer *peer, struct channel_watch *watch)
{
    static const struct channel_ops ops = {
        .read = plain_read,
        .put = plain_put,
        .flush = plain_flush,
        .close = plain_close,
    };

    udp->channel.ops = &ops;
    udp->channel.watch = watch;
    udp->channel.protocol = "UDP (unnumbered)";
    udp->channel.patience_ms = 0;
    udp->channel.end_ms = CLOCK_NEVER;
    udp->channel.linger_ms = LINGER_MS;
    udp->plain = (struct plain){ .shares_port = false };
    udp->peer = *peer;
    udp->descriptor = descriptor;
    udp->is_broken = udp->is_lingering = udp->is_peer_back = udp->has_pending = false;
    udp->input = udp->buffers[0];
    udp->incoming = udp->buffers[1];
    udp->input_taken = udp->most = 0;
    udp->repetitions = 0;
    udp->greeting_length = udp->reply_length = 0;
    udp->repeated = NULL;
    return &udp->channel;
}

void channel_plain_take_hello(struct channel_plain *udp, const char *text, size_t length)
{
    if (length > PLAIN_DATAGRAM_LIMIT)
        length = PLAIN_DATAGRAM_LIMIT;
    note_use(udp, length);
    memcpy(udp->input, text, length);
    udp->plain.input = udp->input;
    udp->plain.input_length = plain_lines(udp->input, length);
}

void channel_plain_tell(struct channel_plain *udp, void (*repeated)(unsigned replies))
{
    udp->repeated = repeated;
}

void channel_plain_share_port(struct channel_plain *udp)
{
    udp->plain.shares_port = true;
}

void channel_plain_greet_again(struct channel_plain *udp)
{
    if (udp->is_lingering) {
        udp->is_peer_back = true;
        return;
    }
    note_repetition(udp, udp->plain.has_input ? PLAIN_IGNORE : PLAIN_GREET);
}
