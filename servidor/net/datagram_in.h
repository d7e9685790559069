/*
 * The receiving half of a session in numbered mode: puts segments in order, each once, and
 * says what is to be acknowledged, and when (rules R2 to R4 of smtp-udp(7)). For net/datagram
 * alone. Pure.
 */
#ifndef NET_DATAGRAM_IN_H
#define NET_DATAGRAM_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/segment.h"

/* A segment that was received and not read to its end. */
struct datagram_holding {
    bool is_held;
    size_t length;
    char payload[SEGMENT_PAYLOAD];
};

struct datagram_in {
    struct datagram_holding ring[SEGMENT_WINDOW]; /* segment n stands at n % SEGMENT_WINDOW */
    unsigned window;  /* how many segments it holds at most */
    uint32_t acked;   /* the last one before which nothing is missing */
    uint32_t read;    /* the last one that was read to its end */
    uint32_t highest; /* the one with the highest number that has come */
    uint32_t last;    /* the F; 0: it has not come */
    size_t taken;     /* octets of segment read + 1 that were read */
    uint32_t edge;    /* up to this one the peer knows that it may send */
    unsigned owed;    /* segments that came and are not acknowledged */
    int64_t owed_ms;  /* when an acknowledgement is due; CLOCK_NEVER: none is */
    bool has_echo;    /* there is a ts to send back */
    uint32_t echo;
};

void datagram_in_begin(struct datagram_in *in, unsigned window);

/*
 * Takes a D, F or W at `now_ms`. False if it came before or may not come: it is dropped, and an
 * acknowledgement is due.
 */
bool datagram_in_hold(struct datagram_in *in, const struct segment *segment, int64_t now_ms);

/* See datagram_take(). */
size_t datagram_in_take(struct datagram_in *in, char *into, size_t room);

/* Of what has come and was not read, nothing is left. */
void datagram_in_forget(struct datagram_in *in);

/* An acknowledgement is due at once. */
void datagram_in_owe(struct datagram_in *in);

/* Has everything come, up to the F? */
bool datagram_in_is_complete(const struct datagram_in *in);

/* Fills in ack, sack, window and te of a datagram that goes now: nothing is owed after it. */
void datagram_in_report(struct datagram_in *in, struct segment *segment);

#endif
