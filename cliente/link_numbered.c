/*
 * The link over UDP in numbered mode, which loses nothing: what it sends and hears are two
 * streams, as over TCP, and net/ferry carries them; how it comes to a session is in entrance.h.
 * This file waits, and tells what became of the session.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "entrance.h"
#include "inbox.h"
#include "link.h"
#include "net/clock.h"
#include "net/ferry.h"
#include "net/socket.h"
#include "net/text.h"
#include "orders.h"
#include "say.h"
#include "trips.h"

/* As over TCP; a session without a sign of life ends before. */
enum { REPLY_WAIT_MS = 300000 };

/* Segments of a text that leave together. */
enum { BURST = SEGMENT_WINDOW / 2 };

struct numbered {
    struct link link; /* first, so that a link is found to be this */
    struct entrance entrance;
    struct ferry ferry; /* once that is passed */
    int64_t reached_ms; /* when the session was asked for; 0: it is when it is waited for */
    struct trips trips;
    struct inbox inbox;
};

/* Makes one whose local port nobody has asked for. Returns NULL with errno after saying why not. */
static struct numbered *make(const struct link_target *target)
{
    struct numbered *numbered = calloc(1, sizeof *numbered);
    int error;

    if (numbered == NULL) {
        say("no memory for a session");
        return NULL;
    }
    numbered->link.kind = &link_numbered;
    numbered->link.target = target;
    numbered->entrance.link = &numbered->link;
    numbered->entrance.ferry = &numbered->ferry;
    if (entrance_open(&numbered->entrance) == 0)
        return numbered;
    error = errno;
    free(numbered);
    errno = error;
    return NULL;
}

static struct link *numbered_open(const struct link_target *target)
{
    struct numbered *numbered = make(target);

    if (numbered == NULL)
        return NULL;
    numbered->link.local_port = socket_port(numbered->link.socket);
    return &numbered->link;
}

static struct link *numbered_reach(const struct link_target *target)
{
    struct numbered *numbered = make(target);

    if (numbered == NULL)
        return NULL;
    numbered->reached_ms = clock_now_ms();
    entrance_knock(&numbered->entrance);
    return &numbered->link;
}

static void numbered_close(struct link *link)
{
    struct numbered *numbered = (struct numbered *)link;
    const struct datagram *datagram = &numbered->ferry.datagram;
    char out[SEGMENT_LIMIT];

    /* Without a goodbye the server would wait for us, as it does if this one gets lost. */
    if (numbered->entrance.is_passed && datagram->end == DATAGRAM_OPEN)
        send(numbered->entrance.udp.socket, out, datagram_leave(datagram, SEGMENT_LEAVING, out),
             MSG_NOSIGNAL);
    close(numbered->entrance.udp.socket);
    free(numbered);
}

/* Takes in what has come, and sends what is due, without waiting. */
static void serve(struct numbered *numbered)
{
    struct datagram *datagram = &numbered->ferry.datagram;
    struct inbox *inbox = &numbered->inbox;
    int64_t trip_ms;

    ferry_in(&numbered->ferry, clock_now_ms());
    trip_ms = datagram_trip_ms(datagram);
    if (trip_ms >= 0)
        trips_add(&numbered->trips, (uint32_t)trip_ms);
    inbox->used += datagram_take(datagram, inbox->octets + inbox->used,
                                 sizeof inbox->octets - inbox->used);
    ferry_out(&numbered->ferry, clock_now_ms());
}

/* The same, after waiting until there is something to do. */
static void pump(struct numbered *numbered, int64_t deadline_ms)
{
    int64_t due_ms = datagram_deadline(&numbered->ferry.datagram);

    link_wait(numbered->ferry.socket, POLLIN, due_ms < deadline_ms ? due_ms : deadline_ms);
    serve(numbered);
}

/* Tells why the session is over. */
static enum link_result explain(struct numbered *numbered)
{
    const struct datagram *datagram = &numbered->ferry.datagram;
    struct link *link = &numbered->link;

    link->error = 0;
    if (datagram->end == DATAGRAM_CLOSED) {
        link->error = ECONNREFUSED;
    } else if (datagram->end == DATAGRAM_DEAD) {
        link->error = ETIMEDOUT;
    } else if (datagram->end == DATAGRAM_LEFT && datagram->code == SEGMENT_NO_SESSION) {
        link->reason = "it no longer knows the session";
    } else if (datagram->end == DATAGRAM_LEFT && datagram->code == SEGMENT_LEAVING) {
        link->reason = "it is shutting down";
    } else if (datagram->end == DATAGRAM_LEFT) {
        snprintf(link->words, sizeof link->words, "it left with %03u", datagram->code);
        link->reason = link->words;
    }
    return LINK_GONE;
}

/* Gives out the next reply; LINK_SENT if it is not all there yet. */
static enum link_result give(struct numbered *numbered, struct reply *reply)
{
    enum link_result result = inbox_give(&numbered->inbox, reply);

    if (result == LINK_SENT && numbered->ferry.datagram.end != DATAGRAM_OPEN)
        return explain(numbered);
    return result;
}

static enum link_result await(struct numbered *numbered, int64_t deadline_ms, struct reply *reply)
{
    enum link_result result;

