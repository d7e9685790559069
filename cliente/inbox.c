/* See inbox.h. */
#include "inbox.h"

#include <string.h>

void inbox_drop(struct inbox *inbox)
{
    inbox->used -= inbox->taken;
    memmove(inbox->octets, inbox->octets + inbox->taken, inbox->used);
    inbox->taken = 0;
}

enum link_result inbox_give(struct inbox *inbox, struct reply *reply)
{
    enum reply_scan scan = reply_scan(inbox->octets, inbox->used, reply);

    if (scan == REPLY_WHOLE) {
        inbox->taken = reply->length;
        return LINK_REPLY;
    }
    return scan == REPLY_NONE || inbox_is_full(inbox) ? LINK_NOISE : LINK_SENT;
}

bool inbox_has_farewell(const struct inbox *inbox)
{
    struct reply reply;

    return reply_scan(inbox->octets, inbox->used, &reply) == REPLY_WHOLE && reply.code == 421;
}

bool inbox_is_full(const struct inbox *inbox)
{
    return inbox->used == sizeof inbox->octets;
}
