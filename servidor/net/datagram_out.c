/* See datagram_out.h. */
#include "net/datagram_out.h"

#include <string.h>

#include "net/clock.h"
#include "net/spread.h"
#include "net/wipe.h"

enum {
    CONGESTION_FIRST = 4, /* RFC 6928 would allow 10; a mail's first lines are no hurry */
    CONGESTION_LEAST = 2,
    HELD_ABOVE = 3,      /* so many later ones held: a segment is lost, not late (RFC 5681, 3.2) */
    RTO_FIRST_MS = 1000, /* RFC 6298, 2.1 */
    RTO_LEAST_MS = 200,  /* its 2.4 has a second */
    RTO_SLACK_MS = 50,   /* an acknowledgement may wait 40 */
    TIMER_MOST_MS = 8000,
    SAMPLE_MOST_MS = 60000,
    DEATH_MS = 100000
};

static struct datagram_sending *at(struct datagram_out *out, uint32_t seq)
{
    return &out->ring[seq % SEGMENT_WINDOW];
}

const struct datagram_sending *datagram_out_segment(const struct datagram_out *out, uint32_t seq)
{
    return &out->ring[seq % SEGMENT_WINDOW];
}

void datagram_out_begin(struct datagram_out *out, unsigned window, enum segment_kind first,
                        uint64_t chance)
{
    out->first = first;
    out->cut = out->sent = out->acked = out->last = out->halved = 0;
    out->filled = 0;
    out->window = window;
    out->congestion = CONGESTION_FIRST;
    out->threshold = SEGMENT_WINDOW;
    out->growth = out->expiries = 0;
    out->timer_ms = CLOCK_NEVER;
    out->progress_ms = 0;
    out->srtt_8 = out->sample_ms = -1;
    out->rttvar_4 = 0;
    out->chance = chance;
}

bool datagram_out_waits(const struct datagram_out *out)
{
    return out->sent > out->acked;
}

static bool has_room(const struct datagram_out *out)
{
    return out->last == 0 && out->cut - out->acked < SEGMENT_WINDOW;
}

static void cut(struct datagram_out *out, enum segment_kind kind)
{
    struct datagram_sending *segment = at(out, ++out->cut);

    segment->kind = kind;
    segment->length = out->filled;
    segment->is_held = segment->is_wanted = false;
    out->filled = 0;
}

void datagram_out_push(struct datagram_out *out)
{
    if (out->filled > 0)
        cut(out, out->cut == 0 ? out->first : SEGMENT_D);
}

size_t datagram_out_put(struct datagram_out *out, const char *octets, size_t length)
{
    size_t put = 0, part;

    while (put < length && has_room(out)) {
        part = SEGMENT_PAYLOAD - out->filled;
        if (part > length - put)
            part = length - put;
        memcpy(at(out, out->cut + 1)->payload + out->filled, octets + put, part);
        out->filled += part;
        put += part;
        if (out->filled == SEGMENT_PAYLOAD)
            datagram_out_push(out);
    }
    return put;
}

bool datagram_out_finish(struct datagram_out *out)
{
    if (out->last != 0)
        return true;
    /* A W is not the last one: the client knows its server by it. */
    if (out->cut == 0)
        datagram_out_push(out);
    if (!has_room(out))
        return false;
    cut(out, SEGMENT_F);
    out->last = out->cut;
    return true;
}

static int64_t timeout_ms(const struct datagram_out *out)
{
    int64_t rto_ms = RTO_FIRST_MS;

    if (out->srtt_8 >= 0)
        rto_ms = out->srtt_8 / 8 + out->rttvar_4 + RTO_SLACK_MS;
    if (rto_ms < RTO_LEAST_MS)
        rto_ms = RTO_LEAST_MS;
    /* Beyond a few doublings it is the most there is, anyway. */
    rto_ms <<= out->expiries < 6 ? out->expiries : 6;
    return rto_ms < TIMER_MOST_MS ? rto_ms : TIMER_MOST_MS;
}

static void start_timer(struct datagram_out *out, int64_t now_ms)
{
    out->timer_ms = now_ms + spread_ms(&out->chance, timeout_ms(out));
}

/* Jacobson's estimate (RFC 6298, 2), in whole numbers. */
static void take_sample(struct datagram_out *out, int64_t sample_ms)
{
    int64_t off_ms;

    out->sample_ms = sample_ms;
    if (out->srtt_8 < 0) {
        out->srtt_8 = sample_ms * 8;
        out->rttvar_4 = sample_ms * 2;
        return;
    }
    off_ms = sample_ms - out->srtt_8 / 8;
    out->srtt_8 += off_ms;
    out->rttvar_4 += (off_ms < 0 ? -off_ms : off_ms) - out->rttvar_4 / 4;
}

