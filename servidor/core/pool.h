/*
 * How many workers there should be. Pure: a census of the slots and the time come in,
 * "fork so many" or "retire so many" comes out; core/master does it.
 *
 * A few idle workers always wait ahead. While they run out as fast as they come, births
 * double from round to round; when far too many are idle for some seconds, half of the
 * surplus goes, again and again. A worker being born counts as idle, or every round would
 * fork for it anew.
 */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/births.h"
#include "watch/slots.h"

struct pool {
    unsigned min;             /* workers there are when nothing happens; at least 1 */
    unsigned max;             /* sessions at once; one worker more is kept, to say so */
    unsigned burst;           /* births of the next round */
    int64_t last_growth_ms;
    int64_t last_retiring_ms;
    struct births births;     /* while they wait, nobody is forked, nor retired */
};

/* A pool with nobody in it. `max` below `min` lowers `min`. */
void pool_start(struct pool *pool, unsigned min, unsigned max);

/* How many workers to fork (above 0) or to retire (below 0) now. */
int pool_decide(struct pool *pool, const struct slot_census *census, int64_t now_ms);

/* From fewer idle workers than this on, pool_decide() wants to be asked at once. */
unsigned pool_low_mark(const struct pool *pool);

/* Has the pool as many workers as it may have? */
bool pool_is_full(const struct pool *pool, const struct slot_census *census);

#endif
