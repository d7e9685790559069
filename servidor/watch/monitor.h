/*
 * The answers of the monitoring protocol (net/monitor_wire.h), from the counters. It keeps
 * nothing of who asked: each datagram stands for itself.
 */
#ifndef WATCH_MONITOR_H
#define WATCH_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/monitor_wire.h"
#include "watch/counters.h"

/* The report's, which everybody knows. */
#define MONITOR_DEFAULT_SECRET "secretpa"

struct monitor_config {
    unsigned char secret[MONITOR_SECRET];
    uint64_t takes_plain; /* 1: version 0, which carries the secret, is answered */
    bool has_filter;      /* there is a program to switch */
    uint64_t configured[STEERINGS];
};

/* A datagram that came. */
struct monitor_question {
    const void *octets;
    size_t length;
    int64_t when_s; /* time(2) */
};

/* Answers a question. Returns the length of the answer, or 0 where silence is the answer. */
size_t monitor_answer(const struct monitor_config *config, const struct monitor_question *question,
                      unsigned char answer[MONITOR_LENGTH]);

#endif
