/*
 * How long to wait before a child is forked again whose forerunner could not be born, or died at
 * once: longer after each, so that a fault which stays costs little and is still tried. Pure.
 */
#ifndef CORE_BIRTHS_H
#define CORE_BIRTHS_H

#include <stdbool.h>
#include <stdint.h>

/* A child that dies sooner, without having done anything, was born dead. */
enum { BIRTHS_SHORT_LIFE_MS = 1000 };

/* All zeros: nothing has gone wrong. */
struct births {
    unsigned failures; /* in a row */
    int64_t not_before_ms;
};

/*
 * Notes that a child could not be born or was born dead: births wait, twice as long after each,
 * from 100 ms to 10 s. Those that fail while births wait count as one. Returns for how many
 * milliseconds from now.
 */
unsigned births_note_failure(struct births *births, int64_t now_ms);

/* Notes that a child had a life: the next pause is a short one. */
void births_note_life(struct births *births);

/* Are births waiting? */
bool births_are_pausing(const struct births *births, int64_t now_ms);

#endif
