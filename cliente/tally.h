/*
 * What a load did, in numbers: counts, replies by code, errors by kind, and how long things
 * took, in buckets that are at most 1/32 wide. All of it is cells, so that one process can tell
 * another what is new. Pure.
 */
#ifndef CLIENTE_TALLY_H
#define CLIENTE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tally_count {
    TALLY_SESSIONS, /* that ran to their end as planned */
    TALLY_GREETED,
    TALLY_MAILS,    /* whose dot was answered with 2yz */
    TALLY_REFUSED,  /* mails whose dot was answered with anything else */
    TALLY_OCTETS,   /* of orders and texts that were sent, line ends included */
    TALLY_COUNTS
};

/* What ended a session too early, and what its detail is. */
enum tally_error {
    TALLY_UNREACHED, /* no connection, or no socket: an errno */
    TALLY_DENIED,    /* no session: the code of the greeting or of the R, 0 for another reason */
    TALLY_CLOSED,    /* by the server: 0, or an errno */
    TALLY_SILENT,    /* no reply in time: 0 */
    TALLY_NOISE,     /* what came is no reply, or none that is possible: 0 */
    TALLY_FAREWELL,  /* the reply 421: 0 */
    TALLY_NO_TEXT,   /* DATA was refused: the code of the reply */
    TALLY_UNSENT,    /* by this system: an errno */
    TALLY_LOST,      /* a process of the load ended before its sessions: 0 */
    TALLY_ERRORS
};

/* What is measured. */
enum tally_time { TALLY_GREETING, TALLY_MAIL, TALLY_SESSION, TALLY_TIMES };

enum {
    TALLY_CODES = 1000,
    TALLY_DETAILS = 600, /* a larger detail counts as 0 */
    TALLY_OCTAVE = 32,   /* buckets for each doubling of the time */
    TALLY_BUCKETS = 28 * TALLY_OCTAVE /* up to 2^32 microseconds, which is over an hour */
};

struct tally_table {
    uint64_t counts[TALLY_COUNTS];
    uint64_t replies[TALLY_CODES];
    uint64_t errors[TALLY_ERRORS][TALLY_DETAILS];
    uint64_t times[TALLY_TIMES][TALLY_BUCKETS];
    uint64_t longest_us[TALLY_TIMES]; /* last: of these alone two do not add up */
};

enum { TALLY_CELLS = sizeof(struct tally_table) / sizeof(uint64_t) };

/* Neighbouring buckets. */
struct tally_span {
    size_t first, count;
};

/* Begin with all 0. */
struct tally {
    union {
        struct tally_table of;
        uint64_t cells[TALLY_CELLS];
    };
};

void tally_error(struct tally *tally, enum tally_error kind, int detail);
void tally_reply(struct tally *tally, int code);
void tally_time(struct tally *tally, enum tally_time what, int64_t us);

/* Takes in what another tally has in this cell; false if there is no such cell. */
bool tally_merge(struct tally *tally, uint64_t cell, uint64_t value);

/*
 * The first cell from `*cell` on that is not 0: `*value` is what it had, and it is 0 now. False
 * if there is none. Begin with 0 in `*cell`, and go on behind the last one.
 */
bool tally_take(struct tally *tally, uint64_t *cell, uint64_t *value);

/* How many times were measured, and how many errors there were. */
uint64_t tally_measured(const struct tally *tally, enum tally_time what);
uint64_t tally_failed(const struct tally *tally);

/*
 * What `per_mille` of the times did not exceed, in microseconds, to within 2 %; 0 if none was
 * measured. 1000 is the longest time, and exact.
 */
uint64_t tally_percentile_us(const struct tally *tally, enum tally_time what, unsigned per_mille);

/* How many times fell into these buckets, and in `*end_us` what they all did not reach. */
uint64_t tally_span(const struct tally *tally, enum tally_time what, struct tally_span span,
                    uint64_t *end_us);

#endif
