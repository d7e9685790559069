/* See datagram_in.h. */
#include "net/datagram_in.h"

#include <string.h>

#include "net/clock.h"
#include "net/wipe.h"

enum { ACKNOWLEDGE_MS = 40, UNACKNOWLEDGED = 2 };

static struct datagram_holding *at(struct datagram_in *in, uint32_t seq)
{
    return &in->ring[seq % SEGMENT_WINDOW];
}

void datagram_in_begin(struct datagram_in *in, unsigned window)
{
    size_t i;

    for (i = 0; i < SEGMENT_WINDOW; i++)
        in->ring[i].is_held = false;
    in->window = window;
    in->acked = in->read = in->highest = in->last = 0;
    in->taken = 0;
    in->edge = window;
    in->owed = 0;
    in->owed_ms = CLOCK_NEVER;
    in->has_echo = false;
    in->echo = 0;
}

void datagram_in_owe(struct datagram_in *in)
{
    in->owed_ms = 0;
}

/* How many segments may still come after those that are in order. */
static unsigned free_window(const struct datagram_in *in)
{
    return in->window - (in->acked - in->read);
}

bool datagram_in_is_complete(const struct datagram_in *in)
{
    return in->last != 0 && in->acked == in->last;
}

static void owe_more(struct datagram_in *in, int64_t now_ms)
{
    in->owed++;
    if (in->highest > in->acked || in->owed >= UNACKNOWLEDGED || datagram_in_is_complete(in))
        datagram_in_owe(in);
    else if (in->owed_ms == CLOCK_NEVER)
        in->owed_ms = now_ms + ACKNOWLEDGE_MS;
}

bool datagram_in_hold(struct datagram_in *in, const struct segment *segment, int64_t now_ms)
{
    struct datagram_holding *holding = at(in, segment->seq);

    if (segment->seq <= in->acked || segment->seq > in->acked + free_window(in) ||
        holding->is_held || (in->last != 0 && segment->seq > in->last)) {
        datagram_in_owe(in);
        return false;
    }
    holding->is_held = true;
    holding->length = segment->payload_length;
    memcpy(holding->payload, segment->payload, segment->payload_length);
    if (segment->kind == SEGMENT_F)
        in->last = segment->seq;
    if (segment->seq > in->highest)
        in->highest = segment->seq;
    while (in->acked < in->highest && at(in, in->acked + 1)->is_held)
        in->acked++;
    owe_more(in, now_ms);
    return true;
}

static void release(struct datagram_holding *holding)
{
    wipe(holding->payload, holding->length);
    holding->is_held = false;
}

void datagram_in_forget(struct datagram_in *in)
{
    size_t i;

    for (i = 0; i < SEGMENT_WINDOW; i++)
        if (in->ring[i].is_held)
            release(&in->ring[i]);
}

/* Does the peer wait for the room that there is now? */
static bool is_window_news(const struct datagram_in *in)
{
    unsigned known = in->edge > in->acked ? in->edge - in->acked : 0;
    unsigned half = (in->window + 1) / 2;

    return known < half && free_window(in) >= half;
}

size_t datagram_in_take(struct datagram_in *in, char *into, size_t room)
{
    size_t total = 0, part;

    while (total < room && in->read < in->acked) {
        struct datagram_holding *holding = at(in, in->read + 1);

        part = holding->length - in->taken;
        if (part > room - total)
            part = room - total;
        memcpy(into + total, holding->payload + in->taken, part);
        total += part;
        in->taken += part;
        if (in->taken == holding->length) {
            release(holding);
            in->taken = 0;
            in->read++;
        }
    }
    if (is_window_news(in))
        datagram_in_owe(in);
    return total;
}

void datagram_in_report(struct datagram_in *in, struct segment *segment)
{
    uint32_t seq;

    segment->ack = in->acked;
    segment->sack = 0;
    for (seq = in->highest; seq > in->acked + 1; seq--)
        segment->sack = segment->sack << 1 | at(in, seq)->is_held;
    segment->window = free_window(in);
    segment->has_te = in->has_echo;
    segment->te = in->echo;
    in->has_echo = false;
    in->edge = in->acked + segment->window;
    in->owed = 0;
    in->owed_ms = CLOCK_NEVER;
}
