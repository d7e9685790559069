/* How a session in numbered mode stays alive, and all the ways in which it ends. */
#include "hand.h"

static const int64_t quiet_ms = 15000, dead_ms = HAND_DEAD_MS;

/* Nothing is said up to there, and the session is open. */
static void nothing_happens_for(int64_t wait_ms)
{
    int64_t end_ms = hand.now_ms + wait_ms;

    while (hand.now_ms < end_ms) {
        int64_t deadline_ms = datagram_deadline(&hand.end);

        CHECK(deadline_ms > hand.now_ms);
        hand.now_ms = deadline_ms < end_ms && deadline_ms > hand.now_ms ? deadline_ms : end_ms;
        CHECK(says_nothing() && hand.end.end == DATAGRAM_OPEN);
    }
}

static void open_here(void)
{
    open_client(HAND_WINDOW, HAND_WINDOW);
    hear(SEGMENT_A, 0, ""); /* the last that it hears */
}

static void a_quiet_client_asks(void)
{
    int i;

    open_here();
    for (i = 0; i < 3; i++) {
        nothing_happens_for(quiet_ms - 1);
        hand.now_ms++;
        CHECK(says(SEGMENT_P) && hand.said.seq == 0 && hand.said.ack == 1 && says_nothing());
    }
    hand.now_ms += 50;
    hear(SEGMENT_A, 0, "");
    nothing_happens_for(quiet_ms - 1);
    hand.now_ms++;
    CHECK(says(SEGMENT_P));
}

static void who_waits_for_an_acknowledgement_need_not_ask(void)
{
    int64_t begin_ms;

    open_here();
    put_and_push("x");
    CHECK(says(SEGMENT_D));
    for (begin_ms = hand.now_ms; hand.now_ms < begin_ms + 60000;) {
        hand.now_ms = datagram_deadline(&hand.end);
        CHECK(says(SEGMENT_D) && says_nothing());
    }
}

static void a_server_only_listens(void)
{
    open_server(HAND_WINDOW, HAND_WINDOW);
    nothing_happens_for(dead_ms - 1);
    hand.now_ms++;
    CHECK(says_nothing() && is_over(DATAGRAM_DEAD));
}

static void silence_is_death(void)
{
    int64_t heard_ms;

    open_here();
    heard_ms = hand.now_ms;
    while (hand.now_ms < heard_ms + 90000) {
        hand.now_ms = datagram_deadline(&hand.end);
        CHECK(says(SEGMENT_P) && says_nothing());
    }
    nothing_happens_for(heard_ms + dead_ms - 1 - hand.now_ms);
    hand.id ^= 1; /* what is not valid is as silence */
    hear(SEGMENT_A, 0, "");
    hand.now_ms++;
    CHECK(says_nothing() && is_over(DATAGRAM_DEAD));
}

static void a_closed_port_is_asked_once_more(void)
{
    open_here();
    datagram_refuse(&hand.end);
    CHECK(says(SEGMENT_P) && says_nothing() && hand.end.end == DATAGRAM_OPEN);
    hear(SEGMENT_A, 0, "");
    datagram_refuse(&hand.end); /* it was there in between */
    CHECK(says(SEGMENT_P) && hand.end.end == DATAGRAM_OPEN);
    hand.id ^= 1;
    hear(SEGMENT_A, 0, "");
    datagram_refuse(&hand.end);
    CHECK(is_over(DATAGRAM_CLOSED));
}

static void a_server_asks_a_closed_port_too(void)
{
    open_server(HAND_WINDOW, HAND_WINDOW);
    put_and_push("250\r\n");
    CHECK(says_segment(SEGMENT_D, 2, "250\r\n"));
    datagram_refuse(&hand.end);
    CHECK(says(SEGMENT_P) && hand.end.end == DATAGRAM_OPEN);
    datagram_refuse(&hand.end);
    CHECK(is_over(DATAGRAM_CLOSED));
}

