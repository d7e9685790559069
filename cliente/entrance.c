/* See entrance.h. */
#include "entrance.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "net/clock.h"
#include "net/ferry.h"
#include "net/random.h"
#include "say.h"

/* So many hellos must have had plain answers alone, which may be forged, to be believed. */
enum { PLAIN_HELLOS = 2 };

int entrance_open(struct entrance *entrance)
{
    const struct link_target *target = entrance->link->target;
    uint64_t nonce;

    if (random_fill(&nonce, sizeof nonce) != 0) {
        say("no random number from the system: %s", strerror(errno));
        return -1;
    }
    if (udp_open(&entrance->udp, target) != 0)
        return -1;
    entrance->link->socket = entrance->udp.socket;
    handshake_begin(&entrance->handshake, nonce, target->window, clock_now_ms());
    return 0;
}

/* Sends a hello to the door, or, while none has answered, to every address. */
static bool send_hello(struct entrance *entrance, const char *octets, size_t length)
{
    const struct udp *udp = &entrance->udp;
    size_t i, sent = 0;

    if (entrance->door.version != 0)
        return udp_send(udp, &entrance->door, octets, length);
    for (i = 0; i < udp->target->peer_count; i++)
        sent += udp_send(udp, &udp->target->peers[i], octets, length);
    return sent > 0;
}

/* A packet filter (EPERM) and full buffers lose a datagram as a network does. */
static bool is_loss(int error)
{
    return link_is_passing(error) || error == EPERM || error == ENOBUFS || error == ECONNREFUSED;
}

/* Says the hello that is due, if one is. LINK_UNSENT: nobody can be reached from here. */
static enum link_result say_hello(struct entrance *entrance)
{
    char out[SEGMENT_LIMIT];
    size_t length = handshake_next(&entrance->handshake, out, clock_now_ms());

    entrance->link->sends = entrance->handshake.sent;
    if (length == 0 || send_hello(entrance, out, length)) {
        entrance->has_said_hello = entrance->has_said_hello || length > 0;
        return LINK_SENT;
    }
    entrance->link->error = errno;
    return entrance->has_said_hello || is_loss(errno) ? LINK_SENT : LINK_UNSENT;
}

/* No session can be had, for this reason; `code` is the server's, 0 if it gave none. */
static enum link_result deny(struct entrance *entrance, unsigned code, const char *reason)
{
    entrance->link->reason = reason;
    entrance->link->error = (int)code;
    return LINK_DENIED;
}

static enum link_result deny_with(struct entrance *entrance, unsigned code)
{
    struct link *link = entrance->link;

    if (code == SEGMENT_TOO_MANY)
        return deny(entrance, code, "the server has too many sessions (450); try again later");
    if (code == SEGMENT_LEAVING)
        return deny(entrance, code, "the server is shutting down (421); try again later");
    snprintf(link->words, sizeof link->words, "the server refuses the session (%03u)", code);
    return deny(entrance, code, link->words);
}

/* The session goes on with the port from which its first segment came. */
static enum link_result begin(struct entrance *entrance, const struct segment *first,
                              const char *octets, size_t length)
{
    const struct datagram_start start = {
        .side = DATAGRAM_CLIENT,
        .sid = first->id,
        .cn = entrance->handshake.cn,
        .window = entrance->handshake.window,
        .peer_window = first->window,
        .seed = entrance->handshake.chance,
    };
    struct ferry *ferry = entrance->ferry;
    int64_t now_ms = clock_now_ms();

    if (udp_follow(&entrance->udp) != 0) {
        entrance->link->error = errno;
        return LINK_UNSENT;
    }
    ferry->socket = entrance->udp.socket;
    datagram_begin(&ferry->datagram, &start, now_ms);
    datagram_receive(&ferry->datagram, octets, length, now_ms);
    entrance->is_passed = true;
    return LINK_SENT;
}

/*
 * Judges a datagram. A host of several addresses may answer from any of them, and what has
 * our nonce is meant for us; what has none counts only if its sender was asked.
 */
static enum link_result judge(struct entrance *entrance, const char *octets, size_t length)
{
    struct segment first;

    if (!segment_is_ours(octets, length) && !udp_is_asked(&entrance->udp))
        return LINK_SENT;
    switch (handshake_receive(&entrance->handshake, octets, length, &first)) {
    case HANDSHAKE_COOKIE:
        entrance->door = entrance->udp.heard;
        return LINK_SENT;
    case HANDSHAKE_SESSION:
        return begin(entrance, &first, octets, length);
    case HANDSHAKE_REFUSED:
        return deny_with(entrance, entrance->handshake.refused);
    case HANDSHAKE_PLAIN:
        entrance->has_heard_plain = true;
        return LINK_SENT;
    default:
        return LINK_SENT;
    }
}

/* Judges one datagram, if one has come: a flood must not keep us from looking at the clock. */
static enum link_result hear(struct entrance *entrance)
{
    char octets[SEGMENT_LIMIT + 1];
    ssize_t n = udp_receive(&entrance->udp, octets, sizeof octets);

    return n < 0 ? LINK_SENT : judge(entrance, octets, (size_t)n);
}

/* Is it a server of the plain mode? Not if something came that has our nonce. */
static bool is_plain(const struct entrance *entrance)
{
    return entrance->has_heard_plain && entrance->handshake.cookies == 0 &&
           entrance->handshake.refused == 0;
}

/* Is there no hope left? In a server of the plain mode there is some until its second hello. */
static bool is_hopeless(const struct entrance *entrance, int64_t now_ms)
{
    const struct handshake *handshake = &entrance->handshake;

    return handshake_is_hopeless(handshake, now_ms) ||
           (is_plain(entrance) && handshake->sent >= PLAIN_HELLOS &&
            now_ms >= handshake_deadline(handshake));
}

/* Nobody let us in. What we heard tells why. */
static enum link_result give_up(struct entrance *entrance)
{
    const struct handshake *handshake = &entrance->handshake;

    if (!entrance->has_said_hello)
        return LINK_UNSENT;
    if (is_plain(entrance))
        return deny(entrance, 0, "the server speaks plain mode only; use -c");
    if (handshake->refused != 0)
        return deny_with(entrance, handshake->refused);
    if (handshake->cookies > 0)
        return deny(entrance, 0, "the server answers, but no session of it does; "
                                 "a firewall may block the server's new port");
    return LINK_SILENT;
}

void entrance_knock(struct entrance *entrance)
{
    say_hello(entrance);
}

enum link_result entrance_pass(struct entrance *entrance, int64_t deadline_ms)
{
    const struct handshake *handshake = &entrance->handshake;
    enum link_result result;
    int64_t until_ms, now_ms;

    do {
        result = say_hello(entrance);
        until_ms = handshake_deadline(handshake);
        if (until_ms > deadline_ms)
            until_ms = deadline_ms;
        if (result == LINK_SENT && link_wait(entrance->udp.socket, POLLIN, until_ms))
            result = hear(entrance);
        now_ms = clock_now_ms();
        if (result == LINK_SENT && !entrance->is_passed &&
            (now_ms >= deadline_ms || is_hopeless(entrance, now_ms)))
            result = give_up(entrance);
    } while (result == LINK_SENT && !entrance->is_passed);
    return result;
}
