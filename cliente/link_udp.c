/*
 * The link over UDP in plain mode: a line a datagram, a command repeated until it
 * is answered. The server answers the hello from a port of its own for this
 * session, and the link follows it there. Lines of text are never answered, so the
 * loss of one cannot be seen; what this file owes them is order and pace.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "net/clock.h"
#include "net/socket.h"
#include "net/text.h"
#include "orders.h"
#include "patience.h"
#include "reply.h"
#include "say.h"

enum {
    FIRST_WAIT_MS = 1000,
    REFUSALS = 2,       /* in a row: then nobody is there */
    DRAIN_LIMIT = 1024, /* datagrams that one pause throws away: more is an attack */

    /*
     * Nothing tells the sender that the receiver's buffer is full: what does not fit
     * is gone. A usual buffer holds some 250 short lines, so a quarter of it is sent
     * at a time, with a pause in which a busy server gets its turn to read.
     */
    BURST_LINES = 64,
    PAUSE_MS = 4,

    OUT_ROOM = 65536
};

struct udp {
    struct link link; /* first, so that a link is found to be this */
    int socket, family;
    struct peer asked[LINK_ADDRESSES]; /* who may answer the hello, from any port */
    size_t asked_count;
    struct peer server; /* who answered it, and alone is heard from then on; version 0 before */
    struct peer heard;  /* who sent the datagram in `in` */
    struct patience patience;
    unsigned refusals; /* since the last reply */
    unsigned burst;    /* lines of text since the last pause */
    size_t out_length;
    char out[OUT_ROOM];
    char in[REPLY_LIMIT];
};

/* What one look at the socket gave. */
enum seen { SEEN_NOTHING, SEEN_NOISE, SEEN_REPLY, SEEN_REFUSAL };

static int bind_socket(struct udp *udp)
{
    udp->socket = socket_datagram(0, SOCKET_ALONE);
    if (udp->socket == -1 || link_never_block(udp->socket) != 0) {
        say("cannot make a UDP socket: %s", strerror(errno));
        return -1;
    }
    udp->family = socket_is_dual(udp->socket) ? AF_INET6 : AF_INET;
    udp->link.local_port = socket_port(udp->socket);
    return 0;
}

static struct link *udp_open(const struct link_target *target)
{
    struct udp *udp = calloc(1, sizeof *udp);

    if (udp == NULL) {
        say("no memory for a session");
        return NULL;
    }
    udp->link.kind = &link_udp;
    udp->link.target = target;
    udp->asked_count = link_resolve(target, udp->asked);
    if (udp->asked_count > 0 && bind_socket(udp) == 0)
        return &udp->link;
    free(udp);
    return NULL;
}

static void udp_close(struct link *link)
{
    struct udp *udp = (struct udp *)link;

    close(udp->socket);
    free(udp);
}

/* May the sender of what is in `in` be heard? */
static bool is_known(const struct udp *udp)
{
    size_t i;

    if (udp->server.version != 0)
        return peer_is_same(&udp->heard, &udp->server);
    for (i = 0; i < udp->asked_count; i++)
        if (peer_is_same_address(&udp->heard, &udp->asked[i]))
            return true;
    return false;
}

/* Takes one datagram without waiting. With SEEN_REPLY, `reply` and udp->heard are filled. */
static enum seen look(struct udp *udp, struct reply *reply)
{
    struct sockaddr_storage address;
    socklen_t room = sizeof address;
    ssize_t n = recvfrom(udp->socket, udp->in, sizeof udp->in, 0, (struct sockaddr *)&address,
                         &room);
    size_t length = (size_t)n;

    if (n < 0)
        return errno == ECONNREFUSED ? SEEN_REFUSAL : SEEN_NOTHING;
    peer_from_sockaddr(&udp->heard, (struct sockaddr *)&address);
    /* One that fills the room may have been cut, and leaves none for a missing line end. */
    if (length == 0 || length == sizeof udp->in || !is_known(udp))
        return SEEN_NOISE;
    if (udp->in[length - 1] != '\n')
        udp->in[length++] = '\n';
    return reply_scan(udp->in, length, reply) == REPLY_WHOLE ? SEEN_REPLY : SEEN_NOISE;
}

/* The first refusal may be of something long past; it asks for one more sending (LINK_SENT). */
static enum link_result refused(struct udp *udp)
{
    udp->link.error = ECONNREFUSED;
    return ++udp->refusals < REFUSALS ? LINK_SENT : LINK_GONE;
}