static void a_client_that_was_never_there_is_not_asked(void)
{
    begin_as(DATAGRAM_SERVER, HAND_WINDOW, HAND_WINDOW);
    put_and_push("220\r\n");
    CHECK(says(SEGMENT_W));
    datagram_refuse(&hand.end);
    CHECK(is_over(DATAGRAM_CLOSED));
}

static void a_peer_that_leaves_says_so(void)
{
    open_here();
    hear(SEGMENT_D, 2, "x");
    hear_refusal(421);
    CHECK(is_over(DATAGRAM_LEFT) && hand.end.code == 421);
    CHECK(takes("x")); /* what it said before stays said */
    open_server(HAND_WINDOW, HAND_WINDOW);
    put_and_push("250\r\n");
    hear_refusal(503);
    CHECK(is_over(DATAGRAM_LEFT) && hand.end.code == 503);
}

static void a_goodbye_is_written(void)
{
    char out[SEGMENT_LIMIT];

    open_here();
    CHECK(datagram_leave(&hand.end, 421, out) == 26);
    CHECK(memcmp(out, "S1 R 7c1f0a9be2d45566 421\n", 26) == 0);
}

/* The worker of a client that went away after its hello. */
static void a_greeting_is_not_repeated_for_ever(void)
{
    int64_t begin_ms;
    unsigned said = 1;

    begin_as(DATAGRAM_SERVER, HAND_WINDOW, HAND_WINDOW);
    put_and_push("220\r\n");
    CHECK(says_segment(SEGMENT_W, 1, "220\r\n"));
    begin_ms = hand.now_ms;
    while (hand.end.end == DATAGRAM_OPEN && hand.now_ms < begin_ms + dead_ms) {
        hand.now_ms = datagram_deadline(&hand.end);
        if (says_segment(SEGMENT_W, 1, "220\r\n"))
            said++;
    }
    CHECK(is_over(DATAGRAM_GIVEN_UP) && said == 4);
    CHECK(hand.now_ms >= begin_ms + 15000 && hand.now_ms <= begin_ms + 18750);
}

static void an_answered_greeting_is_no_reason_to_go(void)
{
    int i;

    open_server(HAND_WINDOW, HAND_WINDOW);
    put_and_push("250\r\n");
    CHECK(says(SEGMENT_D));
    for (i = 0; i < 8; i++) {
        hand.now_ms = datagram_deadline(&hand.end);
        CHECK(says(SEGMENT_D) && hand.end.end == DATAGRAM_OPEN);
    }
}

static void a_server_ends_with_its_last_segment(void)
{
    open_server(HAND_WINDOW, HAND_WINDOW);
    put("221\r\n");
    CHECK(datagram_finish(&hand.end));
    CHECK(says_segment(SEGMENT_F, 2, "221\r\n") && says_nothing());
    CHECK(datagram_put(&hand.end, "x", 1) == 0 && hand.end.end == DATAGRAM_OPEN);
    hand.now_ms = datagram_deadline(&hand.end);
    CHECK(says_segment(SEGMENT_F, 2, "221\r\n"));
    hear_ack(2);
    CHECK(is_over(DATAGRAM_FINISHED));
}

static void the_last_segment_may_be_empty(void)
{
    open_server(HAND_WINDOW, HAND_WINDOW);
    put_and_push("221\r\n");
    CHECK(datagram_finish(&hand.end));
    CHECK(says_segment(SEGMENT_D, 2, "221\r\n") && says_segment(SEGMENT_F, 3, ""));
    hear_ack(2);
    CHECK(hand.end.end == DATAGRAM_OPEN);
    hear_ack(3);
    CHECK(is_over(DATAGRAM_FINISHED));
}

static void the_last_segment_waits_for_room(void)
{
    open_server(HAND_WINDOW, HAND_WINDOW);
    put_segments(2 * SEGMENT_WINDOW);
    CHECK(says_how_many() == 5); /* 4, and 1 for the acknowledged greeting */
    if (!datagram_finish(&hand.end)) {
        hear_ack(2);
        CHECK(datagram_finish(&hand.end));
    }
    CHECK(says(SEGMENT_D) || hand.end.end == DATAGRAM_OPEN);
}

