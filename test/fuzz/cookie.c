/*
 * Cookies, seen from both ends. A hello with any cookie: it is believed if and only if that
 * cookie was made for its very sender and nonce, and not too long ago; what was made is kept
 * here beside, as the server never does. Then a client, to which anything may come: it follows
 * few cookies, says hello when it is time, and with the cookie that it followed last.
 */
#include "net/handshake.h"
#include "net/reception.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 38, EDITS = 8, FOLLOWED = 3, TRIES = 8, OTHER_ID = 0x80 };

static const unsigned char key[SIPHASH_KEY] = "a key of 16 octe";
static struct reception reception;

/* A cookie and who shows it. */
struct shown {
    struct peer peer;
    uint64_t cn;
    struct cookie cookie;
};

static uint64_t number_at(const uint8_t *at, size_t octets)
{
    uint64_t number = 0;

    while (octets-- > 0)
        number = number << 8 | *at++;
    return number;
}

static bool is_same(const struct shown *a, const struct shown *b)
{
    return memcmp(a->peer.address, b->peer.address, sizeof a->peer.address) == 0 &&
           a->peer.scope == b->peer.scope && a->peer.port == b->peer.port &&
           a->peer.version == b->peer.version && a->cn == b->cn &&
           a->cookie.second == b->cookie.second && a->cookie.mac == b->cookie.mac;
}

/* Makes something of what is shown other than it was. */
static void edit(struct shown *shown, unsigned what, uint8_t with)
{
    if (what < 16)
        shown->peer.address[what] ^= with;
    else if (what < 20)
        shown->peer.scope ^= (uint32_t)with << 8 * (what - 16);
    else if (what < 22)
        shown->peer.port ^= (uint16_t)(with << 8 * (what - 20));
    else if (what < 24)
        shown->peer.version ^= (uint16_t)(with << 8 * (what - 22));
    else if (what < 32)
        shown->cn ^= (uint64_t)with << 8 * (what - 24);
    else if (what < 36)
        shown->cookie.second ^= (uint32_t)with << 8 * (what - 32);
    else
        shown->cookie.mac ^= (uint64_t)with << 8 * (what % 8);
}

static void check_refused(const struct shown *shown, const struct reception_result *result,
                          enum segment_kind kind, unsigned code)
{
    struct segment answer;

    assert(result->length > 0 && result->length <= SEGMENT_ANSWER);
    assert(segment_parse(&answer, result->answer, result->length));
    assert(answer.kind == kind && answer.id == shown->cn);
    assert(kind != SEGMENT_R || answer.code == code);
}

/* Who was not believed is given a cookie of its own, and is believed when it shows that. */
static void check_given(struct shown shown, const struct reception_result *result, uint32_t now_s)
{
    struct cookie_owner owner = { &shown.peer, shown.cn };
    struct segment answer;

    check_refused(&shown, result, SEGMENT_C, 0);
    assert(segment_parse(&answer, result->answer, result->length));
    assert(answer.cookie.second == now_s);
    assert(cookie_is_good(&answer.cookie, key, &owner, now_s));
}

/* The same as the owner of the port sees it; it remembers who was let in, for a while. */
static void check_reception(const struct shown *shown, uint32_t now_s, bool is_good)
{
    struct segment hello = { .kind = SEGMENT_H, .id = shown->cn, .window = 1, .has_cookie = true,
                             .cookie = shown->cookie };
    char octets[SEGMENT_LIMIT];
    struct reception_caller caller = { .peer = shown->peer, .octets = octets,
                                       .now_ms = now_s * INT64_C(1000) + 999 };
    struct reception_result result = { .length = 0 };
    enum reception_verdict verdict;

    caller.length = segment_write(&hello, octets);
    verdict = reception_judge(&reception, &caller, &result);
    assert(verdict == (is_good ? RECEPTION_HELLO : RECEPTION_ANSWER));
    if (!is_good)
        check_given(*shown, &result, now_s);
    else {
        assert(result.cn == shown->cn && result.window == 1);
        reception_refuse(&result);
        check_refused(shown, &result, SEGMENT_R, SEGMENT_TOO_MANY);
        reception_remember(&reception, &caller.peer, shown->cn, caller.now_ms);
        assert(reception_judge(&reception, &caller, &result) == RECEPTION_DROP);
    }
    caller.is_closing = true;
    assert(reception_judge(&reception, &caller, &result) == RECEPTION_ANSWER);
    check_refused(shown, &result, SEGMENT_R, SEGMENT_LEAVING);
}

/* Returns the octets that it used. */
static size_t show_cookie(const uint8_t *data, size_t size)
{
    struct shown made = { .cn = number_at(data + 23, 8) }, shown;
    struct cookie_owner owner = { &made.peer, made.cn }, other;
    uint32_t second = (uint32_t)number_at(data + 31, 4);
    uint32_t now_s = (uint32_t)(second + INT64_C(1) * (int8_t)data[35]);
    size_t edits = data[37] % EDITS, i;
    bool is_good;

    memcpy(made.peer.address, data, sizeof made.peer.address);
    made.peer.scope = (uint32_t)number_at(data + 16, 4);
    made.peer.port = (uint16_t)number_at(data + 20, 2);
    made.peer.version = data[22];
    made.cookie = cookie_make(key, &owner, second);
    assert(made.cookie.second == second);
    shown = made;
    for (i = 0; i < edits && HEAD + 2 * i + 1 < size; i++)
        edit(&shown, data[HEAD + 2 * i] % 44, data[HEAD + 2 * i + 1]);
    other = (struct cookie_owner){ &shown.peer, shown.cn };
    is_good = is_same(&made, &shown) && now_s >= second && now_s - second <= COOKIE_LIFE_S;
    assert(cookie_is_good(&shown.cookie, key, &other, now_s) == is_good);
    check_reception(&shown, now_s, is_good);
    return HEAD + 2 * i;
}

