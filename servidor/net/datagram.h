/*
 * One end of a session in numbered mode: two streams of octets, one each way, over a network
 * that loses, doubles and reorders datagrams. Received datagrams and the time go in; datagrams
 * to send and the next deadline come out. Each way has a half of its own, net/datagram_out and
 * net/datagram_in; here they meet, and a session begins and ends. Its rules are those of
 * smtp-udp(7). Pure, and nothing is allocated.
 *
 * All times are milliseconds of one clock that only runs forward. After each call that changes
 * anything, the owner sends what datagram_next() gives until it gives nothing, and calls it
 * again at datagram_deadline() at the latest.
 */
#ifndef NET_DATAGRAM_H
#define NET_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/datagram_in.h"
#include "net/datagram_out.h"
#include "net/segment.h"

/* Why nothing more will come of a session. */
enum datagram_end {
    DATAGRAM_OPEN,     /* it goes on */
    DATAGRAM_FINISHED, /* the server's last segment has arrived, and all before it */
    DATAGRAM_LEFT,     /* the peer said so: `code` of its R; 0: it said hello for another one */
    DATAGRAM_CLOSED,   /* the peer's port is closed */
    DATAGRAM_DEAD,     /* silence, or no progress, for 100 s */
    DATAGRAM_GIVEN_UP, /* the server's first or last segment was never acknowledged */
};

enum datagram_side { DATAGRAM_CLIENT, DATAGRAM_SERVER };

/* What a session begins with. */
struct datagram_start {
    enum datagram_side side;
    uint64_t sid, cn;
    unsigned window;      /* how many segments this end holds, 1 to SEGMENT_WINDOW */
    unsigned peer_window; /* and the other, as its hello or its W said */
    uint64_t seed;        /* of the chance that spreads the timers */
    bool shares_port;     /* hellos come here too (udp-port=same) */
};

struct datagram_tally {
    uint64_t sent, resent;      /* datagrams; segments that were sent again */
    uint64_t repeated, dropped; /* segments that came again; datagrams that mean nothing */
};

struct datagram {
    struct datagram_start start;
    enum datagram_end end;
    unsigned code; /* with DATAGRAM_LEFT */
    struct datagram_out out;
    struct datagram_in in;
    bool has_heard; /* anything valid from the peer */
    int64_t heard_ms;
    bool was_refused; /* by the system, and nothing valid was heard since */
    bool asks;        /* a P is to be sent */
    int64_t asked_ms; /* when the last one was */
    struct datagram_tally tally;
};

/* Begins a session in `datagram`, at the time `now_ms`. A server's first segment is its W. */
void datagram_begin(struct datagram *datagram, const struct datagram_start *start,
                    int64_t now_ms);

/*
 * Takes octets of the stream to the peer; they leave in segments of SEGMENT_PAYLOAD octets, or
 * at the next push. Returns how many it took: fewer than `length`, down to 0, while there is no
 * room.
 */
size_t datagram_put(struct datagram *datagram, const char *octets, size_t length);

/* What was put goes, though it is short of a segment: call it before waiting for an answer. */
void datagram_push(struct datagram *datagram);

/*
 * The server: what was put since the last push, or nothing, becomes the last segment. False
 * while there is no room for one: call it again when something was acknowledged.
 */
bool datagram_finish(struct datagram *datagram);

/* How many segments are cut, and were never sent. */
unsigned datagram_unsent(const struct datagram *datagram);

/* The last round trip that was measured since this was asked, in milliseconds; -1: none was. */
int64_t datagram_trip_ms(struct datagram *datagram);

/* Moves octets of the stream from the peer to `into`, as many as are there; 0 if none is. */
size_t datagram_take(struct datagram *datagram, char *into, size_t room);

/* Takes in a datagram that came from the peer at `now_ms`; what is not valid is dropped. */
void datagram_receive(struct datagram *datagram, const char *octets, size_t length,
                      int64_t now_ms);

/* The system says that nobody is at the peer's port (ECONNREFUSED). */
void datagram_refuse(struct datagram *datagram);

/* Acknowledgements that may still wait are due now: call it before what may take long. */
void datagram_hurry(struct datagram *datagram);

/* The next datagram to send, in `out`, and its length; 0 if there is none at `now_ms`. */
size_t datagram_next(struct datagram *datagram, char out[SEGMENT_LIMIT], int64_t now_ms);

/* Until when datagram_next() has nothing, if nothing else happens; CLOCK_NEVER after the end. */
int64_t datagram_deadline(const struct datagram *datagram);

/* The session is over: nothing is left of what was said. */
void datagram_forget(struct datagram *datagram);

/* The R with `code` by which this end says that it leaves, in `out`. Returns its length. */
size_t datagram_leave(const struct datagram *datagram, unsigned code, char out[SEGMENT_LIMIT]);

#endif
