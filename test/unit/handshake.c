/* How a client comes to a session, by a clock that stands still until it is told to run. */
#include "net/handshake.h"

#include <string.h>

#include "check.h"

static const uint64_t sid = UINT64_C(0x7c1f0a9be2d45566);
static const int64_t waits_ms[] = { 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000 };
enum { TRIES = sizeof waits_ms / sizeof waits_ms[0], BEGIN_MS = 77777 };

static struct handshake handshake;
static uint64_t nonce;
static struct segment sent, first;
static char out[SEGMENT_LIMIT];
static int64_t now_ms;

static void begin(uint64_t cn)
{
    nonce = cn;
    now_ms = BEGIN_MS;
    handshake_begin(&handshake, nonce, 7, now_ms);
}

/* Is a hello due? It is read into `sent`. */
static bool says_hello(void)
{
    size_t length = handshake_next(&handshake, out, now_ms);

    if (length == 0)
        return false;
    CHECK(length >= SEGMENT_HELLO && length <= SEGMENT_LIMIT);
    CHECK(segment_parse(&sent, out, length) && sent.kind == SEGMENT_H);
    CHECK(sent.id == nonce && sent.window == 7);
    return true;
}

static enum handshake_news hear_octets(const char *octets, size_t length)
{
    return handshake_receive(&handshake, octets, length, &first);
}

static enum handshake_news hear(const struct segment *segment)
{
    return hear_octets(out, segment_write(segment, out));
}

static enum handshake_news hear_cookie(uint64_t cn, uint64_t mac)
{
    return hear(&(struct segment){ .kind = SEGMENT_C, .id = cn, .cookie = { 5, mac } });
}

static enum handshake_news hear_refusal(uint64_t cn, unsigned code)
{
    return hear(&(struct segment){ .kind = SEGMENT_R, .id = cn, .code = code });
}

static enum handshake_news hear_greeting(uint64_t cn)
{
    return hear(&(struct segment){ .kind = SEGMENT_W, .id = sid, .cn = cn, .seq = 1, .window = 9,
                                   .payload = "220 hi\r\n", .payload_length = 8 });
}

/* The time goes on to the deadline, and not a millisecond of it brings a hello. */
static int64_t wait_for_deadline(void)
{
    int64_t since_ms = now_ms, deadline_ms = handshake_deadline(&handshake);

    CHECK(deadline_ms > now_ms);
    now_ms = deadline_ms - 1;
    CHECK(!says_hello() && !handshake_is_hopeless(&handshake, now_ms));
    now_ms = deadline_ms;
    return now_ms - since_ms;
}

/* All hellos of a server that never answers; returns how long it took. */
static int64_t go_through_all_tries(bool has_cookie)
{
    int64_t since_ms = now_ms;
    unsigned i;

    for (i = 0; i < TRIES; i++) {
        int64_t waited_ms;

        CHECK(!handshake_is_hopeless(&handshake, now_ms));
        CHECK(says_hello() && sent.has_cookie == has_cookie && !says_hello());
        waited_ms = wait_for_deadline();
        CHECK(waited_ms >= waits_ms[i] && waited_ms <= waits_ms[i] + waits_ms[i] / 4);
    }
    CHECK(!says_hello() && handshake_is_hopeless(&handshake, now_ms));
    return now_ms - since_ms;
}

static void a_hello_is_said_so_often(void)
{
    int64_t shortest_ms = INT64_MAX, longest_ms = 0, took_ms;
    uint64_t cn;

    for (cn = 0; cn < 200; cn++) {
        begin(cn * UINT64_C(0x9e3779b97f4a7c15));
        took_ms = go_through_all_tries(false);
        shortest_ms = took_ms < shortest_ms ? took_ms : shortest_ms;
        longest_ms = took_ms > longest_ms ? took_ms : longest_ms;
    }
    CHECK(longest_ms - shortest_ms > 1000); /* clients do not march in step */
}

