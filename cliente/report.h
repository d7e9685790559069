/* What a load did, as people and programs read it. */
#ifndef CLIENTE_REPORT_H
#define CLIENTE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct tally;

struct report {
    const struct tally *tally;
    uint64_t planned; /* sessions */
    double seconds, cpu_seconds;
    bool is_stopped;  /* before its end, by a signal */
};

/* Print it on standard output. Return 0, or 1 after saying why they could not. */
int report_text(const struct report *report);
int report_csv(const struct report *report);

/*
 * Prints how many of the `planned` sessions were greeted, on standard output, or, where that
 * is for CSV alone, on standard error. Returns 0, or 1 after saying why it could not.
 */
int report_greeted(const struct tally *tally, uint64_t planned, double seconds, bool is_csv);

/* One line on a terminal, standard error, which the next one replaces; and its end. */
void report_progress(const struct tally *tally, uint64_t planned, double seconds);
void report_clear(void);

#endif
