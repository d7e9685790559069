/* See handshake.h. */
#include "net/handshake.h"

#include "net/spread.h"

enum { COOKIES_LIMIT = 3 };

/* How long each hello waits for an answer. */
static const int64_t waits_ms[] = { 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000 };

enum { TRIES = sizeof waits_ms / sizeof waits_ms[0] };

void handshake_begin(struct handshake *handshake, uint64_t cn, unsigned window, int64_t now_ms)
{
    *handshake = (struct handshake){ .cn = cn, .chance = cn, .window = window, .next_ms = now_ms };
}

size_t handshake_next(struct handshake *handshake, char out[SEGMENT_LIMIT], int64_t now_ms)
{
    struct segment hello = { .kind = SEGMENT_H, .id = handshake->cn, .window = handshake->window };

    if (now_ms < handshake->next_ms || handshake->tries == TRIES)
        return 0;
    handshake->next_ms = now_ms + spread_ms(&handshake->chance, waits_ms[handshake->tries++]);
    handshake->sent++;
    hello.has_cookie = handshake->cookies > 0;
    hello.cookie = handshake->cookie;
    return segment_write(&hello, out);
}

int64_t handshake_deadline(const struct handshake *handshake)
{
    return handshake->next_ms;
}

bool handshake_is_hopeless(const struct handshake *handshake, int64_t now_ms)
{
    return handshake->tries == TRIES && now_ms >= handshake->next_ms;
}

static enum handshake_news follow_cookie(struct handshake *handshake, const struct cookie *cookie)
{
    bool is_known = handshake->cookies > 0 && cookie->second == handshake->cookie.second &&
                    cookie->mac == handshake->cookie.mac;

    if (is_known || handshake->cookies == COOKIES_LIMIT)
        return HANDSHAKE_NOTHING;
    handshake->cookie = *cookie;
    handshake->cookies++;
    handshake->tries = 0;
    handshake->next_ms = 0;
    return HANDSHAKE_COOKIE;
}

/* Is it a reply of SMTP, to a client that did not ask for the plain mode? */
static bool is_reply(const char *octets, size_t length)
{
    size_t i;

    for (i = 0; i < 3; i++)
        if (i == length || octets[i] < '0' || octets[i] > '9')
            return false;
    return true;
}

enum handshake_news handshake_receive(struct handshake *handshake, const char *octets,
                                      size_t length, struct segment *first)
{
    if (is_reply(octets, length))
        return HANDSHAKE_PLAIN;
    if (!segment_parse(first, octets, length))
        return HANDSHAKE_NOTHING;
    if (first->kind == SEGMENT_W && first->cn == handshake->cn)
        return HANDSHAKE_SESSION;
    if (first->id != handshake->cn)
        return HANDSHAKE_NOTHING;
    if (first->kind == SEGMENT_C)
        return follow_cookie(handshake, &first->cookie);
    if (first->kind != SEGMENT_R)
        return HANDSHAKE_NOTHING;
    handshake->refused = first->code;
    return first->code == SEGMENT_TOO_MANY ? HANDSHAKE_NOTHING : HANDSHAKE_REFUSED;
}