static void chance_is_within_a_quarter(void)
{
    int64_t shortest_ms = INT64_MAX, longest_ms = 0;
    uint64_t cn;

    for (cn = 0; cn < 500; cn++) {
        int64_t waited_ms;

        begin(cn);
        CHECK(says_hello());
        waited_ms = wait_for_deadline();
        shortest_ms = waited_ms < shortest_ms ? waited_ms : shortest_ms;
        longest_ms = waited_ms > longest_ms ? waited_ms : longest_ms;
    }
    CHECK(shortest_ms >= 1000 && shortest_ms < 1025);
    CHECK(longest_ms <= 1250 && longest_ms > 1225);
}

static void a_late_owner_is_not_flooded_with_hellos(void)
{
    begin(1);
    CHECK(says_hello());
    now_ms += 60000; /* the machine slept */
    CHECK(says_hello() && !says_hello());
    CHECK(handshake_deadline(&handshake) >= now_ms + 2000);
}

static void a_cookie_starts_the_count_anew(void)
{
    begin(2);
    CHECK(says_hello());
    wait_for_deadline();
    CHECK(says_hello());
    now_ms += 100;
    CHECK(!says_hello());
    CHECK(hear_cookie(nonce, 99) == HANDSHAKE_COOKIE);
    CHECK(handshake_deadline(&handshake) <= now_ms); /* a hello is due */
    go_through_all_tries(true);
    CHECK(sent.cookie.second == 5 && sent.cookie.mac == 99);
}

static void three_cookies_are_followed(void)
{
    uint64_t mac;

    begin(3);
    CHECK(says_hello());
    for (mac = 1; mac <= 3; mac++) {
        CHECK(hear_cookie(nonce, mac) == HANDSHAKE_COOKIE);
        CHECK(says_hello() && sent.cookie.mac == mac && !says_hello());
    }
    CHECK(hear_cookie(nonce, 4) == HANDSHAKE_NOTHING);
    CHECK(!says_hello());
    wait_for_deadline();
    CHECK(says_hello() && sent.cookie.mac == 3);
}

/* The network may double a C: one hello more for each would be for nothing. */
static void a_cookie_that_comes_again_is_no_news(void)
{
    begin(10);
    CHECK(says_hello() && hear_cookie(nonce, 1) == HANDSHAKE_COOKIE && says_hello());
    CHECK(hear_cookie(nonce, 1) == HANDSHAKE_NOTHING && !says_hello());
    CHECK(hear_cookie(nonce, 2) == HANDSHAKE_COOKIE && says_hello() && sent.cookie.mac == 2);
}

/* All of its octets may be 0: it is the client's to send back, not to understand. */
static void any_cookie_is_one(void)
{
    struct segment answer = { .kind = SEGMENT_C, .id = 11 };

    begin(11);
    CHECK(says_hello() && hear(&answer) == HANDSHAKE_COOKIE);
    CHECK(says_hello() && sent.has_cookie && sent.cookie.second == 0 && sent.cookie.mac == 0);
}

static void what_is_for_others_does_not_matter(void)
{
    begin(4);
    CHECK(says_hello());
    CHECK(hear_cookie(nonce ^ 1, 9) == HANDSHAKE_NOTHING);
    CHECK(hear_refusal(nonce ^ 1, 421) == HANDSHAKE_NOTHING);
    CHECK(hear_greeting(nonce ^ 1) == HANDSHAKE_NOTHING);
    CHECK(hear_octets("S1 nonsense", 11) == HANDSHAKE_NOTHING);
    CHECK(hear_octets("S1 ", 3) == HANDSHAKE_NOTHING);
    CHECK(hear(&(struct segment){ .kind = SEGMENT_A, .id = sid }) == HANDSHAKE_NOTHING);
    CHECK(hear(&(struct segment){ .kind = SEGMENT_D, .id = nonce, .seq = 1, .payload = "x",
                                  .payload_length = 1 }) == HANDSHAKE_NOTHING);
    CHECK(hear(&(struct segment){ .kind = SEGMENT_H, .id = nonce, .window = 1 }) ==
          HANDSHAKE_NOTHING);
    CHECK(!says_hello() && handshake.refused == 0);
    wait_for_deadline();
    CHECK(says_hello() && !sent.has_cookie);
}

