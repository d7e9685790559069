/* The timers of a session in numbered mode: rules T3, T5 and T6 of smtp-udp(7). */
#include "hand.h"

static const int64_t dead_ms = HAND_DEAD_MS;

static void open_here(void)
{
    open_client(SEGMENT_WINDOW, SEGMENT_WINDOW);
}

/* T3 */
static void only_the_oldest_is_sent_again(void)
{
    open_here();
    put("first");
    put_segments(3);
    CHECK(says_how_many() == 3);
    CHECK(is_spread(wait_for_deadline(), 1000)); /* no sample yet */
    CHECK(says(SEGMENT_D) && hand.said.seq == 1 && memcmp(hand.said.payload, "first", 5) == 0);
    CHECK(hand.said.payload_length == SEGMENT_PAYLOAD && says_nothing());
    CHECK(hand.end.tally.resent == 1);
    CHECK(is_spread(wait_for_deadline(), 2000));
    CHECK(says(SEGMENT_D) && hand.said.seq == 1 && says_nothing());
    hear_ack(1);
    CHECK(says_nothing()); /* the acknowledgement sends nothing again */
    CHECK(is_spread(wait_for_deadline(), 1000));
    CHECK(says(SEGMENT_D) && hand.said.seq == 2 && says_nothing());
}

static void waits_double_up_to_eight_seconds(void)
{
    static const int64_t timers_ms[] = { 1000, 2000, 4000, 8000, 8000, 8000 };
    size_t i;

    open_here();
    put_and_push("x");
    CHECK(says_segment(SEGMENT_D, 1, "x"));
    for (i = 0; i < sizeof timers_ms / sizeof timers_ms[0]; i++) {
        CHECK(is_spread(wait_for_deadline(), timers_ms[i]));
        CHECK(says_segment(SEGMENT_D, 1, "x") && says_nothing());
        hand.window = HAND_WINDOW;
        hear(SEGMENT_P, 0, ""); /* it is there, but that is no progress */
        CHECK(says(SEGMENT_A) && says_nothing());
    }
    CHECK(hand.end.end == DATAGRAM_OPEN);
}

/* It stands where the oldest one put it, whatever goes later. */
static void there_is_one_timer(void)
{
    int64_t deadline_ms;

    open_here();
    put_and_push("a");
    CHECK(says_segment(SEGMENT_D, 1, "a"));
    deadline_ms = datagram_deadline(&hand.end);
    hand.now_ms += 700;
    put_and_push("b");
    CHECK(says_segment(SEGMENT_D, 2, "b") && datagram_deadline(&hand.end) == deadline_ms);
    hear_ack(1); /* progress: from now on it is about the other */
    CHECK(datagram_deadline(&hand.end) >= hand.now_ms + 1000);
    hear_ack(2);
    CHECK(datagram_deadline(&hand.end) > hand.now_ms + 1250); /* nothing to wait for: no timer */
}

static void a_resent_segment_is_the_same_but_for_its_news(void)
{
    open_here();
    put_and_push("x");
    CHECK(says_segment(SEGMENT_D, 1, "x") && hand.said.ack == 1);
    hand.now_ms += 990;
    hand.ts = 0x1234;
    hear(SEGMENT_D, 3, "late");
    CHECK(says(SEGMENT_A) && hand.said.te == 0x1234);
    hand.ts = 0x2345;
    hear(SEGMENT_D, 2, "y");
    CHECK(takes("ylate"));
    hand.now_ms = datagram_deadline(&hand.end);
    if (says(SEGMENT_A)) /* the 40 ms may be over first */
        hand.now_ms = datagram_deadline(&hand.end);
    CHECK(says_segment(SEGMENT_D, 1, "x") && hand.said.ack == 3 && hand.said.sack == 0);
    CHECK(hand.said.ts == (uint32_t)(hand.now_ms & UINT32_MAX) && hand.said.window == 32);
}

/* After an expiry, one by one again; and growth is slow above half of what it was. */
static void an_expiry_starts_small(void)
{
    open_here();
    let_it_grow(3);
    CHECK(put_segments(12) == 12 && says_how_many() == 12);
    wait_for_deadline();
    CHECK(says_how_many() == 1); /* the oldest */
    put_segments(SEGMENT_WINDOW);
    CHECK(says_nothing());
    hear_ack(hand.said.seq + 11);
    CHECK(says_how_many() == 13); /* 1 + 12, still below the threshold */
}

static void growth_is_slow_above_the_threshold(void)
{
    uint32_t acked;
    unsigned i;

    open_here();
    put_segments(4);
    CHECK(says_how_many() == 4);
    wait_for_deadline();
    CHECK(says_how_many() == 1); /* threshold 2, one may go */
    put_segments(SEGMENT_WINDOW);
    hear_ack(4);
    acked = 4;
    CHECK(says_how_many() == 2 || hand.said.seq <= 4 + 3); /* 1, 2, then by halves */
    for (i = 0; i < 3; i++)
        hear_ack(++acked);
    says_how_many();
    CHECK(hand.said.seq >= acked + 3 && hand.said.seq <= acked + 4);
}

/* T5 */
static void the_timer_learns_from_round_trips(void)
{
    open_here();
    put_and_push("x");
    CHECK(says(SEGMENT_D));
    hand.now_ms += 400;
    hear_echo(1);
    CHECK(hand.end.out.sample_ms == 400);
    put_and_push("y");
    CHECK(says(SEGMENT_D));
    CHECK(is_spread(wait_for_deadline(), 400 + 4 * 200 + 50));
}

