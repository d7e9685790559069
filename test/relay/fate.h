/*
 * What becomes of a datagram: whether it is dropped or doubled, and how long each copy is held.
 * The chance is net/spread's, so that a seed means the same on every machine. Pure.
 */
#ifndef RELAY_FATE_H
#define RELAY_FATE_H

#include <stdint.h>

enum { FATE_COPIES = 2 };

struct fate_odds {
    unsigned drop_percent, double_percent;
    unsigned least_ms, most_ms; /* of the delay, which is uniform between them */
};

struct fate {
    unsigned copies; /* 0: it is dropped */
    unsigned delays_ms[FATE_COPIES];
};

/* A stream of chance for each `number`; those of one seed have nothing in common. */
uint64_t fate_stream(uint64_t seed, unsigned number);

/*
 * The fate of the next datagram. Each takes as much of the stream as any other, so the n-th is
 * dropped or not whatever became of those before it and however long they are held.
 */
struct fate fate_draw(uint64_t *stream, const struct fate_odds *odds);

#endif
