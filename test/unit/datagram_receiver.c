/* The receiving half of a session in numbered mode: rules R1 to R6 of smtp-udp(7). */
#include "hand.h"

static void open_here(void)
{
    open_client(HAND_WINDOW, HAND_WINDOW);
}

static void segments_come_in_order(void)
{
    open_here();
    hear(SEGMENT_D, 2, "one ");
    CHECK(takes("one "));
    hear(SEGMENT_D, 3, "two ");
    hear(SEGMENT_D, 4, "three");
    CHECK(takes("two three") && takes(""));
}

/* R1 */
static void another_session_does_not_matter(void)
{
    open_here();
    hand.id ^= 1;
    hear(SEGMENT_D, 2, "x");
    hear(SEGMENT_P, 0, "");
    hear(SEGMENT_F, 2, "");
    hear_refusal(421);
    CHECK(says_nothing() && takes("") && hand.end.end == DATAGRAM_OPEN);
    CHECK(hand.end.tally.dropped == 4);
    hand.now_ms += 40;
    CHECK(says_nothing());
}

static void nonsense_does_not_matter(void)
{
    static char octets[SEGMENT_LIMIT + 1] = "S1 D 7c1f0a9be2d45566 2 0 0 16 1 -\nx";

    open_here();
    datagram_receive(&hand.end, "", 0, hand.now_ms);
    datagram_receive(&hand.end, "QUIT\r\n", 6, hand.now_ms);
    datagram_receive(&hand.end, "S1 D\n", 5, hand.now_ms);
    datagram_receive(&hand.end, octets, sizeof octets, hand.now_ms);
    hear(SEGMENT_C, 0, "");
    CHECK(says_nothing() && takes("") && hand.end.end == DATAGRAM_OPEN);
    datagram_receive(&hand.end, octets, strlen(octets), hand.now_ms);
    CHECK(takes("x"));
}

/* R2 */
static void what_came_before_is_acknowledged_at_once(void)
{
    open_here();
    hear(SEGMENT_D, 2, "once");
    hand.now_ms += 40;
    CHECK(says(SEGMENT_A) && hand.said.ack == 2 && says_nothing());
    hear(SEGMENT_D, 2, "once");
    CHECK(says(SEGMENT_A) && hand.said.ack == 2 && says_nothing());
    CHECK(takes("once"));
    hear(SEGMENT_D, 2, "once");
    CHECK(takes("") && says(SEGMENT_A) && hand.said.ack == 2 && says_nothing());
    hear(SEGMENT_W, 1, "220\r\n");
    CHECK(takes("") && says(SEGMENT_A) && says_nothing());
    CHECK(hand.end.tally.repeated == 3);
}

static void what_is_held_is_acknowledged_at_once(void)
{
    open_here();
    hear(SEGMENT_D, 3, "two");
    CHECK(says(SEGMENT_A) && hand.said.ack == 1 && hand.said.sack == 1 && says_nothing());
    hear(SEGMENT_D, 3, "TWO");
    CHECK(says(SEGMENT_A) && hand.said.ack == 1 && hand.said.sack == 1 && says_nothing());
    CHECK(takes("") && hand.end.tally.repeated == 1);
    hear(SEGMENT_D, 2, "one");
    CHECK(takes("onetwo"));
}

/* A segment beyond the window is not held, even if there were room. */
static void what_was_not_allowed_is_not_held(void)
{
    open_here();
    hear(SEGMENT_D, 18, "beyond");
    CHECK(says(SEGMENT_A) && hand.said.ack == 1 && hand.said.sack == 0 && says_nothing());
    hear(SEGMENT_D, 17, "last");
    CHECK(says(SEGMENT_A) && hand.said.ack == 1 && hand.said.sack == 1 << 14);
    hear(SEGMENT_D, 2147483647, "far");
    hear(SEGMENT_D, 1 + 32, "ring");
    CHECK(says(SEGMENT_A) && hand.said.sack == 1 << 14 && takes(""));
}

static void the_window_counts_from_what_was_told(void)
{
    open_here();
    hear(SEGMENT_D, 2, "a"); /* not acknowledged yet: the peer may send up to 17 */
    CHECK(takes("a"));
    hear(SEGMENT_D, 17, "b");
    CHECK(says(SEGMENT_A) && hand.said.ack == 2 && hand.said.sack == 1 << 13);
    CHECK(hand.said.window == 16);
    hear(SEGMENT_D, 18, "c");
    CHECK(says(SEGMENT_A) && hand.said.sack == (1 << 13 | 1 << 14));
}