static void the_last_segment_is_not_repeated_for_ever(void)
{
    int64_t begin_ms;
    unsigned said = 1;

    open_server(HAND_WINDOW, HAND_WINDOW);
    CHECK(datagram_finish(&hand.end));
    CHECK(says_segment(SEGMENT_F, 2, ""));
    begin_ms = hand.now_ms;
    while (hand.end.end == DATAGRAM_OPEN && hand.now_ms < begin_ms + dead_ms) {
        hand.now_ms = datagram_deadline(&hand.end);
        if (says_segment(SEGMENT_F, 2, ""))
            said++;
    }
    CHECK(is_over(DATAGRAM_GIVEN_UP) && said == 5);
    CHECK(hand.now_ms >= begin_ms + 6200 && hand.now_ms <= begin_ms + 7750); /* 200, 400, ... */
}

/* Who lacks more than the last segment has hardly left yet. */
static void more_than_the_last_segment_is_waited_for(void)
{
    int i;

    open_server(HAND_WINDOW, HAND_WINDOW);
    put_and_push("250\r\n");
    CHECK(datagram_finish(&hand.end));
    CHECK(says_segment(SEGMENT_D, 2, "250\r\n") && says_segment(SEGMENT_F, 3, ""));
    for (i = 0; i < 8; i++) {
        hand.now_ms = datagram_deadline(&hand.end);
        CHECK(says_segment(SEGMENT_D, 2, "250\r\n") && hand.end.end == DATAGRAM_OPEN);
    }
    hear_ack(2);
    for (i = 0; i < 4; i++) {
        hand.now_ms = datagram_deadline(&hand.end);
        CHECK(says_segment(SEGMENT_F, 3, "") && hand.end.end == DATAGRAM_OPEN);
    }
    hand.now_ms = datagram_deadline(&hand.end);
    CHECK(says_nothing() && is_over(DATAGRAM_GIVEN_UP));
}

/* A client knows its server by a W, so that even the shortest session has one. */
static void the_first_segment_is_not_the_last(void)
{
    begin_as(DATAGRAM_SERVER, HAND_WINDOW, HAND_WINDOW);
    put("421\r\n");
    CHECK(datagram_finish(&hand.end));
    CHECK(says_segment(SEGMENT_W, 1, "421\r\n") && says_segment(SEGMENT_F, 2, ""));
}

static void nothing_follows_the_last_segment(void)
{
    open_here();
    hear(SEGMENT_F, 3, "221\r\n");
    CHECK(says(SEGMENT_A) && hand.said.sack == 1);
    hear(SEGMENT_D, 4, "more");
    CHECK(says(SEGMENT_A) && hand.said.sack == 1);
    hear(SEGMENT_D, 2, "250\r\n");
    CHECK(says(SEGMENT_A) && hand.said.ack == 3 && is_over(DATAGRAM_FINISHED));
    CHECK(takes("250\r\n221\r\n"));
}

static void a_client_acknowledges_the_last_segment_at_once(void)
{
    open_here();
    hear(SEGMENT_F, 2, "221\r\n");
    CHECK(hand.end.end == DATAGRAM_FINISHED);
    CHECK(says(SEGMENT_A) && hand.said.ack == 2 && is_over(DATAGRAM_FINISHED));
    CHECK(takes("221\r\n"));
}

static void the_last_segment_ends_what_is_whole(void)
{
    open_here();
    hear(SEGMENT_F, 4, "221\r\n");
    CHECK(says(SEGMENT_A) && hand.end.end == DATAGRAM_OPEN);
    hear(SEGMENT_D, 3, "b ");
    CHECK(says(SEGMENT_A) && hand.end.end == DATAGRAM_OPEN && takes(""));
    hear(SEGMENT_D, 2, "a ");
    CHECK(hand.end.end == DATAGRAM_FINISHED && takes("a b 221\r\n"));
    CHECK(says(SEGMENT_A) && hand.said.ack == 4);
}

