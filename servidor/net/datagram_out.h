/*
 * The sending half of a session in numbered mode: cuts a stream of octets into segments, and
 * sends each until it is acknowledged (rules T1 to T6 of smtp-udp(7)). For net/datagram alone.
 * Pure.
 */
#ifndef NET_DATAGRAM_OUT_H
#define NET_DATAGRAM_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/segment.h"

/* A segment that is to be sent, or was sent and not acknowledged. */
struct datagram_sending {
    enum segment_kind kind;
    int64_t sent_ms;
    bool is_held;   /* the peer has it, but not all before it */
    bool is_wanted; /* it is to be sent again */
    size_t length;
    char payload[SEGMENT_PAYLOAD];
};

struct datagram_out {
    struct datagram_sending ring[SEGMENT_WINDOW]; /* segment n stands at n % SEGMENT_WINDOW */
    enum segment_kind first; /* the kind of segment 1 */
    uint32_t cut;   /* the last segment that is complete: no octet is added to it */
    uint32_t sent;  /* the last one that was sent */
    uint32_t acked; /* the last one before which nothing is missing at the peer */
    uint32_t last;  /* the F; 0: not yet */
    size_t filled;  /* octets of segment cut + 1 */
    unsigned window;                /* the peer's, in segments, as these two are: */
    unsigned congestion, threshold; /* cwnd and ssthresh of RFC 5681 */
    unsigned growth;   /* acknowledged above ssthresh since cwnd grew (RFC 5681, 3.1) */
    uint32_t halved;   /* a loss up to this one has made cwnd smaller already */
    unsigned expiries; /* of the timer, since there was progress */
    int64_t timer_ms;  /* CLOCK_NEVER while nothing is unacknowledged */
    int64_t progress_ms;      /* when there was some, or the first one went */
    int64_t srtt_8, rttvar_4; /* eighths and quarters of milliseconds; srtt_8 < 0: none yet */
    int64_t sample_ms; /* the round trip that was measured last; -1: none, or it was told */
    uint64_t chance;   /* for net/spread */
};

/* Begins; `window` is the peer's, `first` the kind of the first segment, `chance` any number. */
void datagram_out_begin(struct datagram_out *out, unsigned window, enum segment_kind first,
                        uint64_t chance);

/* See datagram_put(), datagram_push() and datagram_finish(). */
size_t datagram_out_put(struct datagram_out *out, const char *octets, size_t length);
void datagram_out_push(struct datagram_out *out);
bool datagram_out_finish(struct datagram_out *out);

/* Of what was put and not acknowledged, nothing is left. */
void datagram_out_forget(struct datagram_out *out);

/* Is something sent, and not acknowledged? */
bool datagram_out_waits(const struct datagram_out *out);

/* Takes what a datagram of the peer acknowledges. False if that was never sent (R6). */
bool datagram_out_acknowledge(struct datagram_out *out, const struct segment *heard,
                              int64_t now_ms);

/* If the timer has expired, the oldest segment is wanted again. */
void datagram_out_tick(struct datagram_out *out, int64_t now_ms);

/* The number of the segment to send now, which counts as sent then; 0 if there is none. */
uint32_t datagram_out_next(struct datagram_out *out, int64_t now_ms);

/* Segment `seq`, cut and not acknowledged yet; valid until it is. */
const struct datagram_sending *datagram_out_segment(const struct datagram_out *out,
                                                    uint32_t seq);

/* When there will have been no progress for too long; CLOCK_NEVER while it waits for nothing. */
int64_t datagram_out_death(const struct datagram_out *out);

#endif