/* What errno says of a send(). LINK_SENT: nothing was sent, but now it may be. */
static enum link_result unsent(struct udp *udp)
{
    udp->link.error = errno;
    if (errno == ECONNREFUSED)
        return refused(udp);
    if (link_is_passing(errno) &&
        link_wait(udp->socket, POLLOUT, clock_now_ms() + PATIENCE_LONGEST_MS))
        return LINK_SENT;
    return LINK_UNSENT;
}

/* Sends the datagram in `out` to the server. */
static enum link_result send_out(struct udp *udp)
{
    enum link_result result = LINK_SENT;

    while (result == LINK_SENT &&
           send(udp->socket, udp->out, udp->out_length, MSG_NOSIGNAL) == -1)
        result = unsent(udp);
    if (result == LINK_SENT)
        patience_sent(&udp->patience, ++udp->link.sends, clock_now_ms());
    return result;
}

/* Makes the datagram of a line. */
static enum link_result compose(struct udp *udp, const struct order *line)
{
    udp->link.sends = 0;
    udp->link.error = EMSGSIZE;
    if (line->length > sizeof udp->out - 2)
        return LINK_UNSENT;
    memcpy(udp->out, line->text, line->length);
    memcpy(udp->out + line->length, "\r\n", 2);
    udp->out_length = line->length + 2;
    return LINK_SENT;
}

/*
 * Throws away what comes until `until_ms`, and in any case what is there already:
 * it cannot answer what is yet to be sent. Only a 421 is news at any time.
 */
static enum link_result discard(struct udp *udp, int64_t until_ms, struct reply *reply)
{
    unsigned left = DRAIN_LIMIT;
    enum seen seen;

    do {
        while (left > 0 && (seen = look(udp, reply)) != SEEN_NOTHING) {
            if (seen == SEEN_REPLY && reply->code == 421)
                return LINK_REPLY;
            if (seen == SEEN_REFUSAL && refused(udp) == LINK_GONE)
                return LINK_GONE;
            left--;
        }
    } while (left > 0 && link_wait(udp->socket, POLLIN, until_ms));
    return LINK_SENT;
}

/*
 * Could a server mean `code` as its reply to `line`? 220 only greets; DATA and QUIT alone
 * are granted by 354 and 221, and by nothing else. What does not fit is a late copy: to
 * believe one would send a mail's text as commands.
 */
static bool is_reply_to(const struct order *line, int code)
{
    static const struct {
        const char *verb;
        int code;
    } own[] = { { "DATA", 354 }, { "QUIT", 221 } };
    bool grants = code / 100 == 2 || code / 100 == 3;
    size_t i;

    for (i = 0; i < sizeof own / sizeof *own; i++)
        if (text_begins(line->text, line->length, own[i].verb) ? grants && code != own[i].code
                                                               : code == own[i].code)
            return false;
    return code != 220;
}

static enum link_result await(struct udp *udp, const struct order *line, int64_t deadline_ms,
                              struct reply *reply)
{
    enum link_result result = LINK_SENT;
    enum seen seen;

    while (result != LINK_GONE && link_wait(udp->socket, POLLIN, deadline_ms)) {
        seen = look(udp, reply);
        if (seen == SEEN_REPLY && is_reply_to(line, reply->code))
            return LINK_REPLY;
        if (seen == SEEN_REFUSAL && (result = refused(udp)) == LINK_SENT)
            result = send_out(udp);
    }
    return result == LINK_GONE ? LINK_GONE : LINK_SILENT;
}

/* Sends a command once and waits. A send that fails is a loss like any other. */
static enum link_result exchange(struct udp *udp, const struct order *line, int64_t wait_ms,
                                 struct reply *reply)
{
    enum link_result result = send_out(udp);

    if (result == LINK_GONE || (result == LINK_UNSENT && udp->link.error == EMSGSIZE))
        return result;
    result = await(udp, line, clock_now_ms() + wait_ms, reply);
    if (result == LINK_REPLY) {
        udp->refusals = 0;
        patience_answered(&udp->patience, udp->link.sends, clock_now_ms());
    }
    return result;
}

static void note_silence(const struct link *link, const char *what, unsigned tries, int64_t wait_ms)
{
    if (tries <= link->target->retries)
        say("no answer to %s in %.3g s: try %u of %u", what, (double)wait_ms / 1000, tries + 1,
            link->target->retries + 1);
}