/* R3 */
static void disorder_is_mended(void)
{
    open_here();
    hear(SEGMENT_D, 6, "5 ");
    hear(SEGMENT_D, 3, "2 ");
    hear(SEGMENT_D, 5, "4 ");
    CHECK(says(SEGMENT_A) && hand.said.ack == 1 && hand.said.sack == 0xd && takes(""));
    hear(SEGMENT_D, 2, "1 ");
    CHECK(takes("1 2 "));
    CHECK(says(SEGMENT_A) && hand.said.ack == 3 && hand.said.sack == 0x3); /* still a gap */
    hear(SEGMENT_D, 4, "3 ");
    CHECK(takes("3 4 5 "));
    hand.now_ms += 40;
    CHECK(says(SEGMENT_A) && hand.said.ack == 6 && hand.said.sack == 0);
}

static void a_stream_is_taken_in_any_pieces(void)
{
    char piece[8];

    open_here();
    hear(SEGMENT_D, 2, "abc");
    hear(SEGMENT_D, 3, "defgh");
    CHECK(datagram_take(&hand.end, piece, 2) == 2 && memcmp(piece, "ab", 2) == 0);
    CHECK(datagram_take(&hand.end, piece, 0) == 0);
    CHECK(datagram_take(&hand.end, piece, 3) > 0 && piece[0] == 'c');
    while (datagram_take(&hand.end, piece, 1) == 1)
        ;
    CHECK(piece[0] == 'h');
}

/* R4 */
static void a_lone_segment_is_acknowledged_soon(void)
{
    open_here();
    hear(SEGMENT_D, 2, "x");
    CHECK(says_nothing() && datagram_deadline(&hand.end) == hand.now_ms + 40);
    CHECK(wait_for_deadline() == 40);
    CHECK(says(SEGMENT_A) && hand.said.ack == 2 && hand.said.seq == 0 && says_nothing());
    hand.now_ms += 40;
    CHECK(says_nothing());
}

static void the_second_segment_does_not_wait(void)
{
    open_here();
    hear(SEGMENT_D, 2, "x");
    CHECK(says_nothing());
    hand.now_ms += 5;
    hear(SEGMENT_D, 3, "y");
    CHECK(says(SEGMENT_A) && hand.said.ack == 3 && says_nothing());
    hear(SEGMENT_D, 4, "z"); /* the count begins anew */
    CHECK(says_nothing() && wait_for_deadline() == 40);
    CHECK(says(SEGMENT_A) && hand.said.ack == 4);
}

static void nothing_waits_while_there_is_a_gap(void)
{
    open_here();
    hear(SEGMENT_D, 4, "c");
    CHECK(says(SEGMENT_A) && says_nothing());
    hear(SEGMENT_D, 2, "a");
    CHECK(says(SEGMENT_A) && hand.said.ack == 2 && hand.said.sack == 1 && says_nothing());
}

static void an_answer_carries_the_acknowledgement(void)
{
    open_here();
    hear(SEGMENT_D, 2, "250\r\n");
    put_and_push("QUIT\r\n");
    CHECK(says_segment(SEGMENT_D, 1, "QUIT\r\n") && hand.said.ack == 2 && says_nothing());
    hand.now_ms += 40;
    CHECK(says_nothing());
}

static void a_hurry_waits_for_nothing(void)
{
    open_here();
    datagram_hurry(&hand.end);
    CHECK(says_nothing()); /* nothing is owed */
    hear(SEGMENT_D, 2, "x");
    datagram_hurry(&hand.end);
    CHECK(says(SEGMENT_A) && hand.said.ack == 2 && says_nothing());
}

/* What is due at once stays so, whatever comes before it was sent. */
static void what_is_due_is_not_put_off(void)
{
    open_here();
    hear(SEGMENT_P, 0, "");
    hear(SEGMENT_D, 2, "x");
    CHECK(says(SEGMENT_A) && hand.said.ack == 2 && says_nothing());
}

/* Half of the window must be free to be worth a datagram of its own. */
static void a_window_that_opens_is_told(void)
{
    char piece[8];
    uint32_t seq;

    open_here();
    for (seq = 2; seq < 2 + HAND_WINDOW; seq++)
        hear(SEGMENT_D, seq, "x");
    CHECK(says(SEGMENT_A) && hand.said.ack == 17 && hand.said.window == 0 && says_nothing());
    CHECK(datagram_take(&hand.end, piece, 7) == 7);
    CHECK(says_nothing());
    CHECK(datagram_take(&hand.end, piece, 1) == 1);
    CHECK(says(SEGMENT_A) && hand.said.ack == 17 && hand.said.window == 8 && says_nothing());
    CHECK(takes("xxxxxxxx"));
    CHECK(says_nothing()); /* so many may come already that it need not be told */
}

