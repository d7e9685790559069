/* See datagram.h. */
#include "net/datagram.h"

#include "net/clock.h"

enum {
    FIRST_EXPIRIES = 4, /* of a W that nobody acknowledges */
    LAST_EXPIRIES = 5,  /* of an F: with three, 1 in 20 was given up at 20 % loss */
    ASK_MS = 15000,
    SILENCE_MS = 100000,
    NEWCOMER_MS = 5000 /* a peer that was silent so long may have begun anew */
};

void datagram_begin(struct datagram *datagram, const struct datagram_start *start, int64_t now_ms)
{
    datagram->start = *start;
    datagram->end = DATAGRAM_OPEN;
    datagram->code = 0;
    datagram_out_begin(&datagram->out, start->peer_window,
                       start->side == DATAGRAM_SERVER ? SEGMENT_W : SEGMENT_D, start->seed);
    datagram_in_begin(&datagram->in, start->window);
    datagram->has_heard = datagram->was_refused = datagram->asks = false;
    datagram->heard_ms = datagram->asked_ms = now_ms;
    datagram->tally = (struct datagram_tally){ 0 };
}

size_t datagram_put(struct datagram *datagram, const char *octets, size_t length)
{
    return datagram_out_put(&datagram->out, octets, length);
}

void datagram_push(struct datagram *datagram)
{
    datagram_out_push(&datagram->out);
}

bool datagram_finish(struct datagram *datagram)
{
    return datagram_out_finish(&datagram->out);
}

unsigned datagram_unsent(const struct datagram *datagram)
{
    return datagram->out.cut - datagram->out.sent;
}

int64_t datagram_trip_ms(struct datagram *datagram)
{
    int64_t trip_ms = datagram->out.sample_ms;

    datagram->out.sample_ms = -1;
    return trip_ms;
}

size_t datagram_take(struct datagram *datagram, char *into, size_t room)
{
    return datagram_in_take(&datagram->in, into, room);
}

void datagram_hurry(struct datagram *datagram)
{
    if (datagram->in.owed_ms != CLOCK_NEVER)
        datagram_in_owe(&datagram->in);
}

static void end(struct datagram *datagram, enum datagram_end how)
{
    if (datagram->end == DATAGRAM_OPEN)
        datagram->end = how;
}

/* The peer has left. */
static void end_with(struct datagram *datagram, unsigned code)
{
    if (datagram->end == DATAGRAM_OPEN)
        datagram->code = code;
    end(datagram, DATAGRAM_LEFT);
}

/*
 * The peer's hello for another session: is this one over for it? Only where hellos can come to:
 * anybody can say one in the peer's name, and needs to guess no more than ports for it.
 */
static void meet_newcomer(struct datagram *datagram, const struct segment *hello, int64_t now_ms)
{
    if (datagram->start.shares_port && hello->id != datagram->start.cn &&
        (datagram->out.last != 0 || now_ms - datagram->heard_ms >= NEWCOMER_MS))
        end(datagram, DATAGRAM_LEFT);
}

/* Takes in a segment, or what only acknowledges. */
static void hear(struct datagram *datagram, const struct segment *heard, int64_t now_ms)
{
    struct datagram_in *in = &datagram->in;

    if (heard->kind != SEGMENT_A) {
        in->has_echo = true;
        in->echo = heard->ts;
    }
    if (heard->kind == SEGMENT_P)
        datagram_in_owe(in);
    else if (heard->kind != SEGMENT_A && !datagram_in_hold(in, heard, now_ms))
        datagram->tally.repeated++;
    if (datagram_in_is_complete(in) ||
        (datagram->out.last != 0 && datagram->out.acked == datagram->out.last))
        end(datagram, DATAGRAM_FINISHED);
}

/* May a datagram of this kind come from the other side, within a session? */
static bool is_expected(const struct datagram *datagram, enum segment_kind kind)
{
    switch (kind) {
    case SEGMENT_W:
    case SEGMENT_F:
        return datagram->start.side == DATAGRAM_CLIENT;
    case SEGMENT_D:
    case SEGMENT_A:
    case SEGMENT_P:
    case SEGMENT_R:
        return true;
    default:
        return false;
    }
}

void datagram_receive(struct datagram *datagram, const char *octets, size_t length,
                      int64_t now_ms)
{
    struct segment heard;

    if (!segment_parse(&heard, octets, length)) {
        datagram->tally.dropped++;
        return;
    }
    if (heard.kind == SEGMENT_H && datagram->start.side == DATAGRAM_SERVER) {
        meet_newcomer(datagram, &heard, now_ms);
        return;
    }
    if (!is_expected(datagram, heard.kind) || heard.id != datagram->start.sid ||
        (heard.kind != SEGMENT_R &&
         !datagram_out_acknowledge(&datagram->out, &heard, now_ms))) {
        datagram->tally.dropped++;
        return;
    }
    datagram->has_heard = true;
    datagram->was_refused = false;
    datagram->heard_ms = now_ms;
    if (heard.kind == SEGMENT_R)
        end_with(datagram, heard.code);
    else
        hear(datagram, &heard, now_ms);
}

