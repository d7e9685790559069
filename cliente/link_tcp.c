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
    struct link link; /* first, so that a link is found to be this */
    int socket;
    bool is_closed; /* by the server: link.error says how */
    struct inbox inbox;
    size_t out_used;
    char out[OUT_ROOM];
};

static int establish(int s, const struct peer *peer, int64_t deadline_ms)
{
    struct sockaddr_storage address;
    int family = peer->version == 6 ? AF_INET6 : AF_INET, error = 0;
    socklen_t length = peer_to_sockaddr(peer, family, &address);

    if (connect(s, (struct sockaddr *)&address, length) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return -1;
    length = sizeof error;
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
    int s = socket(peer->version == 6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0), one = 1, error;

    if (s == -1)
        return -1;
    /* Writes are as large as they get already: what Nagle's delay would gather is complete. */
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (link_never_block(s) == 0 && establish(s, peer, deadline_ms) == 0)
        return s;
    error = errno;
    close(s);
    errno = error;
    return -1;
}

/* Tries the addresses in turn. Returns a socket, or -1 after saying why not. */
static int connect_to_any(const struct link_target *target)
{
    struct peer peers[LINK_ADDRESSES];
    size_t i, count = link_resolve(target, peers);
    int64_t wait_ms = target->wait_ms < CONNECT_WAIT_MS ? target->wait_ms : CONNECT_WAIT_MS;
    int s;

    if (count == 0)
        return -1;
    for (i = 0; i < count; i++)
        if ((s = connect_to(&peers[i], clock_now_ms() + wait_ms)) != -1)
            return s;
    say("cannot connect to %s port %u: %s", target->host, (unsigned)target->port,
        strerror(errno));
    return -1;
}

static struct link *tcp_open(const struct link_target *target)
{
    struct tcp *tcp = calloc(1, sizeof *tcp);

    if (tcp == NULL) {
        say("no memory for a connection");
        return NULL;
    }
    tcp->socket = connect_to_any(target);
    if (tcp->socket == -1) {
        free(tcp);
        return NULL;
    }
    tcp->link.kind = &link_tcp;
    tcp->link.target = target;
    tcp->link.local_port = socket_port(tcp->socket);
    return &tcp->link;
}

static void tcp_close(struct link *link)
{
    struct tcp *tcp = (struct tcp *)link;

    close(tcp->socket);
    free(tcp);
}

/* Reads what has come, as far as there is room. */
static void fill(struct tcp *tcp)
{
    struct inbox *inbox = &tcp->inbox;
    ssize_t n;

    if (inbox_is_full(inbox))
        return;
    n = recv(tcp->socket, inbox->octets + inbox->used, sizeof inbox->octets - inbox->used, 0);
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

static enum link_result await(struct tcp *tcp, struct reply *reply)
{
    int64_t deadline_ms = clock_now_ms() + tcp->link.target->wait_ms;
    enum link_result result;

    while ((result = give(tcp, reply)) == LINK_SENT) {
        if (!link_wait(tcp->socket, POLLIN, deadline_ms))
            return LINK_SILENT;
        fill(tcp);
    }
    return result;
}

/* Sends some of what waits from `at` on. Returns how much it was. */
static size_t send_some(struct tcp *tcp, size_t at)
{
    ssize_t n = send(tcp->socket, tcp->out + at, tcp->out_used - at, MSG_NOSIGNAL);

    if (n < 0 && !link_is_passing(errno)) {
        tcp->is_closed = true;
        tcp->link.error = errno;
    }
    return n < 0 ? 0 : (size_t)n;
}

/* Sends all that waits, reading what comes. The wait begins anew with each progress. */
static enum link_result flush(struct tcp *tcp, struct reply *reply)
{
    int64_t deadline_ms = clock_now_ms() + tcp->link.target->wait_ms;
    size_t at = 0, sent;
    short ready;

    while (at < tcp->out_used) {
        ready = link_wait(tcp->socket, POLLIN | POLLOUT, deadline_ms);
        if (ready == 0)
            return LINK_SILENT;
        if (ready != POLLOUT)
            fill(tcp);
        if (tcp->is_closed || inbox_has_farewell(&tcp->inbox))
            return give(tcp, reply);
        if (inbox_is_full(&tcp->inbox))
            return LINK_NOISE;
        sent = (ready & POLLOUT) != 0 ? send_some(tcp, at) : 0;
        at += sent;
        if (sent > 0)
            deadline_ms = clock_now_ms() + tcp->link.target->wait_ms;
    }
    tcp->out_used = 0;
    return LINK_SENT;
}

static enum link_result put(struct tcp *tcp, const char *text, size_t length, struct reply *reply)
{
    enum link_result result;
    size_t part;

    while (length > 0) {
        if (tcp->out_used == sizeof tcp->out && (result = flush(tcp, reply)) != LINK_SENT)
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

static enum link_result tcp_greet(struct link *link, struct reply *reply)
{
    return await((struct tcp *)link, reply);
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

static enum link_result tcp_ask(struct link *link, const struct order *line, struct reply *reply)
{
    enum link_result result = tcp_text(link, line, reply);

    if (result == LINK_SENT)
        result = flush((struct tcp *)link, reply);
    return result == LINK_SENT ? await((struct tcp *)link, reply) : result;
}

const struct link_kind link_tcp = { .name = "TCP",
                                    .default_wait_ms = REPLY_WAIT_MS,
                                    .open = tcp_open,
                                    .greet = tcp_greet,
                                    .ask = tcp_ask,
                                    .text = tcp_text,
                                    .close = tcp_close };
