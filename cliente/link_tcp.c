/*
 * The link over TCP. Text is packed into large writes, and whatever the server
 * says meanwhile is read, so that neither side can wait for the other for ever.
 * It never raises SIGPIPE.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inbox.h"
#include "link.h"
#include "net/clock.h"
#include "net/socket.h"
#include "orders.h"
#include "say.h"

enum {
    REPLY_WAIT_MS = 300000,  /* five minutes, RFC 5321 section 4.5.3.2 */
    CONNECT_WAIT_MS = 30000, /* at most, for each address: the next one may answer at once */
    OUT_ROOM = 65536
};

struct tcp {
    struct link link;   /* first, so that a link is found to be this */
    size_t next_peer;   /* of the target's, if this one cannot be reached */
    bool is_under_way;  /* the connection was asked for, and nothing was heard of it yet */
    int64_t reached_ms; /* when it was asked for */
    bool is_hasty;      /* Nagle's delay is off */
    bool is_closed;     /* by the server: link.error says how */
    size_t out_used;
    struct inbox inbox;
    char out[OUT_ROOM];
};

/* Asks for a connection. Returns a socket that never blocks, or -1 with errno. */
static int call(const struct peer *peer)
{
    struct sockaddr_storage address;
    int family = peer->version == 6 ? AF_INET6 : AF_INET, s = link_stream(family), error;
    socklen_t length = peer_to_sockaddr(peer, family, &address);

    if (s == -1 || connect(s, (struct sockaddr *)&address, length) == 0 || errno == EINPROGRESS)
        return s;
    error = errno;
    close(s);
    errno = error;
    return -1;
}

/* Waits for a connection that was asked for. Returns 0, or -1 with errno. */
static int settle(int s, int64_t deadline_ms)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (!link_wait(s, POLLOUT, deadline_ms))
        error = ETIMEDOUT;
    else if (getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return -1;
    errno = error;
    return error == 0 ? 0 : -1;
}

/* Returns a connected socket that never blocks, or -1 with errno. */
static int connect_to(const struct peer *peer, int64_t deadline_ms)
{
    int s = call(peer), error;

    if (s == -1 || settle(s, deadline_ms) == 0)
        return s;
    error = errno;
    close(s);
    errno = error;
    return -1;
}

/* Tries the addresses in turn. Returns a socket, or -1 with errno. */
static int connect_to_any(const struct link_target *target)
{
    int64_t wait_ms = target->wait_ms < CONNECT_WAIT_MS ? target->wait_ms : CONNECT_WAIT_MS;
    size_t i;
    int s = -1;

    for (i = 0; i < target->peer_count && s == -1; i++)
        s = connect_to(&target->peers[i], clock_now_ms() + wait_ms);
    return s;
}

/* Calls the address that is next, or one behind it. Returns 0, or -1 with errno. */
static int reach_next(struct tcp *tcp)
{
    const struct link_target *target = tcp->link.target;

    tcp->link.socket = -1;
    tcp->is_under_way = true;
    while (tcp->link.socket == -1 && tcp->next_peer < target->peer_count)
        tcp->link.socket = call(&target->peers[tcp->next_peer++]);
    return tcp->link.socket == -1 ? -1 : 0;
}

/*
 * Makes a link without a socket. Its buffers are not touched: there may be thousands of links,
 * or one after the other. Returns NULL with errno after saying so.
 */
static struct tcp *make(const struct link_target *target)
{
    struct tcp *tcp = malloc(sizeof *tcp);

    if (tcp == NULL) {
        say("no memory for a connection");
        return NULL;
    }
    tcp->link = (struct link){ .kind = &link_tcp, .target = target };
    tcp->next_peer = 0;
    tcp->is_under_way = tcp->is_hasty = tcp->is_closed = false;
    tcp->reached_ms = clock_now_ms();
    tcp->inbox.taken = tcp->inbox.used = tcp->out_used = 0;
    return tcp;
}

/* There is no connection, as errno tells. Returns NULL, and errno as it was. */
static struct link *refuse(struct tcp *tcp)
{
    const struct link_target *target = tcp->link.target;
    int error = errno;

    say("cannot connect to %s port %u: %s", target->host, (unsigned)target->port,
        strerror(error));
    free(tcp);
    errno = error;
    return NULL;
}

