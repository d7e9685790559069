/*
 * Cookies of the numbered mode: what a client must send back before a server believes that
 * its address is its own. The server keeps nothing of a cookie; it knows it again by a keyed
 * hash of address, nonce and time. Pure.
 */
#ifndef NET_COOKIE_H
#define NET_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/siphash.h"

struct peer;

struct cookie {
    uint32_t second; /* when it was made, of the clock that cookie_make() is given */
    uint64_t mac;
};

/* How long a cookie is good. */
enum { COOKIE_LIFE_S = 30 };

/* Whose a cookie is: the sender of a hello, and the nonce in it. */
struct cookie_owner {
    const struct peer *peer;
    uint64_t cn;
};

/* The cookie for `owner`. `key` is random, and kept secret. */
struct cookie cookie_make(const unsigned char key[SIPHASH_KEY], const struct cookie_owner *owner,
                          uint32_t now_s);

/* Was it made with this key for this owner, at most COOKIE_LIFE_S ago? */
bool cookie_is_good(const struct cookie *cookie, const unsigned char key[SIPHASH_KEY],
                    const struct cookie_owner *owner, uint32_t now_s);

#endif
