/*
 * What the server has done since its first start: totals that every process adds to, in a
 * mapping of a small file, so that neither a kill nor a restart loses them. Each is an atomic
 * on a cache line of its own. The switch of the filter is remembered in the same file.
 */
#ifndef WATCH_TOTALS_H
#define WATCH_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "watch/counters.h"

enum total {
    /* for each transport */
    TOTAL_SESSIONS,
    TOTAL_MAILS, /* that were answered with 250 */
    TOTAL_RECEIVED, /* octets of sessions, repetitions apart */
    TOTAL_SENT,
    TOTAL_REFUSED_4, /* replies */
    TOTAL_REFUSED_5,
    TOTAL_COMMON,
    /* for both together */
    TOTAL_MAILS_REFUSED_4 = TOTAL_COMMON, /* after their text */
    TOTAL_MAILS_REFUSED_5,
    TOTAL_OCTETS_REFUSED_4, /* of the texts of these mails */
    TOTAL_OCTETS_REFUSED_5,
    TOTAL_UDP_RESENDS,    /* replies, or segments of them, sent again */
    TOTAL_UDP_DUPLICATES, /* datagrams that came again */
    TOTAL_UDP_DROPPED,    /* datagrams of the numbered mode that mean nothing */
    TOTAL_FILTER_RUNS,
    TOTAL_FILTER_FAILURES, /* runs that left the mail refused for now */
    TOTAL_WORKERS_BORN,
    TOTAL_WORKERS_DIED, /* however they ended */
    TOTALS
};

/*
 * Maps the file at `path`, which must stay, making it if there is none; NULL: nothing is kept.
 * One that is damaged, or of another version of this program, is renamed to PATH.old, which is
 * said on standard error. What cannot be kept, as where another process keeps the file locked for
 * some seconds, is said as well, and counted in memory. 0; or -1 with errno, when there is no
 * memory either.
 */
int totals_start(const char *path);

/* The master, when no other process is left: seals the file, so that damage will be seen. */
void totals_end(void);

/* The master, at its start: the workers of an earlier one have died, whoever saw it. */
void totals_bury(void);

/*
 * Somebody has made the mapped file shorter, and `address` could not be touched: makes it whole
 * again, with nothing counted, or, where that cannot be, lets this process count in memory that
 * it shares with others to which the same happens. True if the same will now succeed. For a
 * signal handler; counters_start() must have succeeded, or there is no such memory.
 */
bool totals_mend(const void *address);

/*
 * The master, now and then: when some process could no longer go on with the file, says so, and
 * counts in memory as well, as do those that are born from now on. True if it did so now.
 */
bool totals_give_up(void);

/* What this process adds belongs to sessions over `transport`, from now on. */
void totals_serve(enum transport transport);

/* Adds to a total; before TOTAL_COMMON, to that of the transport that is served. */
void totals_add(enum total total, uint64_t amount);

/* `transport` says nothing from TOTAL_COMMON on. */
uint64_t totals_read(enum total total, enum transport transport);

/* Has the filter been switched off, by this server or one before it? */
bool totals_filter_is_off(void);
void totals_switch_filter(bool is_off);

#endif