/* Kinds that only the other side sends are not for us. */
static void each_side_has_its_kinds(void)
{
    open_server(HAND_WINDOW, HAND_WINDOW);
    hear(SEGMENT_F, 1, "x");
    hear(SEGMENT_W, 1, "x");
    CHECK(takes("") && hand.end.end == DATAGRAM_OPEN && hand.end.tally.dropped == 2);
    hear(SEGMENT_D, 1, "y");
    CHECK(takes("y"));
}

static void hear_hello(uint64_t cn)
{
    hand.id = cn;
    hear(SEGMENT_H, 0, "");
    hand.id = HAND_SID;
}

/* With udp-port=same a new client at the old address finds the old session. */
static void a_hello_to_a_quiet_session_ends_it(void)
{
    open_sharing_server();
    hear_hello(HAND_CN + 1);
    CHECK(hand.end.end == DATAGRAM_OPEN);
    hand.now_ms += 4999;
    hear_hello(HAND_CN + 1);
    CHECK(hand.end.end == DATAGRAM_OPEN);
    hand.now_ms += 2;
    hear_hello(HAND_CN); /* its own, doubled by the network */
    CHECK(hand.end.end == DATAGRAM_OPEN);
    hear_hello(HAND_CN + 1);
    CHECK(is_over(DATAGRAM_LEFT) && hand.end.code == 0);
}

static void a_hello_after_the_last_segment_ends_it(void)
{
    open_sharing_server();
    CHECK(datagram_finish(&hand.end) && says(SEGMENT_F));
    hear_hello(HAND_CN);
    CHECK(hand.end.end == DATAGRAM_OPEN);
    hear_hello(HAND_CN + 1);
    CHECK(is_over(DATAGRAM_LEFT) && hand.end.code == 0);
}

/* Where no hello can come from a client it comes from somebody else in its name. */
static void a_hello_ends_nothing_at_a_port_of_its_own(void)
{
    open_server(HAND_WINDOW, HAND_WINDOW);
    hand.now_ms += 6000;
    hear_hello(HAND_CN + 1);
    CHECK(hand.end.end == DATAGRAM_OPEN && says_nothing());
    CHECK(datagram_finish(&hand.end) && says(SEGMENT_F));
    hear_hello(HAND_CN + 1);
    CHECK(hand.end.end == DATAGRAM_OPEN);
}

static void a_client_hears_no_hello(void)
{
    open_here();
    hand.now_ms += 6000;
    hear_hello(HAND_CN + 1);
    CHECK(hand.end.end == DATAGRAM_OPEN && says_nothing());
}

static void the_first_end_stays(void)
{
    open_here();
    hear_refusal(421);
    datagram_refuse(&hand.end);
    datagram_refuse(&hand.end);
    hear_refusal(503);
    hear(SEGMENT_F, 2, "");
    hand.now_ms += 2 * dead_ms;
    CHECK(is_over(DATAGRAM_LEFT) && hand.end.code == 421);
}

static void check_ways_to_end(void)
{
    a_greeting_is_not_repeated_for_ever();
    an_answered_greeting_is_no_reason_to_go();
    a_server_ends_with_its_last_segment();
    the_last_segment_may_be_empty();
    the_last_segment_waits_for_room();
    the_last_segment_is_not_repeated_for_ever();
    more_than_the_last_segment_is_waited_for();
    the_first_segment_is_not_the_last();
    nothing_follows_the_last_segment();
    a_client_acknowledges_the_last_segment_at_once();
    the_last_segment_ends_what_is_whole();
    each_side_has_its_kinds();
    a_hello_to_a_quiet_session_ends_it();
    a_hello_after_the_last_segment_ends_it();
    a_hello_ends_nothing_at_a_port_of_its_own();
    a_client_hears_no_hello();
    the_first_end_stays();
}

int main(void)
{
    a_quiet_client_asks();
    who_waits_for_an_acknowledgement_need_not_ask();
    a_server_only_listens();
    silence_is_death();
    a_closed_port_is_asked_once_more();
    a_server_asks_a_closed_port_too();
    a_client_that_was_never_there_is_not_asked();
    a_peer_that_leaves_says_so();
    a_goodbye_is_written();
    check_ways_to_end();
    return check_status();
}
