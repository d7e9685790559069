/*
 * The datagrams that are on their way, in the order in which they are due: a heap. How many
 * there may be is bounded, and so are their octets.
 */
#ifndef RELAY_HELD_H
#define RELAY_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;

enum { HELD_LIMIT = 16384, HELD_OCTETS = 64 << 20 };

enum way { TO_SERVER, TO_CLIENT, WAYS };

/* Which way a datagram goes: between a client and a port of the server. */
struct crossing {
    enum way way;
    struct client *client;
    uint16_t server_port;
};

struct held {
    int64_t due_ms;
    uint64_t number; /* of two that are due at once, the one that came first goes first */
    struct crossing crossing;
    size_t length;
    char octets[];
};

struct heap {
    struct held *entries[HELD_LIMIT];
    size_t count, octets;
    uint64_t numbered;
};

/* A datagram for held_add(), which copies the octets. */
struct held_note {
    int64_t due_ms;
    const struct crossing *crossing;
    const char *octets;
    size_t length;
};

/* False if there is no room for one more. */
bool held_add(struct heap *heap, const struct held_note *note);

/* Takes out the first that is due at `now_ms`; the caller frees it. NULL if none is. */
struct held *held_take(struct heap *heap, int64_t now_ms);

/* When the first is due, CLOCK_NEVER if there is none. */
int64_t held_deadline(const struct heap *heap);

#endif
