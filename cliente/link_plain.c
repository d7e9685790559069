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
#include "udp.h"

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

struct plain {
    struct link link; /* first, so that a link is found to be this */
    struct udp udp;
    struct peer server; /* who greeted, and alone is heard from then on; version 0 before */
    struct patience patience;
    unsigned refusals; /* since the last reply */
    unsigned burst;    /* lines of text since the last pause */
    size_t out_length;
    char out[OUT_ROOM];
    char in[REPLY_LIMIT];
};

/* What one look at the socket gave. */
enum seen { SEEN_NOTHING, SEEN_NOISE, SEEN_REPLY, SEEN_REFUSAL };

static struct link *plain_open(const struct link_target *target)
{
    struct plain *plain = calloc(1, sizeof *plain);

    if (plain == NULL) {
        say("no memory for a session");
        return NULL;
    }
    plain->link.kind = &link_plain;
    plain->link.target = target;
    if (udp_open(&plain->udp, target) != 0) {
        free(plain);
        return NULL;
    }
    plain->link.socket = plain->udp.socket;
    plain->link.local_port = socket_port(plain->udp.socket);
    return &plain->link;
}

static void plain_close(struct link *link)
{
    struct plain *plain = (struct plain *)link;

    close(plain->udp.socket);
    free(plain);
}

/* May the sender of what is in `in` be heard? */
static bool is_known(const struct plain *plain)
{
    if (plain->server.version != 0)
        return peer_is_same(&plain->udp.heard, &plain->server);
    return udp_is_asked(&plain->udp);
}

/* Takes one datagram without waiting. With SEEN_REPLY, `reply` and plain->udp.heard are filled. */
static enum seen look(struct plain *plain, struct reply *reply)
{
    ssize_t n = udp_receive(&plain->udp, plain->in, sizeof plain->in);
    size_t length = (size_t)n;

    if (n < 0)
        return errno == ECONNREFUSED ? SEEN_REFUSAL : SEEN_NOTHING;
    /* One that fills the room may have been cut, and leaves none for a missing line end. */
    if (length == 0 || length == sizeof plain->in || !is_known(plain))
        return SEEN_NOISE;
    if (plain->in[length - 1] != '\n')
        plain->in[length++] = '\n';
    return reply_scan(plain->in, length, reply) == REPLY_WHOLE ? SEEN_REPLY : SEEN_NOISE;
}

/* The first refusal may be of something long past; it asks for one more sending (LINK_SENT). */
static enum link_result refused(struct plain *plain)
{
    plain->link.error = ECONNREFUSED;
    return ++plain->refusals < REFUSALS ? LINK_SENT : LINK_GONE;
}

/* What errno says of a send(). LINK_SENT: nothing was sent, but now it may be. */
static enum link_result unsent(struct plain *plain)
{
    plain->link.error = errno;
    if (errno == ECONNREFUSED)
        return refused(plain);
    if (link_is_passing(errno) &&
        link_wait(plain->udp.socket, POLLOUT, clock_now_ms() + PATIENCE_LONGEST_MS))
        return LINK_SENT;
    return LINK_UNSENT;
}

/* Sends the datagram in `out` to the server. */
static enum link_result send_out(struct plain *plain)
{
    enum link_result result = LINK_SENT;

    while (result == LINK_SENT &&
           send(plain->udp.socket, plain->out, plain->out_length, MSG_NOSIGNAL) == -1)
        result = unsent(plain);
    if (result == LINK_SENT)
        patience_sent(&plain->patience, ++plain->link.sends, clock_now_ms());
    return result;
}

/* Makes the datagram of a line. */
static enum link_result compose(struct plain *plain, const struct order *line)
{
    plain->link.sends = 0;
    plain->link.error = EMSGSIZE;
    if (line->length > sizeof plain->out - 2)
        return LINK_UNSENT;
    memcpy(plain->out, line->text, line->length);
    memcpy(plain->out + line->length, "\r\n", 2);
    plain->out_length = line->length + 2;
    return LINK_SENT;
}

/*
 * Throws away what comes until `until_ms`, and in any case what is there already:
 * it cannot answer what is yet to be sent. Only a 421 is news at any time.
 */
static enum link_result discard(struct plain *plain, int64_t until_ms, struct reply *reply)
{
    unsigned left = DRAIN_LIMIT;
    enum seen seen;

    do {
        while (left > 0 && (seen = look(plain, reply)) != SEEN_NOTHING) {
            if (seen == SEEN_REPLY && reply->code == 421)
                return LINK_REPLY;
            if (seen == SEEN_REFUSAL && refused(plain) == LINK_GONE)
                return LINK_GONE;
            left--;
        }
    } while (left > 0 && link_wait(plain->udp.socket, POLLIN, until_ms));
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

static enum link_result await(struct plain *plain, const struct order *line, int64_t deadline_ms,
                              struct reply *reply)
{
    enum link_result result = LINK_SENT;
    enum seen seen;

