/* Cookies of the numbered mode: good for whom they were made, and not for long. */
#include "net/cookie.h"

#include "net/peer.h"

#include "check.h"

enum { NOW_S = 100000 };

static const unsigned char key[SIPHASH_KEY] = "a key of 16 octe";
static const struct peer caller = { .address = { 192, 0, 2, 7 }, .port = 40000, .version = 4 };
static const uint64_t nonce = UINT64_C(0x00d1e8a94f3b7a21);

static struct cookie make_for(const struct peer *peer, uint64_t cn)
{
    struct cookie_owner owner = { peer, cn };

    return cookie_make(key, &owner, NOW_S);
}

static bool is_good_for(const struct cookie *cookie, const struct peer *peer, uint64_t cn)
{
    struct cookie_owner owner = { peer, cn };

    return cookie_is_good(cookie, key, &owner, NOW_S + 1);
}

static bool is_good_at(const struct cookie *cookie, uint32_t now_s)
{
    struct cookie_owner owner = { &caller, nonce };

    return cookie_is_good(cookie, key, &owner, now_s);
}

static void a_cookie_is_good_for_its_life(void)
{
    struct cookie cookie = make_for(&caller, nonce);

    CHECK(cookie.second == NOW_S);
    CHECK(is_good_at(&cookie, NOW_S));
    CHECK(is_good_at(&cookie, NOW_S + 29));
    CHECK(is_good_at(&cookie, NOW_S + 30));
    CHECK(!is_good_at(&cookie, NOW_S + 31));
    CHECK(!is_good_at(&cookie, NOW_S + 100000));
    CHECK(!is_good_at(&cookie, UINT32_MAX));
}

static void none_comes_from_the_future(void)
{
    struct cookie cookie = make_for(&caller, nonce);

    CHECK(!is_good_at(&cookie, NOW_S - 1));
    CHECK(!is_good_at(&cookie, NOW_S - 30));
    CHECK(!is_good_at(&cookie, 0));
}

/* Not even around the end of its 32 bits, a century and more away. */
static void nor_from_before_the_clock(void)
{
    struct cookie_owner owner = { &caller, nonce };
    struct cookie cookie = cookie_make(key, &owner, UINT32_MAX);

    CHECK(cookie_is_good(&cookie, key, &owner, UINT32_MAX));
    CHECK(!cookie_is_good(&cookie, key, &owner, 5));
}

static void a_door_may_be_as_young_as_its_clock(void)
{
    struct cookie_owner owner = { &caller, nonce };
    struct cookie cookie = cookie_make(key, &owner, 0);

    CHECK(cookie_is_good(&cookie, key, &owner, 0));
    CHECK(cookie_is_good(&cookie, key, &owner, 30));
    CHECK(!cookie_is_good(&cookie, key, &owner, 31));
}

static void another_peer_has_no_use_for_it(void)
{
    struct cookie cookie = make_for(&caller, nonce);
    struct peer other = caller;

    CHECK(is_good_for(&cookie, &other, nonce));
    other.address[3] ^= 1;
    CHECK(!is_good_for(&cookie, &other, nonce));
    other = caller;
    other.port++;
    CHECK(!is_good_for(&cookie, &other, nonce));
    other = caller;
    other.port ^= 0x100;
    CHECK(!is_good_for(&cookie, &other, nonce));
    other = caller;
    other.version = 6;
    CHECK(!is_good_for(&cookie, &other, nonce));
}

static void each_part_of_an_ipv6_peer_counts(void)
{
    struct peer peer = { .address = { 0xfe, 0x80, [15] = 1 }, .scope = 2, .port = 9, .version = 6 };
    struct cookie cookie = make_for(&peer, nonce);
    struct peer other = peer;
    unsigned i;

    CHECK(is_good_for(&cookie, &other, nonce));
    other.scope = 3;
    CHECK(!is_good_for(&cookie, &other, nonce));
    other.scope = 2 + 0x10000;
    CHECK(!is_good_for(&cookie, &other, nonce));
    for (i = 0; i < sizeof other.address; i++) {
        other = peer;
        other.address[i] ^= 0x80;
        CHECK(!is_good_for(&cookie, &other, nonce));
    }
}

static void nor_has_another_hello(void)
{
    struct cookie cookie = make_for(&caller, nonce);
    unsigned bit;

    for (bit = 0; bit < 64; bit++)
        CHECK(!is_good_for(&cookie, &caller, nonce ^ UINT64_C(1) << bit));
}

static void none_can_be_made_up(void)
{
    struct cookie cookie = make_for(&caller, nonce);
    unsigned bit;

    for (bit = 0; bit < 64; bit++) {
        struct cookie forged = { cookie.second, cookie.mac ^ UINT64_C(1) << bit };

        CHECK(!is_good_for(&forged, &caller, nonce));
    }
    for (bit = 0; bit < 5; bit++) { /* an old one cannot be made younger, nor older */
        struct cookie forged = { cookie.second - (1u << bit), cookie.mac };

        CHECK(!is_good_for(&forged, &caller, nonce));
    }
    cookie.second++;
    CHECK(!is_good_for(&cookie, &caller, nonce));
}

static void another_key_does_not_know_it(void)
{
    struct cookie cookie = make_for(&caller, nonce);
    struct cookie_owner owner = { &caller, nonce };
    unsigned char other[SIPHASH_KEY];
    unsigned i, j;

    for (i = 0; i < SIPHASH_KEY; i++) {
        for (j = 0; j < SIPHASH_KEY; j++)
            other[j] = (unsigned char)(key[j] ^ (i == j));
        CHECK(!cookie_is_good(&cookie, other, &owner, NOW_S));
    }
}

int main(void)
{
    a_cookie_is_good_for_its_life();
    none_comes_from_the_future();
    nor_from_before_the_clock();
    a_door_may_be_as_young_as_its_clock();
    another_peer_has_no_use_for_it();
    each_part_of_an_ipv6_peer_counts();
    nor_has_another_hello();
    none_can_be_made_up();
    another_key_does_not_know_it();
    return check_status();
}