static struct link *tcp_open(const struct link_target *target)
{
    struct tcp *tcp = make(target);

    if (tcp == NULL)
        return NULL;
    tcp->link.socket = connect_to_any(target);
    if (tcp->link.socket == -1)
        return refuse(tcp);
    tcp->link.local_port = socket_port(tcp->link.socket);
    return &tcp->link;
}

static struct link *tcp_reach(const struct link_target *target)
{
    struct tcp *tcp = make(target);

    if (tcp == NULL)
        return NULL;
    return reach_next(tcp) == 0 ? &tcp->link : refuse(tcp);
}

static void tcp_close(struct link *link)
{
    struct tcp *tcp = (struct tcp *)link;

    close(tcp->link.socket);
    free(tcp);
}

/* Reads what has come, as far as there is room. */
static void fill(struct tcp *tcp)
{
    struct inbox *inbox = &tcp->inbox;
    ssize_t n;

    if (inbox_is_full(inbox))
        return;
    n = recv(tcp->link.socket, inbox->octets + inbox->used, sizeof inbox->octets - inbox->used, 0);
    if (n > 0) {
        inbox->used += (size_t)n;
    } else if (n == 0 || !link_is_passing(errno)) {
        tcp->is_closed = true;
        tcp->link.error = n == 0 ? 0 : errno;
    }
}

/* Gives out the reply that was read; LINK_SENT if it is not all there yet. */
static enum link_result give(struct tcp *tcp, struct reply *reply)
{
    enum link_result result = inbox_give(&tcp->inbox, reply);

    return result == LINK_SENT && tcp->is_closed ? LINK_GONE : result;
}

static enum link_result await(struct tcp *tcp, int64_t deadline_ms, struct reply *reply)
{
    enum link_result result;

    while ((result = give(tcp, reply)) == LINK_SENT) {
        if (!link_wait(tcp->link.socket, POLLIN, deadline_ms))
            return LINK_SILENT;
        fill(tcp);
    }
    return result;
}

/* Sends some of what waits from `at` on. Returns how much it was. */
static size_t send_some(struct tcp *tcp, size_t at)
{
    ssize_t n = send(tcp->link.socket, tcp->out + at, tcp->out_used - at, MSG_NOSIGNAL);

    if (n < 0 && !link_is_passing(errno)) {
        tcp->is_closed = true;
        tcp->link.error = errno;
    }
    return n < 0 ? 0 : (size_t)n;
}

/* Sending failed. What the server said before it left may be there still. */
static enum link_result hear_the_last(struct tcp *tcp, struct reply *reply)
{
    int error = tcp->link.error;
    enum link_result result;

    fill(tcp);
    result = give(tcp, reply);
    if (result == LINK_GONE)
        tcp->link.error = error;
    return result;
}

/* Waits until more can be sent, reading what comes. LINK_SENT: it can, or something was read. */
static enum link_result wait_for_room(struct tcp *tcp, int64_t deadline_ms, struct reply *reply)
{
    short ready = link_wait(tcp->link.socket, POLLIN | POLLOUT, deadline_ms);

    if (ready == 0)
        return LINK_SILENT;
    if (ready != POLLOUT)
        fill(tcp);
    if (tcp->is_closed || inbox_has_farewell(&tcp->inbox))
        return give(tcp, reply);
    return inbox_is_full(&tcp->inbox) ? LINK_NOISE : LINK_SENT;
}

/* Sends all that waits. The wait for room begins anew with each progress. */
static enum link_result flush(struct tcp *tcp, struct reply *reply)
{
    int64_t deadline_ms = clock_now_ms() + tcp->link.target->wait_ms;
    enum link_result result;
    size_t at = 0, sent;

    while (at < tcp->out_used) {
        sent = send_some(tcp, at);
        at += sent;
        if (tcp->is_closed)
            return hear_the_last(tcp, reply);
        if (sent > 0)
            deadline_ms = clock_now_ms() + tcp->link.target->wait_ms;
        if (at < tcp->out_used && (result = wait_for_room(tcp, deadline_ms, reply)) != LINK_SENT)
            return result;
    }
    tcp->out_used = 0;
    return LINK_SENT;
}