    while (result != LINK_GONE && link_wait(plain->udp.socket, POLLIN, deadline_ms)) {
        seen = look(plain, reply);
        if (seen == SEEN_REPLY && is_reply_to(line, reply->code))
            return LINK_REPLY;
        if (seen == SEEN_REFUSAL && (result = refused(plain)) == LINK_SENT)
            result = send_out(plain);
    }
    return result == LINK_GONE ? LINK_GONE : LINK_SILENT;
}

/* Sends a command once and waits. A send that fails is a loss like any other. */
static enum link_result exchange(struct plain *plain, const struct order *line, int64_t wait_ms,
                                 struct reply *reply)
{
    enum link_result result = send_out(plain);

    if (result == LINK_GONE || (result == LINK_UNSENT && plain->link.error == EMSGSIZE))
        return result;
    result = await(plain, line, clock_now_ms() + wait_ms, reply);
    if (result == LINK_REPLY) {
        plain->refusals = 0;
        patience_answered(&plain->patience, plain->link.sends, clock_now_ms());
    }
    return result;
}

static void note_silence(const struct link *link, const char *what, unsigned tries, int64_t wait_ms)
{
    if (tries <= link->target->retries)
        say("no answer to %s in %.3g s: try %u of %u", what, (double)wait_ms / 1000, tries + 1,
            link->target->retries + 1);
}

static enum link_result plain_ask(struct link *link, const struct order *line, struct reply *reply)
{
    struct plain *plain = (struct plain *)link;
    int64_t wait_ms = link->target->wait_ms;
    enum link_result result = compose(plain, line);
    char quote[SAY_QUOTE_ROOM];
    unsigned tries;

    if (result == LINK_SENT)
        result = discard(plain, plain->patience.quiet_until_ms, reply);
    if (result != LINK_SENT)
        return result;
    for (tries = 1; tries <= link->target->retries + 1; tries++) {
        result = exchange(plain, line, wait_ms, reply);
        if (result != LINK_SILENT)
            return result;
        note_silence(link, say_quote(quote, line->text, line->length), tries, wait_ms);
        wait_ms = patience_next_wait(wait_ms);
    }
    return link->sends > 0 ? LINK_SILENT : LINK_UNSENT;
}

static enum link_result plain_text(struct link *link, const struct order *line, struct reply *reply)
{
    struct plain *plain = (struct plain *)link;
    int64_t now_ms = clock_now_ms(), until_ms = plain->patience.quiet_until_ms;
    enum link_result result = compose(plain, line);

    if (++plain->burst == BURST_LINES) {
        plain->burst = 0;
        if (until_ms < now_ms + PAUSE_MS)
            until_ms = now_ms + PAUSE_MS;
    }
    if (result == LINK_SENT && until_ms > now_ms)
        result = discard(plain, until_ms, reply);
    return result == LINK_SENT ? send_out(plain) : result;
}

/* The session goes on with the port that greeted. */
static enum link_result follow(struct plain *plain)
{
    plain->server = plain->udp.heard;
    if (udp_follow(&plain->udp) == 0)
        return LINK_REPLY;
    plain->link.error = errno;
    return LINK_UNSENT;
}

static enum link_result await_greeting(struct plain *plain, int64_t deadline_ms,
                                       struct reply *reply)
{
    while (link_wait(plain->udp.socket, POLLIN, deadline_ms))
        if (look(plain, reply) == SEEN_REPLY && reply->code == 220)
            return follow(plain);
    return LINK_SILENT;
}

static bool send_hello(struct plain *plain, const struct peer *peer)
{
    if (udp_send(&plain->udp, peer, "\r\n", 2))
        return true;
    plain->link.error = errno;
    return false;
}

/* Asks every address in turn; each but the last has its share of the wait to itself. */
static enum link_result ask_around(struct plain *plain, int64_t deadline_ms, struct reply *reply)
{
    enum link_result result = LINK_SILENT;
    const struct link_target *target = plain->link.target;
    size_t i, sent = 0, count = target->peer_count;
    int64_t now_ms, share_ms;

    for (i = 0; i < count && result == LINK_SILENT; i++)
        if (send_hello(plain, &target->peers[i])) {
            sent++;
            now_ms = clock_now_ms();
            share_ms = (deadline_ms - now_ms) / (int64_t)(count - i);
            result = await_greeting(plain, now_ms + share_ms, reply);
        }
    if (sent == 0 && plain->link.sends == 0)
        return LINK_UNSENT;
    plain->link.sends++;
    return result == LINK_SILENT ? await_greeting(plain, deadline_ms, reply) : result;
}

static enum link_result plain_greet(struct link *link, struct reply *reply)
{
    int64_t wait_ms = link->target->wait_ms;
    enum link_result result;
    unsigned tries;

    for (tries = 1; tries <= link->target->retries + 1; tries++) {
        result = ask_around((struct plain *)link, clock_now_ms() + wait_ms, reply);
        if (result != LINK_SILENT)
            return result;
        note_silence(link, "the hello", tries, wait_ms);
        wait_ms = patience_next_wait(wait_ms);
    }
    return LINK_SILENT;
}

const struct link_kind link_plain = { .name = "UDP",
                                    .default_wait_ms = FIRST_WAIT_MS,
                                    .open = plain_open,
                                    .reach = plain_open,
                                    .greet = plain_greet,
                                    .ask = plain_ask,
                                    .text = plain_text,
                                    .close = plain_close };
