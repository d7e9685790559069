/* The sending half of a session in numbered mode: rules T1, T2 and T4 of smtp-udp(7). */
#include "hand.h"

static void open_here(void)
{
    open_client(SEGMENT_WINDOW, SEGMENT_WINDOW);
}

static void a_push_cuts_a_segment(void)
{
    open_here();
    CHECK(says_nothing());
    datagram_push(&hand.end);
    CHECK(says_nothing()); /* of nothing, nothing is sent */
    put("MAIL FROM:");
    CHECK(says_nothing());
    put_and_push("<a@b>\r\n");
    CHECK(says_segment(SEGMENT_D, 1, "MAIL FROM:<a@b>\r\n") && says_nothing());
    datagram_push(&hand.end);
    CHECK(says_nothing());
    put_and_push("DATA\r\n");
    CHECK(says_segment(SEGMENT_D, 2, "DATA\r\n") && says_nothing());
}

static void what_fills_a_segment_goes_by_itself(void)
{
    static char octets[2 * SEGMENT_PAYLOAD + 1];

    open_here();
    memset(octets, 'x', sizeof octets);
    CHECK(datagram_put(&hand.end, octets, SEGMENT_PAYLOAD - 1) == SEGMENT_PAYLOAD - 1);
    CHECK(says_nothing());
    CHECK(datagram_put(&hand.end, octets, SEGMENT_PAYLOAD + 2) == SEGMENT_PAYLOAD + 2);
    CHECK(says_how_many() == 2 && hand.said.payload_length == SEGMENT_PAYLOAD);
    datagram_push(&hand.end);
    CHECK(says_segment(SEGMENT_D, 3, "x"));
}

static void so_much_has_room(void)
{
    size_t taken;

    open_client(1, 1);
    taken = put_segments(100);
    CHECK(taken <= SEGMENT_WINDOW && taken >= SEGMENT_WINDOW - 1);
    CHECK(datagram_put(&hand.end, "x", 1) == 0);
    CHECK(says_how_many() == 1);
    hear_ack(1);
    CHECK(put_segments(100) == 1);
    CHECK(!is_delivered());
}

/* T1 */
static void the_peer_says_how_many_may_go(void)
{
    open_client(HAND_WINDOW, 2);
    put_segments(9);
    CHECK(says_how_many() == 2);
    hand.window = 1;
    hear_ack(1);
    CHECK(says_how_many() == 0);
    hear_ack(2);
    CHECK(says_how_many() == 1);
    hand.window = 4;
    hear_ack(2); /* an update without news */
    CHECK(says_how_many() == 3 && hand.said.seq == 6);
}

static void a_closed_window_is_tried_with_one(void)
{
    open_client(HAND_WINDOW, 2);
    put_segments(9);
    CHECK(says_how_many() == 2);
    hand.window = 0;
    hear_ack(2);
    CHECK(says_how_many() == 1 && hand.said.seq == 3);
    hear_ack(2);
    CHECK(says_how_many() == 0);
    hand.window = 2;
    hear_ack(3);
    CHECK(says_how_many() == 2);
}

/* T2 */
static void four_go_at_first_then_more(void)
{
    uint32_t acked;

    open_here();
    put_segments(SEGMENT_WINDOW);
    CHECK(says_how_many() == 4);
    hear_ack(1);
    CHECK(says_how_many() == 2);
    hear_ack(6);
    CHECK(says_how_many() == 10 && hand.said.seq == 16); /* 6 + 4 + 6 */
    for (acked = 7; acked < 100; acked++) {
        put_segments(SEGMENT_WINDOW);
        says_how_many();
        hear_ack(acked);
    }
    put_segments(SEGMENT_WINDOW);
    says_how_many();
    CHECK(hand.said.seq == 99 + SEGMENT_WINDOW); /* and no more */
}

/* Eight segments are on their way for longer than a round trip. Returns the number before them. */
static uint32_t send_eight(void)
{
    uint32_t base;

    open_here();
    let_it_grow(2);
    base = hand.said.seq;
    CHECK(put_segments(8) == 8 && says_how_many() == 8);
    hand.now_ms += 20;
    return base;
}

