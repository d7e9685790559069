/*
 * A session in numbered mode on a network that loses nothing sends little more than it must;
 * a reader that stops holds nobody up for long; and who has gone is not waited for.
 */
#include "network.h"

#include "check.h"

static const struct weather near = { 0, 0, 0, 0 };
static const struct weather far = { 0, 0, 50, 50 };
static const struct weather light = { 50, 20, 10, 50 };

static struct party *const client = &world.parties[DATAGRAM_CLIENT];
static struct party *const server = &world.parties[DATAGRAM_SERVER];

static bool completes(const struct weather *weather, const struct talk *talk, uint64_t seed)
{
    return world_run(weather, talk, seed) && world_is_complete() && world_is_honest();
}

static uint64_t segments_for(size_t octets)
{
    return (octets + SEGMENT_PAYLOAD - 1) / SEGMENT_PAYLOAD;
}

static void check_no_waste(void)
{
    CHECK(client->end.tally.resent == 0 && server->end.tally.resent == 0);
    CHECK(client->end.tally.repeated == 0 && server->end.tally.repeated == 0);
    CHECK(client->end.tally.dropped == 0 && server->end.tally.dropped == 0);
}

/* Each request is answered before it must be acknowledged otherwise. */
static void a_dialogue_needs_no_acknowledgements(void)
{
    static const struct talk talk = { .turns = 50, .request = 30, .reply = 40 };

    CHECK(completes(&near, &talk, 1));
    check_no_waste();
    CHECK(client->end.tally.sent == 50 + 1 && client->acks == 1); /* F must be acknowledged */
    CHECK(server->end.tally.sent == 1 + 50 && server->acks == 0);
    CHECK(world_lasted_ms(DATAGRAM_CLIENT) == 0);
}

static void a_far_dialogue_waits_for_the_network_alone(void)
{
    static const struct talk talk = { .turns = 50, .request = 30, .reply = 40 };

    CHECK(completes(&far, &talk, 2));
    check_no_waste();
    CHECK(client->end.tally.sent == 51 && server->end.tally.sent == 51);
    CHECK(world_lasted_ms(DATAGRAM_CLIENT) == 50 + 50 * 100);
}

static void check_a_thousand_lines(const struct weather *weather, size_t line)
{
    const struct talk talk = { .turns = 5, .request = 30, .reply = 40, .body = 70000,
                               .line = line };
    uint64_t least = line > 0 ? 70120 / line : segments_for(70000);

    CHECK(completes(weather, &talk, 3));
    check_no_waste();
    CHECK(client->end.tally.sent <= least + 10);
    CHECK(server->acks <= (least + 10) / 2);
}

static void a_thousand_lines_cost_little(void)
{
    check_a_thousand_lines(&near, 0);
    check_a_thousand_lines(&near, 70);
    check_a_thousand_lines(&far, 0);
    check_a_thousand_lines(&far, 70);
}

/* The time of a large mail is that of its windows: 4, then twice as many each round trip. */
static void windows_grow_to_what_is_allowed(void)
{
    static const unsigned windows[] = { 1, 2, 4, 16, 32 };
    size_t i;

    for (i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        struct talk talk = { .turns = 2, .request = 30, .reply = 40, .body = 200000 };
        int64_t rounds = (int64_t)(segments_for(200000) / windows[i]), lasted_ms;

        talk.window = windows[i];
        CHECK(completes(&far, &talk, 4));
        check_no_waste();
        lasted_ms = world_lasted_ms(DATAGRAM_CLIENT);
        CHECK(lasted_ms >= rounds * 100);
        CHECK(lasted_ms <= (rounds + 8) * (windows[i] == 1 ? 140 : 100)); /* one is owed 40 ms */
    }
}

/* What the server must do with a window that is closed, half a minute of it. */
static void a_reader_that_stops_holds_nobody_up(void)
{
    static const unsigned windows[] = { 1, 2, 4, 16, 32 };
    size_t i;

    for (i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        struct talk talk = { .turns = 1, .request = 60000, .reply = 1, .awake_ms = 30000 };

        talk.window = windows[i];
        CHECK(completes(&near, &talk, i));
        CHECK(client->end.tally.resent <= 160); /* a closed window is tried, with one segment */
        CHECK(world_lasted_ms(DATAGRAM_CLIENT) >= 30000);
        CHECK(world_lasted_ms(DATAGRAM_CLIENT) <= 30600);
    }
}

static void a_slow_reader_sets_the_pace(void)
{
    struct talk talk = { .turns = 2, .request = 30, .reply = 40, .body = 110000 };
    uint64_t seed;

    talk.sip = SEGMENT_PAYLOAD;
    talk.sip_ms = 100; /* ten seconds in all */
    for (seed = 0; seed < 5; seed++) {
        talk.window = 1u << seed;
        CHECK(completes(&near, &talk, seed));
        CHECK(world_lasted_ms(DATAGRAM_CLIENT) >= 10000);
        CHECK(world_lasted_ms(DATAGRAM_CLIENT) <= 15000);
    }
}

/* Hours of a reader that takes an octet now and then are no reason to give up. */
static void a_very_slow_reader_is_waited_for(void)
{
    static const struct talk talk = { .turns = 2, .request = 30, .reply = 40, .body = 3000,
                                      .window = 1, .sip = 100, .sip_ms = 60000 };

    CHECK(completes(&near, &talk, 5));
    CHECK(world_lasted_ms(DATAGRAM_CLIENT) >= INT64_C(30) * 60000);
}

static void a_client_that_is_gone_frees_the_server(void)
{
    uint64_t seed;

    for (seed = 0; seed < 50; seed++) {
        struct talk talk = { .turns = 1000, .request = 300, .reply = 40 };

        talk.silent_ms = 5000 + 37 * (int64_t)seed;
        CHECK(world_run(&light, &talk, seed) && world_is_honest());
        CHECK(server->end.end == DATAGRAM_DEAD && client->end.end == DATAGRAM_DEAD);
        CHECK(world_lasted_ms(DATAGRAM_SERVER) >= talk.silent_ms + 99000);
        CHECK(world_lasted_ms(DATAGRAM_SERVER) <= talk.silent_ms + 105000);
        CHECK(world_lasted_ms(DATAGRAM_CLIENT) <= talk.silent_ms + 105000);
    }
}

static void a_client_that_never_came_frees_it_sooner(void)
{
    static const struct talk talk = { .turns = 1, .request = 3, .reply = 4, .silent_ms = 1 };

    CHECK(world_run(&far, &talk, 6) && world_is_honest());
    CHECK(server->end.end == DATAGRAM_GIVEN_UP);
    CHECK(world_lasted_ms(DATAGRAM_SERVER) <= 18750);
}

/* Half an hour in which nobody says a word, and the mail goes on. */
static void a_quiet_session_is_kept_alive(void)
{
    static const struct talk talk = { .turns = 2, .request = 30, .reply = 40, .body = 100,
                                      .awake_ms = 1800000 };

    CHECK(completes(&far, &talk, 7));
    CHECK(client->end.tally.sent < 200);
    CHECK(completes(&light, &talk, 8));
}

int main(void)
{
    a_dialogue_needs_no_acknowledgements();
    a_far_dialogue_waits_for_the_network_alone();
    a_thousand_lines_cost_little();
    windows_grow_to_what_is_allowed();
    a_reader_that_stops_holds_nobody_up();
    a_slow_reader_sets_the_pace();
    a_very_slow_reader_is_waited_for();
    a_client_that_is_gone_frees_the_server();
    a_client_that_never_came_frees_it_sooner();
    a_quiet_session_is_kept_alive();
    return check_status();
}
