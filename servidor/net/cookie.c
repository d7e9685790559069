/* See cookie.h. */
#include "net/cookie.h"

#include <string.h>

#include "net/peer.h"

/* What is hashed, octet by octet: a struct may have gaps. */
enum { HASHED = 16 + 4 + 2 + 2 + 8 + 4 };

static char *put(char *out, uint64_t value, unsigned octets)
{
    while (octets > 0)
        *out++ = (char)(value >> (8 * --octets) & 0xff);
    return out;
}

struct cookie cookie_make(const unsigned char key[SIPHASH_KEY], const struct cookie_owner *owner,
                          uint32_t now_s)
{
    const struct peer *peer = owner->peer;
    struct cookie cookie = { .second = now_s };
    char text[HASHED], *at = text;

    memcpy(at, peer->address, sizeof peer->address);
    at = put(at + sizeof peer->address, peer->scope, 4);
    at = put(at, peer->port, 2);
    at = put(at, peer->version, 2);
    at = put(at, owner->cn, 8);
    put(at, now_s, 4);
    cookie.mac = siphash(key, text, sizeof text);
    return cookie;
}

bool cookie_is_good(const struct cookie *cookie, const unsigned char key[SIPHASH_KEY],
                    const struct cookie_owner *owner, uint32_t now_s)
{
    struct cookie own = cookie_make(key, owner, cookie->second);

    return own.mac == cookie->mac && cookie->second <= now_s &&
           now_s - cookie->second <= COOKIE_LIFE_S;
}