/* T4 */
static void three_above_it_send_it_again(void)
{
    uint32_t base = send_eight();

    hand.sack = 3; /* two above are held */
    hear_ack(base);
    CHECK(says_nothing());
    hand.sack = 7;
    hear_ack(base);
    CHECK(says(SEGMENT_D) && hand.said.seq == base + 1 && says_nothing());
    hear_ack(base); /* at once again: it was only just sent */
    CHECK(says_nothing() && hand.end.tally.resent == 1);
    hand.sack = 0xf;
    hear_ack(base);
    CHECK(says_nothing());
}

static void each_hole_is_filled(void)
{
    uint32_t base = send_eight();

    hand.sack = 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6; /* 4, 6, 7 and 8 are there */
    hear_ack(base);
    CHECK(says(SEGMENT_D) && hand.said.seq == base + 1);
    CHECK(says(SEGMENT_D) && hand.said.seq == base + 2);
    CHECK(says(SEGMENT_D) && hand.said.seq == base + 3);
    CHECK(says(SEGMENT_D) && hand.said.seq == base + 5);
    CHECK(says_nothing() && hand.end.tally.resent == 4);
}

/* What was held of one window means nothing for the next. */
static void marks_do_not_outlive_their_segment(void)
{
    uint32_t base;

    open_here();
    let_it_grow(4);
    base = hand.said.seq;
    put_segments(SEGMENT_WINDOW);
    CHECK(says_how_many() == SEGMENT_WINDOW);
    hand.sack = 0x7fffffff;
    hear_ack(base);
    hand.sack = 0;
    hear_ack(base + SEGMENT_WINDOW);
    put_segments(SEGMENT_WINDOW);
    CHECK(says_how_many() > 3);
    hand.now_ms += 20;
    hear_ack(base + SEGMENT_WINDOW);
    CHECK(says_nothing());
}

static void not_before_a_round_trip_was_measured(void)
{
    open_here();
    put_segments(4);
    CHECK(says_how_many() == 4);
    hand.now_ms += 500;
    hand.sack = 7;
    hear_ack(0);
    CHECK(says_nothing());
}

static void not_before_a_round_trip_has_passed(void)
{
    uint32_t base;

    open_here();
    put_and_push("x");
    CHECK(says(SEGMENT_D));
    hand.now_ms += 300;
    hear_echo(1);
    base = hand.said.seq;
    put_segments(4);
    CHECK(says_how_many() == 4);
    hand.now_ms += 250;
    hand.sack = 7;
    hear_ack(base);
    CHECK(says_nothing());
    hand.now_ms += 51;
    hear_ack(base);
    CHECK(says(SEGMENT_D) && hand.said.seq == base + 1);
}

static void a_loss_halves_the_window_once(void)
{
    uint32_t base;

    open_here();
    let_it_grow(20);
    CHECK(put_segments(SEGMENT_WINDOW) == SEGMENT_WINDOW);
    base = hand.said.seq;
    CHECK(says_how_many() == 32);
    hand.now_ms += 20;
    hand.sack = 0xfffffffd; /* two of them are missing */
    hear_ack(base);
    CHECK(says(SEGMENT_D) && hand.said.seq == base + 1);
    CHECK(says(SEGMENT_D) && hand.said.seq == base + 3 && says_nothing());
    hand.sack = 0;
    hear_ack(base + 32);
    put_segments(SEGMENT_WINDOW);
    says_how_many();
    CHECK(hand.said.seq - (base + 32) >= 16 && hand.said.seq - (base + 32) <= 18);
}

int main(void)
{
    a_push_cuts_a_segment();
    what_fills_a_segment_goes_by_itself();
    so_much_has_room();
    the_peer_says_how_many_may_go();
    a_closed_window_is_tried_with_one();
    four_go_at_first_then_more();
    three_above_it_send_it_again();
    each_hole_is_filled();
    marks_do_not_outlive_their_segment();
    not_before_a_round_trip_was_measured();
    not_before_a_round_trip_has_passed();
    a_loss_halves_the_window_once();
    return check_status();
}
