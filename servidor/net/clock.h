/*
 * The two clocks: one that only runs forward, for deadlines, and the one on
 * the wall, for the dates that people read in logs.
 */
#ifndef NET_CLOCK_H
#define NET_CLOCK_H

#include <stdint.h>
#include <time.h>

enum { CLOCK_DATE_ROOM = 40 };

/* A deadline that never comes. */
#define CLOCK_NEVER INT64_MAX

/* Milliseconds of CLOCK_MONOTONIC: steps of the wall clock do not move it. */
int64_t clock_now_ms(void);

/* The same in microseconds, for what is measured. */
int64_t clock_now_us(void);

/*
 * Writes `when` in local time as ctime(3) does but without the line end, as in
 * "Tue Nov 29 14:02:24 2022", into `out`. Returns `out`.
 */
const char *clock_date(time_t when, char out[CLOCK_DATE_ROOM]);

/*
 * Writes `when` in local time as a mail has it (RFC 5322 3.3), as in
 * "Tue, 25 Jun 2024 12:46:22 -0300", into `out`. Returns `out`.
 */
const char *clock_mail_date(time_t when, char out[CLOCK_DATE_ROOM]);

/*
 * The time left until `deadline_ms`, for pselect(2): never negative. Returns
 * `left`, or NULL (wait for ever) for CLOCK_NEVER.
 */
const struct timespec *clock_left(int64_t deadline_ms, struct timespec *left);

#endif