static void grow(struct datagram_out *out)
{
    if (out->congestion < out->threshold) {
        out->congestion++;
    } else if (++out->growth >= out->congestion) {
        out->growth = 0;
        out->congestion++;
    }
    if (out->congestion > SEGMENT_WINDOW)
        out->congestion = SEGMENT_WINDOW;
}

void datagram_out_forget(struct datagram_out *out)
{
    uint32_t seq;

    for (seq = out->acked + 1; seq <= out->cut; seq++)
        wipe(at(out, seq)->payload, at(out, seq)->length);
    wipe(at(out, out->cut + 1)->payload, out->filled);
}

static void note_progress(struct datagram_out *out, int64_t now_ms)
{
    out->expiries = 0;
    out->progress_ms = now_ms;
}

static void advance(struct datagram_out *out, uint32_t acked, int64_t now_ms)
{
    while (out->acked < acked) {
        out->acked++;
        wipe(at(out, out->acked)->payload, at(out, out->acked)->length);
        grow(out);
    }
    note_progress(out, now_ms);
    if (datagram_out_waits(out))
        start_timer(out, now_ms);
    else
        out->timer_ms = CLOCK_NEVER;
}

static void mark_held(struct datagram_out *out, uint32_t sack)
{
    uint32_t seq = out->acked + 2;

    for (; sack != 0 && seq <= out->sent; sack >>= 1, seq++)
        if ((sack & 1) != 0)
            at(out, seq)->is_held = true;
}

static unsigned threshold_now(const struct datagram_out *out)
{
    unsigned half = out->congestion / 2;

    return half > CONGESTION_LEAST ? half : CONGESTION_LEAST;
}

/* What is missing at the peer though later ones came, and had the time to come, is lost (T4). */
static void find_lost(struct datagram_out *out, int64_t now_ms)
{
    unsigned held = 0;
    uint32_t seq;

    for (seq = out->sent; seq > out->acked; seq--) {
        struct datagram_sending *segment = at(out, seq);

        if (segment->is_held) {
            held++;
        } else if (held >= HELD_ABOVE && now_ms - segment->sent_ms >= out->srtt_8 / 8) {
            segment->is_wanted = true;
            if (seq > out->halved) {
                out->threshold = out->congestion = threshold_now(out);
                out->halved = out->sent;
            }
        }
    }
}

bool datagram_out_acknowledge(struct datagram_out *out, const struct segment *heard,
                              int64_t now_ms)
{
    uint32_t round_ms = (uint32_t)now_ms - heard->te;

    if (heard->ack > out->sent)
        return false;
    if (heard->has_te && round_ms <= SAMPLE_MOST_MS)
        take_sample(out, round_ms);
    if (heard->ack < out->acked)
        return true;
    if (heard->ack > out->acked)
        advance(out, heard->ack, now_ms);
    out->window = heard->window;
    /* Who says that it has no room is alive. */
    if (heard->window == 0)
        note_progress(out, now_ms);
    mark_held(out, heard->sack);
    if (out->srtt_8 >= 0)
        find_lost(out, now_ms);
    return true;
}

void datagram_out_tick(struct datagram_out *out, int64_t now_ms)
{
    if (now_ms < out->timer_ms)
        return;
    out->expiries++;
    at(out, out->acked + 1)->is_wanted = true;
    out->threshold = threshold_now(out);
    out->congestion = 1;
    out->growth = 0;
    start_timer(out, now_ms);
}

/* The last segment that the windows let go (T1). */
static uint32_t may_send(const struct datagram_out *out)
{
    unsigned window = out->window > 0 ? out->window : 1;

    return out->acked + (window < out->congestion ? window : out->congestion);
}

static uint32_t find_wanted(const struct datagram_out *out)
{
    uint32_t seq;

    for (seq = out->acked + 1; seq <= out->sent; seq++)
        if (datagram_out_segment(out, seq)->is_wanted)
            return seq;
    return 0;
}

uint32_t datagram_out_next(struct datagram_out *out, int64_t now_ms)
{
    uint32_t seq = find_wanted(out);

    if (seq == 0) {
        if (out->sent == out->cut || out->sent >= may_send(out))
            return 0;
        if (!datagram_out_waits(out)) {
            out->progress_ms = now_ms;
            start_timer(out, now_ms);
        }
        seq = ++out->sent;
    }
    at(out, seq)->is_wanted = false;
    at(out, seq)->sent_ms = now_ms;
    return seq;
}

int64_t datagram_out_death(const struct datagram_out *out)
{
    return datagram_out_waits(out) ? out->progress_ms + DEATH_MS : CLOCK_NEVER;
}