void datagram_refuse(struct datagram *datagram)
{
    if (datagram->was_refused || !datagram->has_heard)
        end(datagram, DATAGRAM_CLOSED);
    datagram->was_refused = datagram->asks = true;
}

/*
 * Is a client gone that a server still sends its first or its last segment to? One that lacks
 * more than the last is hardly gone: it waits for the rest.
 */
static bool is_given_up(const struct datagram *datagram)
{
    const struct datagram_out *out = &datagram->out;

    return datagram->start.side == DATAGRAM_SERVER &&
           ((!datagram->has_heard && out->expiries >= FIRST_EXPIRIES) ||
            (out->last == out->acked + 1 && out->expiries >= LAST_EXPIRIES));
}

static int64_t death_ms(const struct datagram *datagram)
{
    int64_t unacknowledged_ms = datagram_out_death(&datagram->out);
    int64_t silent_ms = datagram->heard_ms + SILENCE_MS;

    return silent_ms < unacknowledged_ms ? silent_ms : unacknowledged_ms;
}

/* When a client asks whether the server is still there (keep-alive). */
static int64_t ask_ms(const struct datagram *datagram)
{
    int64_t since_ms = datagram->heard_ms > datagram->asked_ms ? datagram->heard_ms
                                                               : datagram->asked_ms;

    if (datagram->start.side != DATAGRAM_CLIENT || datagram_out_waits(&datagram->out))
        return CLOCK_NEVER;
    return since_ms + ASK_MS;
}

/* Does what is due at `now_ms`. */
static void tick(struct datagram *datagram, int64_t now_ms)
{
    datagram_out_tick(&datagram->out, now_ms);
    if (is_given_up(datagram))
        end(datagram, DATAGRAM_GIVEN_UP);
    if (now_ms >= death_ms(datagram))
        end(datagram, DATAGRAM_DEAD);
    if (now_ms >= ask_ms(datagram))
        datagram->asks = true;
}

static size_t compose(struct datagram *datagram, struct segment *segment, char out[SEGMENT_LIMIT],
                      int64_t now_ms)
{
    segment->id = datagram->start.sid;
    segment->cn = datagram->start.cn;
    segment->ts = (uint32_t)now_ms;
    datagram_in_report(&datagram->in, segment);
    datagram->tally.sent++;
    return segment_write(segment, out);
}

static size_t compose_segment(struct datagram *datagram, uint32_t seq, char out[SEGMENT_LIMIT],
                              int64_t now_ms)
{
    const struct datagram_sending *sending = datagram_out_segment(&datagram->out, seq);
    struct segment segment = {
        .kind = sending->kind,
        .seq = seq,
        .payload = sending->payload,
        .payload_length = sending->length,
    };

    return compose(datagram, &segment, out, now_ms);
}

/* The datagram that has no segment and is due, if one is. */
static size_t compose_word(struct datagram *datagram, char out[SEGMENT_LIMIT], int64_t now_ms)
{
    struct segment segment = { .kind = datagram->asks ? SEGMENT_P : SEGMENT_A };

    if (!datagram->asks && now_ms < datagram->in.owed_ms)
        return 0;
    if (datagram->asks)
        datagram->asked_ms = now_ms;
    datagram->asks = false;
    return compose(datagram, &segment, out, now_ms);
}

size_t datagram_next(struct datagram *datagram, char out[SEGMENT_LIMIT], int64_t now_ms)
{
    uint32_t sent = datagram->out.sent, seq;

    if (datagram->end == DATAGRAM_OPEN)
        tick(datagram, now_ms);
    /* What the server has said last is acknowledged still. */
    if (datagram->end == DATAGRAM_FINISHED && datagram->start.side == DATAGRAM_CLIENT)
        return compose_word(datagram, out, now_ms);
    if (datagram->end != DATAGRAM_OPEN)
        return 0;
    seq = datagram_out_next(&datagram->out, now_ms);
    if (seq == 0)
        return compose_word(datagram, out, now_ms);
    datagram->tally.resent += seq <= sent;
    return compose_segment(datagram, seq, out, now_ms);
}

int64_t datagram_deadline(const struct datagram *datagram)
{
    const int64_t others[] = { datagram->out.timer_ms, datagram->in.owed_ms, ask_ms(datagram) };
    int64_t first_ms = death_ms(datagram);
    size_t i;

    if (datagram->end != DATAGRAM_OPEN)
        return CLOCK_NEVER;
    for (i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i] < first_ms)
            first_ms = others[i];
    return first_ms;
}

size_t datagram_leave(const struct datagram *datagram, unsigned code, char out[SEGMENT_LIMIT])
{
    const struct segment segment = {
        .kind = SEGMENT_R, .id = datagram->start.sid, .code = code
    };

    return segment_write(&segment, out);
}

void datagram_forget(struct datagram *datagram)
{
    datagram_in_forget(&datagram->in);
    datagram_out_forget(&datagram->out);
}
