/*
 * One end of a session in numbered mode, and a hand that plays its peer: it writes each
 * datagram itself, and the clock runs when it says so.
 */
#ifndef TEST_HAND_H
#define TEST_HAND_H

#include "net/datagram.h"

#include <string.h>

#include "net/clock.h"

#include "check.h"

enum { HAND_WINDOW = 16, HAND_TRIP_MS = 10, HAND_DEAD_MS = 100000 };

#define HAND_SID UINT64_C(0x7c1f0a9be2d45566)
#define HAND_CN UINT64_C(0x00d1e8a94f3b7a21)

static struct hand {
    struct datagram end;
    int64_t now_ms;
    struct segment said; /* the last datagram of the end */
    char octets[SEGMENT_LIMIT];
    /* what stands in the next datagram of the hand */
    uint64_t id;
    uint32_t ack, sack, ts, te;
    unsigned window, code;
    bool has_te;
} hand;

/* The end says something now, and it is of that kind. */
static inline bool says(enum segment_kind kind)
{
    size_t length = datagram_next(&hand.end, hand.octets, hand.now_ms);

    return length > 0 && segment_parse(&hand.said, hand.octets, length) &&
           hand.said.kind == kind && hand.said.id == HAND_SID;
}

/* And what it says has this number and text. */
static inline bool says_segment(enum segment_kind kind, uint32_t seq, const char *text)
{
    return says(kind) && hand.said.seq == seq && hand.said.payload_length == strlen(text) &&
           memcmp(hand.said.payload, text, strlen(text)) == 0;
}

static inline bool says_nothing(void)
{
    size_t length = datagram_next(&hand.end, hand.octets, hand.now_ms);

    if (length > 0)
        fprintf(stderr, "said: %.*s\n", (int)length, hand.octets);
    return length == 0;
}

/* The session has ended so, says no more and waits for nothing. */
static inline bool is_over(enum datagram_end end)
{
    return hand.end.end == end && says_nothing() && datagram_deadline(&hand.end) == CLOCK_NEVER;
}

/* All that it has cut into segments is acknowledged. */
static inline bool is_delivered(void)
{
    return hand.end.out.acked == hand.end.out.cut;
}

/* How many segments it sends now; the last one is in hand.said. */
static inline unsigned says_how_many(void)
{
    unsigned count = 0;

    while (says(SEGMENT_D))
        count++;
    return count;
}

static inline void hear(enum segment_kind kind, uint32_t seq, const char *text)
{
    struct segment segment = { .kind = kind, .id = hand.id, .cn = HAND_CN, .seq = seq };
    char out[SEGMENT_LIMIT];

    segment.code = hand.code;
    segment.window = hand.window;
    segment.ack = hand.ack;
    segment.sack = hand.sack;
    segment.ts = hand.ts;
    segment.te = hand.te;
    segment.has_te = hand.has_te;
    segment.payload = text;
    segment.payload_length = strlen(text);
    datagram_receive(&hand.end, out, segment_write(&segment, out), hand.now_ms);
}

/* The hand acknowledges all up to `ack`; `te` is not sent. */
static inline void hear_ack(uint32_t ack)
{
    hand.ack = ack;
    hear(SEGMENT_A, 0, "");
}

/* The same, and it echoes the ts of what was said last, which is a sample. */
static inline void hear_echo(uint32_t ack)
{
    hand.has_te = true;
    hand.te = hand.said.ts;
    hear_ack(ack);
    hand.has_te = false;
}

static inline void hear_refusal(unsigned code)
{
    hand.code = code;
    hear(SEGMENT_R, 0, "");
}

/* What can be taken now is this. */
static inline bool takes(const char *text)
{
    static char taken[(SEGMENT_WINDOW + 1) * SEGMENT_PAYLOAD];
    size_t length = datagram_take(&hand.end, taken, sizeof taken);

    return length == strlen(text) && memcmp(taken, text, length) == 0;
}

static inline void put(const char *text)
{
    CHECK(datagram_put(&hand.end, text, strlen(text)) == strlen(text));
}

static inline void put_and_push(const char *text)
{
    put(text);
    datagram_push(&hand.end);
}

/* Puts `count` whole segments, of which so many are taken. */
static inline size_t put_segments(unsigned count)
{
    static char octets[SEGMENT_PAYLOAD];
    size_t taken = 0;

    memset(octets, 'x', sizeof octets);
    for (; count > 0; count--)
        taken += datagram_put(&hand.end, octets, sizeof octets);
    return taken / sizeof octets;
}

/* The clock goes to the deadline, and nothing was said before. Returns how long it took. */
static inline int64_t wait_for_deadline(void)
{
    int64_t since_ms = hand.now_ms, deadline_ms = datagram_deadline(&hand.end);

    CHECK(deadline_ms > hand.now_ms);
    hand.now_ms = deadline_ms - 1;
    CHECK(says_nothing());
    hand.now_ms = deadline_ms;
    return hand.now_ms - since_ms;
}

/* Begins as that side with a window, the hand with another; nothing was sent. */
static inline void begin_as(enum datagram_side side, unsigned window, unsigned peer_window)
{
    struct datagram_start start = { .side = side, .sid = HAND_SID, .cn = HAND_CN, .seed = 1 };

    memset(&hand, 0, sizeof hand);
    hand.now_ms = INT64_C(5000000000); /* more than 32 bits of milliseconds */
    hand.id = HAND_SID;
    hand.window = peer_window;
    hand.ts = 1;
    start.window = window;
    start.peer_window = peer_window;
    datagram_begin(&hand.end, &start, hand.now_ms);
}

/* A client that has taken and acknowledged the greeting; its first segment will be 1. */
static inline void open_client(unsigned window, unsigned peer_window)
{
    begin_as(DATAGRAM_CLIENT, window, peer_window);
    hear(SEGMENT_W, 1, "220\r\n");
    CHECK(takes("220\r\n"));
    hand.now_ms += 40;
    CHECK(says(SEGMENT_A) && hand.said.ack == 1);
    CHECK(says_nothing() && hand.end.end == DATAGRAM_OPEN);
}

/* A server whose greeting was acknowledged after HAND_TRIP_MS; its next segment will be 2. */
static inline void open_server(unsigned window, unsigned peer_window)
{
    begin_as(DATAGRAM_SERVER, window, peer_window);
    put_and_push("220\r\n");
    CHECK(says_segment(SEGMENT_W, 1, "220\r\n") && hand.said.cn == HAND_CN);
    CHECK(says_nothing());
    hand.now_ms += HAND_TRIP_MS;
    hear_echo(1);
    CHECK(says_nothing() && is_delivered());
}

/* The same with udp-port=same. */
static inline void open_sharing_server(void)
{
    open_server(HAND_WINDOW, HAND_WINDOW);
    hand.end.start.shares_port = true;
}

/* Is `wait_ms` that timer, spread by at most a quarter? */
static inline bool is_spread(int64_t wait_ms, int64_t timer_ms)
{
    return wait_ms >= timer_ms && wait_ms <= timer_ms + timer_ms / 4;
}

/* All that was said is acknowledged, so often, each time after HAND_TRIP_MS. */
static inline void let_it_grow(unsigned rounds)
{
    for (; rounds > 0; rounds--) {
        put_segments(SEGMENT_WINDOW);
        CHECK(says_how_many() > 0);
        hand.now_ms += HAND_TRIP_MS;
        hear_echo(hand.said.seq);
    }
    while (says_how_many() > 0) {
        hand.now_ms += HAND_TRIP_MS;
        hear_echo(hand.said.seq);
    }
    CHECK(is_delivered());
}

#endif