static enum link_result udp_ask(struct link *link, const struct order *line, struct reply *reply)
{
    struct udp *udp = (struct udp *)link;
    int64_t wait_ms = link->target->wait_ms;
    enum link_result result = compose(udp, line);
    char quote[SAY_QUOTE_ROOM];
    unsigned tries;

    if (result == LINK_SENT)
        result = discard(udp, udp->patience.quiet_until_ms, reply);
    if (result != LINK_SENT)
        return result;
    for (tries = 1; tries <= link->target->retries + 1; tries++) {
        result = exchange(udp, line, wait_ms, reply);
        if (result != LINK_SILENT)
            return result;
        note_silence(link, say_quote(quote, line->text, line->length), tries, wait_ms);
        wait_ms = patience_next_wait(wait_ms);
    }
    return link->sends > 0 ? LINK_SILENT : LINK_UNSENT;
}

static enum link_result udp_text(struct link *link, const struct order *line, struct reply *reply)
{
    struct udp *udp = (struct udp *)link;
    int64_t now_ms = clock_now_ms(), until_ms = udp->patience.quiet_until_ms;
    enum link_result result = compose(udp, line);

    if (++udp->burst == BURST_LINES) {
        udp->burst = 0;
        if (until_ms < now_ms + PAUSE_MS)
            until_ms = now_ms + PAUSE_MS;
    }
    if (result == LINK_SENT && until_ms > now_ms)
        result = discard(udp, until_ms, reply);
    return result == LINK_SENT ? send_out(udp) : result;
}

/* The session goes on with the port that greeted. */
static enum link_result follow(struct udp *udp)
{
    struct sockaddr_storage address;
    socklen_t length = peer_to_sockaddr(&udp->heard, udp->family, &address);

    udp->server = udp->heard;
    if (connect(udp->socket, (struct sockaddr *)&address, length) == 0)
        return LINK_REPLY;
    udp->link.error = errno;
    return LINK_UNSENT;
}

static enum link_result await_greeting(struct udp *udp, int64_t deadline_ms, struct reply *reply)
{
    while (link_wait(udp->socket, POLLIN, deadline_ms))
        if (look(udp, reply) == SEEN_REPLY && reply->code == 220)
            return follow(udp);
    return LINK_SILENT;
}

static bool send_hello(struct udp *udp, const struct peer *peer)
{
    struct sockaddr_storage address;
    socklen_t length = peer_to_sockaddr(peer, udp->family, &address);

    errno = EAFNOSUPPORT;
    if (length > 0 && sendto(udp->socket, "\r\n", 2, MSG_NOSIGNAL, (struct sockaddr *)&address,
                             length) == 2)
        return true;
    udp->link.error = errno;
    return false;
}

/* Asks every address in turn; each but the last has its share of the wait to itself. */
static enum link_result ask_around(struct udp *udp, int64_t deadline_ms, struct reply *reply)
{
    enum link_result result = LINK_SILENT;
    size_t i, sent = 0;
    int64_t now_ms;

    for (i = 0; i < udp->asked_count && result == LINK_SILENT; i++)
        if (send_hello(udp, &udp->asked[i])) {
            sent++;
            now_ms = clock_now_ms();
            result = await_greeting(
                udp, now_ms + (deadline_ms - now_ms) / (int64_t)(udp->asked_count - i), reply);
        }
    if (sent == 0 && udp->link.sends == 0)
        return LINK_UNSENT;
    udp->link.sends++;
    return result == LINK_SILENT ? await_greeting(udp, deadline_ms, reply) : result;
}

static enum link_result udp_greet(struct link *link, struct reply *reply)
{
    int64_t wait_ms = link->target->wait_ms;
    enum link_result result;
    unsigned tries;

    for (tries = 1; tries <= link->target->retries + 1; tries++) {
        result = ask_around((struct udp *)link, clock_now_ms() + wait_ms, reply);
        if (result != LINK_SILENT)
            return result;
        note_silence(link, "the hello", tries, wait_ms);
        wait_ms = patience_next_wait(wait_ms);
    }
    return LINK_SILENT;
}

const struct link_kind link_udp = { .name = "UDP",
                                    .default_wait_ms = FIRST_WAIT_MS,
                                    .open = udp_open,
                                    .greet = udp_greet,
                                    .ask = udp_ask,
                                    .text = udp_text,
                                    .close = udp_close };
