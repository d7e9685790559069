/* See pool.h. */
#include "core/pool.h"

enum {
    BURST_LIMIT = 1024,      /* births in one round */
    QUICK_MS = 100,          /* a burst used up sooner than this was too small */
    CALM_MS = 1000,          /* without growth, until bursts begin small again */
    RETIRE_AFTER_MS = 3000,  /* without growth, until workers retire */
    RETIRE_EVERY_MS = 500,
};

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

void pool_start(struct pool *pool, unsigned min, unsigned max)
{
    *pool = (struct pool){ .min = least(min, max), .max = max, .burst = least(min, max) };
}

unsigned pool_low_mark(const struct pool *pool)
{
    return (pool->min + 1) / 2;
}

static unsigned total(const struct slot_census *census)
{
    return census->starting + census->idle + census->busy + census->lingering;
}

bool pool_is_full(const struct pool *pool, const struct slot_census *census)
{
    return total(census) >= pool->max + 1;
}

/* Idle workers run out: a burst of births. */
static int grow(struct pool *pool, const struct slot_census *census, int64_t now_ms)
{
    unsigned room = pool_is_full(pool, census) ? 0 : pool->max + 1 - total(census);
    int64_t since_ms = now_ms - pool->last_growth_ms;

    if (since_ms > CALM_MS)
        pool->burst = pool->min;
    else if (since_ms < QUICK_MS)
        pool->burst = least(2 * pool->burst, BURST_LIMIT);
    pool->last_growth_ms = now_ms;
    return (int)least(pool->burst, room);
}

static int shrink(struct pool *pool, unsigned surplus, int64_t now_ms)
{
    if (now_ms - pool->last_growth_ms < RETIRE_AFTER_MS ||
        now_ms - pool->last_retiring_ms < RETIRE_EVERY_MS)
        return 0;
    pool->last_retiring_ms = now_ms;
    return -(int)((surplus + 1) / 2);
}

int pool_decide(struct pool *pool, const struct slot_census *census, int64_t now_ms)
{
    unsigned ready = census->starting + census->idle, high = 2 * pool->min;

    if (births_are_pausing(&pool->births, now_ms))
        return 0;
    if (ready < pool_low_mark(pool))
        return grow(pool, census, now_ms);
    if (total(census) < pool->min)
        return (int)(pool->min - total(census));
    if (ready > high)
        return shrink(pool, ready - high, now_ms);
    return 0;
}