/* SRTT 375 after 400 and 200, and RTTVAR 200 still (RFC 6298, 2.3). */
static void each_round_trip_counts_a_little(void)
{
    open_here();
    put_and_push("x");
    CHECK(says(SEGMENT_D));
    hand.now_ms += 400;
    hear_echo(1);
    put_and_push("y");
    CHECK(says(SEGMENT_D));
    hand.now_ms += 200;
    hear_echo(2);
    put_and_push("z");
    CHECK(says(SEGMENT_D));
    CHECK(is_spread(wait_for_deadline(), 375 + 4 * 200 + 50));
}

static void a_network_may_become_quicker(void)
{
    uint32_t seq;

    open_here();
    for (seq = 1; seq <= 50; seq++) {
        put_and_push("x");
        CHECK(says(SEGMENT_D));
        hand.now_ms += seq == 1 ? 1000 : 300;
        hear_echo(seq);
    }
    put_and_push("x");
    CHECK(says(SEGMENT_D));
    CHECK(wait_for_deadline() < (300 + 4 * 10 + 50) * 5 / 4);
}

static void the_timer_is_not_too_quick(void)
{
    open_here();
    let_it_grow(4); /* hardly any time */
    put_and_push("y");
    CHECK(says(SEGMENT_D));
    CHECK(is_spread(wait_for_deadline(), 200));
}

/* A resent segment measures as well as any: the echo says which sending it answers. */
static void a_resend_is_a_sample_too(void)
{
    open_here();
    put_and_push("x");
    CHECK(says(SEGMENT_D));
    wait_for_deadline();
    CHECK(says(SEGMENT_D));
    hand.now_ms += 100;
    hear_echo(1);
    CHECK(hand.end.out.sample_ms == 100);
}

static void an_absurd_sample_is_ignored(void)
{
    open_here();
    put_and_push("x");
    CHECK(says(SEGMENT_D));
    hand.said.ts -= 60001;
    hear_echo(1);
    CHECK(hand.end.out.sample_ms == -1);
    hand.said.ts += 60002; /* of the future */
    hear_echo(1);
    CHECK(hand.end.out.sample_ms == -1);
    put_and_push("x");
    CHECK(says(SEGMENT_D));
    hand.said.ts -= 59999;
    hear_echo(2);
    CHECK(hand.end.out.sample_ms == 59999);
}

/* The other end talks, but never acknowledges. */
static void no_progress_is_death(void)
{
    int64_t begin_ms;

    open_here();
    hand.now_ms += 5000;
    hear(SEGMENT_A, 0, "");
    put_and_push("x");
    CHECK(says(SEGMENT_D));
    begin_ms = hand.now_ms;
    while (hand.now_ms < begin_ms + dead_ms - 500) {
        hand.now_ms += 500;
        hear(SEGMENT_A, 0, "");
        while (says(SEGMENT_D))
            ;
        CHECK(hand.end.end == DATAGRAM_OPEN);
    }
    hand.now_ms = begin_ms + dead_ms - 1;
    while (says(SEGMENT_D))
        ;
    CHECK(hand.end.end == DATAGRAM_OPEN);
    hand.now_ms++;
    CHECK(says_nothing() && is_over(DATAGRAM_DEAD));
}

static void a_full_reader_is_alive(void)
{
    int64_t begin_ms;

    open_here();
    put_and_push("x");
    CHECK(says(SEGMENT_D));
    hand.window = 0;
    for (begin_ms = hand.now_ms; hand.now_ms < begin_ms + 3 * dead_ms; hand.now_ms += 500) {
        hear(SEGMENT_A, 0, "");
        while (says(SEGMENT_D))
            ;
        CHECK(hand.end.end == DATAGRAM_OPEN);
    }
    CHECK(hand.end.tally.resent > 100); /* its window is tried, and not ever more rarely */
    hear_ack(1);
    CHECK(is_delivered());
}

/* Progress long ago is not counted against what is sent today. */
static void a_long_rest_is_not_held_against_it(void)
{
    int i;

    open_here();
    for (i = 0; i < 30; i++) {
        hand.now_ms += 10000;
        hear(SEGMENT_A, 0, "");
    }
    put_and_push("x");
    CHECK(says(SEGMENT_D) && hand.end.end == DATAGRAM_OPEN);
    hand.now_ms += 50000;
    hear(SEGMENT_A, 0, "");
    CHECK(says(SEGMENT_D) && hand.end.end == DATAGRAM_OPEN);
}

int main(void)
{
    only_the_oldest_is_sent_again();
    waits_double_up_to_eight_seconds();
    there_is_one_timer();
    a_resent_segment_is_the_same_but_for_its_news();
    an_expiry_starts_small();
    growth_is_slow_above_the_threshold();
    the_timer_learns_from_round_trips();
    each_round_trip_counts_a_little();
    a_network_may_become_quicker();
    the_timer_is_not_too_quick();
    a_resend_is_a_sample_too();
    an_absurd_sample_is_ignored();
    no_progress_is_death();
    a_full_reader_is_alive();
    a_long_rest_is_not_held_against_it();
    return check_status();
}
