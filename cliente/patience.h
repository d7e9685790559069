/*
 * How long to wait over UDP: for a reply that may be lost, and for copies of one
 * that may be late. Pure: the time is passed in, in milliseconds of any one clock.
 */
#ifndef CLIENTE_PATIENCE_H
#define CLIENTE_PATIENCE_H

#include <stdint.h>

enum {
    PATIENCE_LONGEST_MS = 8000, /* to which waits double */
    PATIENCE_QUIET_LEAST_MS = 50 /* for the scheduler, where the network takes no time */
};

/* Begin with all 0. */
struct patience {
    unsigned samples;
    int64_t trip_ms, variation_ms; /* the smoothed round trip (RFC 6298), after a first sample */
    int64_t first_ms, last_ms;     /* when the command at hand was sent */
    int64_t quiet_until_ms;        /* late copies may come until then */
};

/* The wait after one of `wait_ms` in vain. */
int64_t patience_next_wait(int64_t wait_ms);

/* The command at hand was sent for the `sends`th time. */
void patience_sent(struct patience *patience, unsigned sends, int64_t now_ms);

/*
 * It was answered after `sends` sendings. One sending gives a sample of the round
 * trip; several, since nobody knows which of them was answered, give no sample (Karn)
 * but a quiet period.
 *
 * The server answers each repetition, so n - 1 more replies may be under way, the
 * last of them for as long as a round trip takes. If the reply came later after the
 * last sending than a round trip explains, it answers an earlier one: then the whole
 * time since the first sending is the only safe guess.
 */
void patience_answered(struct patience *patience, unsigned sends, int64_t now_ms);

#endif
