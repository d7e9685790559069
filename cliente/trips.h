/* Round trips that were measured: the last TRIPS_KEPT of them, and their median. Pure. */
#ifndef CLIENTE_TRIPS_H
#define CLIENTE_TRIPS_H

#include <stddef.h>
#include <stdint.h>

enum { TRIPS_KEPT = 4096 };

/* Begin with all 0. */
struct trips {
    uint64_t count;          /* all that were added */
    uint32_t ms[TRIPS_KEPT]; /* a ring */
};

void trips_add(struct trips *trips, uint32_t trip_ms);

/* Half of what is kept is not above it: the smallest such of them. -1 if nothing is kept. */
int64_t trips_median(const struct trips *trips);

#endif