/*
 * Sends what fills the room though more will follow: Nagle's delay would now wait for the
 * server's acknowledgement, which waits for more of us. While no reply is waited for, this is
 * where a server's last word is heard.
 */
static enum link_result flush_part(struct tcp *tcp, struct reply *reply)
{
    int64_t deadline_ms = clock_now_ms() + tcp->link.target->wait_ms;
    enum link_result result;
    int one = 1;

    if (!tcp->is_hasty)
        setsockopt(tcp->link.socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    tcp->is_hasty = true;
    result = wait_for_room(tcp, deadline_ms, reply);
    return result == LINK_SENT ? flush(tcp, reply) : result;
}

static enum link_result put(struct tcp *tcp, const char *text, size_t length, struct reply *reply)
{
    enum link_result result;
    size_t part;

    while (length > 0) {
        if (tcp->out_used == sizeof tcp->out && (result = flush_part(tcp, reply)) != LINK_SENT)
            return result;
        part = sizeof tcp->out - tcp->out_used;
        if (part > length)
            part = length;
        memcpy(tcp->out + tcp->out_used, text, part);
        tcp->out_used += part;
        text += part;
        length -= part;
    }
    return LINK_SENT;
}

/* Was this connection never had? Then another address may be better. */
static bool is_unreached(const struct tcp *tcp, enum link_result result)
{
    int error = tcp->link.error;

    return tcp->is_under_way && result == LINK_GONE &&
           (error == ECONNREFUSED || error == ETIMEDOUT || error == EHOSTUNREACH ||
            error == ENETUNREACH);
}

/* Waits for the greeting of a connection that was asked for, by one address or the next. */
static enum link_result greet_under_way(struct tcp *tcp, int64_t deadline_ms, struct reply *reply)
{
    enum link_result result;

    while (is_unreached(tcp, result = await(tcp, deadline_ms, reply))) {
        if (tcp->next_peer == tcp->link.target->peer_count)
            return LINK_UNSENT;
        close(tcp->link.socket);
        tcp->is_closed = false;
        if (reach_next(tcp) != 0) {
            tcp->link.error = errno;
            return LINK_UNSENT;
        }
    }
    if (result != LINK_SILENT || link_wait(tcp->link.socket, POLLOUT, clock_now_ms() + 1))
        return result;
    tcp->link.error = ETIMEDOUT;
    return LINK_UNSENT;
}

static enum link_result tcp_greet(struct link *link, struct reply *reply)
{
    struct tcp *tcp = (struct tcp *)link;
    int64_t wait_ms = link->target->wait_ms;
    enum link_result result;

    if (!tcp->is_under_way)
        return await(tcp, clock_now_ms() + wait_ms, reply);
    result = greet_under_way(tcp, tcp->reached_ms + wait_ms, reply);
    tcp->is_under_way = false;
    return result;
}

static enum link_result tcp_text(struct link *link, const struct order *line, struct reply *reply)
{
    struct tcp *tcp = (struct tcp *)link;
    enum link_result result;

    inbox_drop(&tcp->inbox);
    link->sends = 1;
    result = put(tcp, line->text, line->length, reply);
    return result == LINK_SENT ? put(tcp, "\r\n", 2, reply) : result;
}

static enum link_result tcp_hear(struct link *link, struct reply *reply)
{
    struct tcp *tcp = (struct tcp *)link;
    enum link_result result;

    inbox_drop(&tcp->inbox);
    result = flush(tcp, reply);
    if (result == LINK_SENT)
        result = await(tcp, clock_now_ms() + link->target->wait_ms, reply);
    return result;
}

static enum link_result tcp_ask(struct link *link, const struct order *line, struct reply *reply)
{
    enum link_result result = tcp_text(link, line, reply);

    return result == LINK_SENT ? tcp_hear(link, reply) : result;
}

const struct link_kind link_tcp = { .name = "TCP",
                                    .default_wait_ms = REPLY_WAIT_MS,
                                    .open = tcp_open,
                                    .reach = tcp_reach,
                                    .greet = tcp_greet,
                                    .ask = tcp_ask,
                                    .text = tcp_text,
                                    .hear = tcp_hear,
                                    .close = tcp_close };
