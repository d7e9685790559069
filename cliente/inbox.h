/*
 * What a server has sent and no line has taken yet: replies, of which the last may not be
 * all there. Pure.
 */
#ifndef CLIENTE_INBOX_H
#define CLIENTE_INBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "link.h"
#include "reply.h"

/* Begin with all 0. The owner of the link adds octets at `used`, which it moves on. */
struct inbox {
    size_t taken; /* octets of the reply that was given out last */
    size_t used;
    char octets[REPLY_LIMIT];
};

/* The reply that was given out last goes. */
void inbox_drop(struct inbox *inbox);

/*
 * LINK_REPLY: `reply` is the first one, valid until inbox_drop(). LINK_SENT: it is not all
 * there yet. LINK_NOISE: it never will be.
 */
enum link_result inbox_give(struct inbox *inbox, struct reply *reply);

/*
 * Is a 421 the first reply? It ends a session at any time; any other reply that comes early
 * is kept for the line that waits for one.
 */
bool inbox_has_farewell(const struct inbox *inbox);

bool inbox_is_full(const struct inbox *inbox);

#endif