/* A server that is full may have room soon; any other refusal is the end. */
static void only_too_many_is_no_end(void)
{
    static const unsigned codes[] = { 421, 503, 100, 451, 999 };
    size_t i;

    begin(5);
    CHECK(says_hello() && hear_refusal(nonce, 450) == HANDSHAKE_NOTHING);
    CHECK(handshake.refused == 450 && !says_hello());
    wait_for_deadline();
    CHECK(says_hello());
    CHECK(hear_cookie(nonce, 1) == HANDSHAKE_COOKIE && says_hello());
    CHECK(hear_refusal(nonce, 450) == HANDSHAKE_NOTHING && !says_hello());
    wait_for_deadline();
    CHECK(says_hello() && sent.has_cookie);
    CHECK(hear_greeting(nonce) == HANDSHAKE_SESSION);
    for (i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        begin(i);
        CHECK(says_hello() && hear_refusal(nonce, codes[i]) == HANDSHAKE_REFUSED);
        CHECK(handshake.refused == codes[i]);
    }
}

static void too_many_to_the_end_is_hopeless(void)
{
    unsigned i;

    begin(6);
    for (i = 0; i < TRIES; i++) {
        CHECK(says_hello() && hear_refusal(nonce, 450) == HANDSHAKE_NOTHING);
        wait_for_deadline();
    }
    CHECK(!says_hello() && handshake_is_hopeless(&handshake, now_ms) && handshake.refused == 450);
}

static void the_first_segment_is_the_session(void)
{
    begin(7);
    CHECK(says_hello() && hear_cookie(nonce, 1) == HANDSHAKE_COOKIE && says_hello());
    CHECK(hear_greeting(nonce) == HANDSHAKE_SESSION);
    CHECK(first.kind == SEGMENT_W && first.id == sid && first.cn == nonce && first.window == 9);
    CHECK(first.payload_length == 8 && memcmp(first.payload, "220 hi\r\n", 8) == 0);
}

/* Even a late one: as long as somebody waits for it. */
static void the_first_segment_may_be_late(void)
{
    begin(8);
    CHECK(says_hello() && hear_cookie(nonce, 1) == HANDSHAKE_COOKIE);
    go_through_all_tries(true);
    CHECK(hear_greeting(nonce) == HANDSHAKE_SESSION);
}

static void a_plain_answer_is_known(void)
{
    begin(9);
    CHECK(says_hello());
    CHECK(hear_octets("220 Servicio de transferencia\r\n", 31) == HANDSHAKE_PLAIN);
    CHECK(hear_octets("500 Error de sintaxis\r\n", 23) == HANDSHAKE_PLAIN);
    CHECK(hear_octets("22", 2) == HANDSHAKE_NOTHING);
    CHECK(hear_octets("2nd", 3) == HANDSHAKE_NOTHING);
    CHECK(hear_octets("", 0) == HANDSHAKE_NOTHING);
}

int main(void)
{
    a_hello_is_said_so_often();
    chance_is_within_a_quarter();
    a_late_owner_is_not_flooded_with_hellos();
    a_cookie_starts_the_count_anew();
    three_cookies_are_followed();
    a_cookie_that_comes_again_is_no_news();
    any_cookie_is_one();
    what_is_for_others_does_not_matter();
    only_too_many_is_no_end();
    too_many_to_the_end_is_hopeless();
    the_first_segment_is_the_session();
    the_first_segment_may_be_late();
    a_plain_answer_is_known();
    return check_status();
}