static void the_smallest_window_opens_too(void)
{
    open_client(1, 1);
    hear(SEGMENT_D, 2, "x");
    CHECK(wait_for_deadline() == 40 && says(SEGMENT_A) && hand.said.window == 0);
    hear(SEGMENT_D, 3, "y");
    CHECK(says(SEGMENT_A) && hand.said.ack == 2 && hand.said.window == 0 && says_nothing());
    CHECK(takes("x") && says(SEGMENT_A) && hand.said.window == 1);
}

/* R5 */
static void only_a_question_is_answered(void)
{
    open_here();
    hear(SEGMENT_A, 0, "");
    CHECK(says_nothing());
    hear(SEGMENT_P, 0, "");
    CHECK(says(SEGMENT_A) && hand.said.ack == 1 && says_nothing());
    hear(SEGMENT_A, 0, "");
    hand.now_ms += 40;
    CHECK(says_nothing());
    hand.id ^= 1;
    hear_refusal(503);
    CHECK(says_nothing());
}

/* R6 */
static void an_impossible_acknowledgement_is_dropped(void)
{
    open_here();
    hand.ack = 1; /* of a segment that was never sent */
    hear(SEGMENT_D, 2, "x");
    hear(SEGMENT_A, 0, "");
    hand.now_ms += 40;
    CHECK(takes("") && says_nothing() && hand.end.tally.dropped == 2);
    put_and_push("NOOP\r\n");
    CHECK(says_segment(SEGMENT_D, 1, "NOOP\r\n"));
    hand.ack = 2;
    hear(SEGMENT_D, 2, "x");
    CHECK(takes("") && !is_delivered());
    hand.ack = 1;
    hear(SEGMENT_D, 2, "x");
    CHECK(takes("x") && is_delivered());
}

static void what_waits_to_be_sent_cannot_be_acknowledged(void)
{
    open_client(HAND_WINDOW, 1);
    put_segments(3);
    CHECK(says_how_many() == 1);
    hear_ack(2);
    CHECK(says_nothing() && hand.end.tally.dropped == 1);
    hear_ack(1);
    CHECK(says_how_many() == 1);
}

/* A late datagram: its text is as good as ever, but what it says of us is not. */
static void an_older_acknowledgement_is_ignored(void)
{
    open_here();
    put_segments(2);
    CHECK(says_how_many() == 2);
    hear_ack(2);
    hand.ack = 1;
    hand.window = 0;
    hear(SEGMENT_D, 2, "late");
    CHECK(takes("late") && is_delivered());
    put_segments(3);
    CHECK(says_how_many() == 3);
}

/* te: the ts of the last D, F, W or P since our last datagram. */
static void a_time_is_echoed_once(void)
{
    open_here();
    hand.ts = 0x77;
    hear(SEGMENT_D, 2, "x");
    hand.ts = 0x99;
    hear(SEGMENT_A, 0, ""); /* an acknowledgement's is not echoed */
    hand.now_ms += 40;
    CHECK(says(SEGMENT_A) && hand.said.has_te && hand.said.te == 0x77);
    CHECK(hand.said.ts == (uint32_t)(hand.now_ms & UINT32_MAX));
    put_and_push("a");
    CHECK(says(SEGMENT_D) && !hand.said.has_te);
    hand.ts = 0xffffffff;
    hear(SEGMENT_P, 0, "");
    CHECK(says(SEGMENT_A) && hand.said.has_te && hand.said.te == 0xffffffff);
    hand.ts = 1;
    hear(SEGMENT_D, 4, "z");
    hand.ts = 2;
    hear(SEGMENT_D, 3, "y");
    CHECK(says(SEGMENT_A) && hand.said.has_te && hand.said.te == 2);
    hand.ts = 3;
    hear(SEGMENT_D, 3, "y"); /* a repetition's, too: it may be the only one that gets through */
    CHECK(says(SEGMENT_A) && hand.said.has_te && hand.said.te == 3);
}

int main(void)
{
    segments_come_in_order();
    another_session_does_not_matter();
    nonsense_does_not_matter();
    what_came_before_is_acknowledged_at_once();
    what_is_held_is_acknowledged_at_once();
    what_was_not_allowed_is_not_held();
    the_window_counts_from_what_was_told();
    disorder_is_mended();
    a_stream_is_taken_in_any_pieces();
    a_lone_segment_is_acknowledged_soon();
    the_second_segment_does_not_wait();
    nothing_waits_while_there_is_a_gap();
    an_answer_carries_the_acknowledgement();
    a_hurry_waits_for_nothing();
    what_is_due_is_not_put_off();
    a_window_that_opens_is_told();
    the_smallest_window_opens_too();
    only_a_question_is_answered();
    an_impossible_acknowledgement_is_dropped();
    what_waits_to_be_sent_cannot_be_acknowledged();
    an_older_acknowledgement_is_ignored();
    a_time_is_echoed_once();
    return check_status();
}