/* The client, and what it should have understood of all that came. */
struct client {
    struct handshake handshake;
    struct cookie cookie;
    unsigned followed, tries;
    int64_t now_ms;
};

static const int64_t waits_ms[TRIES] = { 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000 };

static void check_hello(struct client *client, const char *octets, size_t length)
{
    int64_t wait_ms = handshake_deadline(&client->handshake) - client->now_ms;
    struct segment hello;

    assert(length >= SEGMENT_HELLO && segment_parse(&hello, octets, length));
    assert(hello.kind == SEGMENT_H && hello.id == client->handshake.cn && hello.window == 5);
    assert(hello.has_cookie == (client->followed > 0));
    assert(!hello.has_cookie || (hello.cookie.second == client->cookie.second &&
                                 hello.cookie.mac == client->cookie.mac));
    assert(wait_ms >= waits_ms[client->tries] && wait_ms <= waits_ms[client->tries] * 5 / 4);
    client->tries++;
}

static void let_time_pass(struct client *client, unsigned with)
{
    char octets[SEGMENT_LIMIT];
    size_t length;
    bool is_due;

    client->now_ms += (int64_t)with * with;
    is_due = client->tries < TRIES && client->now_ms >= handshake_deadline(&client->handshake);
    assert(handshake_is_hopeless(&client->handshake, client->now_ms) ==
           (client->tries == TRIES &&
            client->now_ms >= handshake_deadline(&client->handshake)));
    length = handshake_next(&client->handshake, octets, client->now_ms);
    assert((length > 0) == is_due);
    if (is_due)
        check_hello(client, octets, length);
}

static enum handshake_news follow(struct client *client, const struct cookie *cookie)
{
    if (client->followed == FOLLOWED ||
        (client->followed > 0 && cookie->second == client->cookie.second &&
         cookie->mac == client->cookie.mac))
        return HANDSHAKE_NOTHING;
    client->followed++;
    client->cookie = *cookie;
    client->tries = 0;
    return HANDSHAKE_COOKIE;
}

static bool begins_with_code(const char *octets, size_t length)
{
    return length >= 3 && strspn(octets, "0123456789") >= 3;
}

/* What a datagram is to the client. There is a NUL behind it. */
static enum handshake_news meaning_of(struct client *client, const char *octets, size_t length)
{
    struct segment segment;

    if (begins_with_code(octets, length))
        return HANDSHAKE_PLAIN;
    if (!segment_parse(&segment, octets, length))
        return HANDSHAKE_NOTHING;
    if (segment.kind == SEGMENT_W)
        return segment.cn == client->handshake.cn ? HANDSHAKE_SESSION : HANDSHAKE_NOTHING;
    if (segment.id != client->handshake.cn)
        return HANDSHAKE_NOTHING;
    if (segment.kind == SEGMENT_C)
        return follow(client, &segment.cookie);
    return segment.kind == SEGMENT_R && segment.code != 450 ? HANDSHAKE_REFUSED :
                                                              HANDSHAKE_NOTHING;
}

static void hear(struct client *client, const char *octets, size_t length)
{
    struct segment first;
    char *copy = malloc(length > 0 ? length : 1);
    enum handshake_news news;

    assert(copy != NULL);
    memcpy(copy, octets, length);
    news = handshake_receive(&client->handshake, copy, length, &first);
    assert(news == meaning_of(client, octets, length));
    if (news == HANDSHAKE_REFUSED)
        assert(client->handshake.refused == first.code);
    if (news == HANDSHAKE_COOKIE)
        assert(handshake_deadline(&client->handshake) <= client->now_ms);
    free(copy);
}

/* A datagram of the kind that `what` says, for the client or for somebody else. */
static void hear_segment(struct client *client, unsigned what, unsigned with)
{
    uint64_t id = client->handshake.cn ^ (with & OTHER_ID);
    struct segment segment = { .kind = what % (SEGMENT_R + 1), .id = id, .cn = id, .seq = 1,
                               .cookie = { with & 3, with & 4 }, .window = 1 + with % 32,
                               .code = with % 3 == 0 ? 450 : 100 + with, .payload = "220\r\n" };
    char octets[SEGMENT_LIMIT + 1];
    size_t length;

    if (segment.kind == SEGMENT_A || segment.kind == SEGMENT_P)
        segment.seq = 0;
    if (segment.kind == SEGMENT_W || segment.kind == SEGMENT_D || segment.kind == SEGMENT_F)
        segment.payload_length = strlen(segment.payload);
    length = segment_write(&segment, octets);
    octets[length] = '\0';
    hear(client, octets, length);
}

static size_t hear_octets(struct client *client, const uint8_t *at, size_t length)
{
    char octets[256 + 1] = "";

    memcpy(octets, at, length);
    hear(client, octets, length);
    return length;
}

static void live(const uint8_t *data, size_t size)
{
    struct client client = { .now_ms = 77777 };
    size_t at = 0, left;

    handshake_begin(&client.handshake, UINT64_C(0x00d1e8a94f3b7a21), 5, client.now_ms);
    while (at + 2 <= size) {
        unsigned what = data[at], with = data[at + 1];

        at += 2;
        left = size - at;
        if (what < 64)
            let_time_pass(&client, with);
        else if (what < 128)
            at += hear_octets(&client, data + at, with < left ? with : left);
        else
            hear_segment(&client, what, with);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t used;

    if (size < HEAD)
        return 0;
    memset(&reception, 0, sizeof reception);
    memcpy(reception.key, key, sizeof reception.key);
    used = show_cookie(data, size);
    live(data + used, size - used);
    return 0;
}