    while ((result = give(numbered, reply)) == LINK_SENT) {
        if (clock_now_ms() >= deadline_ms)
            return LINK_SILENT;
        pump(numbered, deadline_ms);
    }
    return result;
}

/* LINK_SENT unless it is pointless to send more; then why, or the 421 that says so. */
static enum link_result look(struct numbered *numbered, struct reply *reply)
{
    if (numbered->ferry.datagram.end != DATAGRAM_OPEN || inbox_has_farewell(&numbered->inbox))
        return give(numbered, reply);
    return inbox_is_full(&numbered->inbox) ? LINK_NOISE : LINK_SENT;
}

/* Takes octets to be sent. The wait for room begins anew with each progress. */
static enum link_result put(struct numbered *numbered, const char *octets, size_t length,
                            struct reply *reply)
{
    struct datagram *datagram = &numbered->ferry.datagram;
    int64_t wait_ms = numbered->link.target->wait_ms, deadline_ms = -1;
    size_t part = datagram_put(datagram, octets, length);
    enum link_result result;

    while (part < length) {
        octets += part;
        length -= part;
        if (part > 0 || deadline_ms < 0)
            deadline_ms = clock_now_ms() + wait_ms;
        if (clock_now_ms() >= deadline_ms)
            return LINK_SILENT;
        pump(numbered, deadline_ms);
        result = look(numbered, reply);
        if (result != LINK_SENT)
            return result;
        part = datagram_put(datagram, octets, length);
    }
    return LINK_SENT;
}

static enum link_result put_line(struct numbered *numbered, const struct order *line,
                                 struct reply *reply)
{
    enum link_result result;

    inbox_drop(&numbered->inbox);
    numbered->link.sends = 1;
    result = put(numbered, line->text, line->length, reply);
    return result == LINK_SENT ? put(numbered, "\r\n", 2, reply) : result;
}

static enum link_result numbered_greet(struct link *link, struct reply *reply)
{
    struct numbered *numbered = (struct numbered *)link;
    int64_t since_ms = numbered->reached_ms != 0 ? numbered->reached_ms : clock_now_ms();
    int64_t deadline_ms = since_ms + link->target->wait_ms;
    enum link_result result = entrance_pass(&numbered->entrance, deadline_ms);

    if (result != LINK_SENT)
        return result;
    serve(numbered);
    return await(numbered, deadline_ms, reply);
}

static enum link_result numbered_text(struct link *link, const struct order *line,
                                      struct reply *reply)
{
    struct numbered *numbered = (struct numbered *)link;
    struct datagram *datagram = &numbered->ferry.datagram;
    enum link_result result = put_line(numbered, line, reply);

    if (result != LINK_SENT)
        return result;
    if (link->target->is_line_each)
        datagram_push(datagram);
    /* A busy server gets many at a time with less effort than one by one. */
    if (datagram_unsent(datagram) >= BURST)
        serve(numbered);
    return look(numbered, reply);
}

/* Is only the reply to QUIT missing? Then nobody lost anything. */
static enum link_result forgive(const struct order *line, enum link_result result)
{
    bool is_missing = result == LINK_GONE || result == LINK_SILENT;

    return is_missing && text_is_word(line->text, line->length, "QUIT") ? LINK_ENDED : result;
}

static enum link_result numbered_ask(struct link *link, const struct order *line,
                                     struct reply *reply)
{
    struct numbered *numbered = (struct numbered *)link;
    enum link_result result = put_line(numbered, line, reply);

    if (result == LINK_SENT) {
        datagram_push(&numbered->ferry.datagram);
        ferry_out(&numbered->ferry, clock_now_ms());
        result = await(numbered, clock_now_ms() + link->target->wait_ms, reply);
    }
    return forgive(line, result);
}

static enum link_result numbered_hear(struct link *link, struct reply *reply)
{
    struct numbered *numbered = (struct numbered *)link;

    inbox_drop(&numbered->inbox);
    datagram_push(&numbered->ferry.datagram);
    ferry_out(&numbered->ferry, clock_now_ms());
    return await(numbered, clock_now_ms() + link->target->wait_ms, reply);
}

static int64_t numbered_idle(struct link *link)
{
    struct numbered *numbered = (struct numbered *)link;

    if (!numbered->entrance.is_passed)
        return CLOCK_NEVER;
    serve(numbered);
    return datagram_deadline(&numbered->ferry.datagram);
}

static void numbered_count(const struct link *link, struct link_counts *counts)
{
    const struct numbered *numbered = (const struct numbered *)link;
    const struct datagram_tally *tally = &numbered->ferry.datagram.tally;

    counts->datagrams = numbered->entrance.handshake.sent + tally->sent;
    counts->resends = tally->resent;
    counts->duplicates = tally->repeated;
    counts->round_trip_ms = trips_median(&numbered->trips);
}

const struct link_kind link_numbered = { .name = "UDP",
                                         .default_wait_ms = REPLY_WAIT_MS,
                                         .open = numbered_open,
                                         .reach = numbered_reach,
                                         .greet = numbered_greet,
                                         .ask = numbered_ask,
                                         .text = numbered_text,
                                         .hear = numbered_hear,
                                         .idle = numbered_idle,
                                         .count = numbered_count,
                                         .close = numbered_close };
