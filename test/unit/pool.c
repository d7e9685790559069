/* How many workers there are, by a clock that stands still until it is told to run. */
#include "core/pool.h"

#include "check.h"

enum {
    MIN = 8,
    MAX = 12000,
    QUICK_MS = 100,         /* as core/pool.c has them: the numbers of these stories */
    CALM_MS = 1000,
    RETIRE_AFTER_MS = 3000,
    RETIRE_EVERY_MS = 500,
    BURST_LIMIT = 1024,
};

static struct slot_census census_of(unsigned starting, unsigned idle, unsigned busy)
{
    return (struct slot_census){ .starting = starting, .idle = idle, .busy = busy };
}

static int decide(struct pool *pool, unsigned starting, unsigned idle, unsigned busy,
                  int64_t now_ms)
{
    struct slot_census census = census_of(starting, idle, busy);

    return pool_decide(pool, &census, now_ms);
}

static void the_first_round_brings_the_minimum(void)
{
    struct pool pool;

    pool_start(&pool, MIN, MAX);
    CHECK(decide(&pool, 0, 0, 0, 10000) == MIN);
    CHECK(decide(&pool, MIN, 0, 0, 10001) == 0); /* being born counts as idle */
    CHECK(decide(&pool, 0, MIN, 0, 10100) == 0);
}

static void a_lost_worker_is_replaced(void)
{
    struct pool pool;

    pool_start(&pool, MIN, MAX);
    decide(&pool, 0, 0, 0, 10000);
    CHECK(decide(&pool, 0, MIN - 1, 0, 20000) == 1);
    CHECK(decide(&pool, 0, MIN, 0, 20001) == 0);
    CHECK(decide(&pool, 1, 4, 2, 20002) == 1);
}

static void the_low_mark_is_half_of_the_minimum(void)
{
    struct pool pool;
    unsigned low;

    pool_start(&pool, MIN, MAX);
    low = pool_low_mark(&pool);
    CHECK(low == 4);
    CHECK(decide(&pool, 0, low, 100, 10000) == 0);
    CHECK(decide(&pool, 1, low - 1, 100, 10000) == 0);
    CHECK(decide(&pool, 0, low - 1, 100, 10000) > 0);
    pool_start(&pool, 1, MAX);
    CHECK(pool_low_mark(&pool) == 1); /* even the smallest pool is asked before nobody waits */
    CHECK(decide(&pool, 0, 0, 1, 10000) == 1);
}

static void births_double_while_they_run_out_at_once(void)
{
    struct pool pool;
    int wanted = MIN, births;
    unsigned busy = 100;
    int64_t now_ms = 10000;

    pool_start(&pool, MIN, MAX);
    do {
        births = decide(&pool, 0, 0, busy, now_ms);
        CHECK(births == wanted);
        busy += (unsigned)births;
        wanted = 2 * wanted;
        now_ms += QUICK_MS - 1;
    } while (wanted <= BURST_LIMIT);
    CHECK(decide(&pool, 0, 0, busy, now_ms) == BURST_LIMIT);
    CHECK(decide(&pool, 0, 0, busy, now_ms) == BURST_LIMIT);
}

static void a_burst_that_lasts_is_large_enough(void)
{
    struct pool pool;
    int64_t now_ms = 10000;

    pool_start(&pool, MIN, MAX);
    CHECK(decide(&pool, 0, 0, 100, now_ms) == MIN);
    CHECK(decide(&pool, 0, 0, 100, now_ms += QUICK_MS) == MIN);
    CHECK(decide(&pool, 0, 0, 100, now_ms += QUICK_MS - 1) == 2 * MIN);
    CHECK(decide(&pool, 0, 0, 100, now_ms += CALM_MS) == 2 * MIN);
    CHECK(decide(&pool, 0, 0, 100, now_ms += CALM_MS + 1) == MIN);
}

/* One worker more than sessions: the one that says that all are busy. */
static void the_cap_is_one_above_the_maximum(void)
{
    struct pool pool;
    struct slot_census full = census_of(1, 2, 18), room = census_of(1, 2, 17);

    pool_start(&pool, MIN, 20);
    CHECK(pool_is_full(&pool, &full) && !pool_is_full(&pool, &room));
    CHECK(pool_decide(&pool, &room, 10000) == 1);
    CHECK(pool_decide(&pool, &full, 10000) == 0);
    CHECK(decide(&pool, 0, 0, 21, 10000) == 0);
    CHECK(decide(&pool, 0, 0, 40, 10000) == 0); /* too many are no reason to panic */
    CHECK(decide(&pool, 0, 0, 15, 10000) <= 6);
    pool_start(&pool, MIN, MAX);
    CHECK(decide(&pool, 0, 0, MAX, 10000) == 1);
    CHECK(decide(&pool, 0, 0, MAX + 1, 10000) == 0);
}

static void a_maximum_below_the_minimum_wins(void)
{
    struct pool pool;

    pool_start(&pool, 50, 3);
    CHECK(pool.min == 3 && pool.max == 3);
    CHECK(decide(&pool, 0, 0, 0, 10000) == 3);
    CHECK(decide(&pool, 0, 3, 0, 10001) == 0);
    CHECK(decide(&pool, 0, 0, 3, 10002) == 1);
}

static void twice_the_minimum_may_be_idle(void)
{
    struct pool pool;

    pool_start(&pool, MIN, MAX);
    CHECK(decide(&pool, 0, 2 * MIN, 0, 1000000) == 0);
    CHECK(decide(&pool, 0, 2 * MIN + 1, 0, 1000000) == -1);
}

static void nobody_retires_soon_after_growth(void)
{
    struct pool pool;
    int64_t now_ms;

    pool_start(&pool, MIN, MAX);
    CHECK(decide(&pool, 0, 0, 100, 10000) > 0);
    for (now_ms = 10000; now_ms < 10000 + RETIRE_AFTER_MS; now_ms += 100)
        CHECK(decide(&pool, 0, 500, 0, now_ms) == 0);
    CHECK(decide(&pool, 0, 500, 0, 10000 + RETIRE_AFTER_MS - 1) == 0);
    CHECK(decide(&pool, 0, 500, 0, 10000 + RETIRE_AFTER_MS) < 0);
}

static void half_of_the_surplus_retires_at_a_time(void)
{
    struct pool pool;

    pool_start(&pool, MIN, MAX);
    CHECK(decide(&pool, 0, 2 * MIN + 100, 0, 100000) == -50);
    CHECK(decide(&pool, 0, 2 * MIN + 50, 0, 100000 + RETIRE_EVERY_MS - 1) == 0);
    CHECK(decide(&pool, 0, 2 * MIN + 50, 0, 100000 + RETIRE_EVERY_MS) == -25);
    CHECK(decide(&pool, 0, 2 * MIN + 1, 500, 100000 + 2 * RETIRE_EVERY_MS) == -1);
}

static void busy_workers_are_no_surplus(void)
{
    struct pool pool;

    pool_start(&pool, MIN, MAX);
    CHECK(decide(&pool, 0, MIN, 5000, 100000) == 0);
}

/* The notes of section 3: a child that dies before its first session slows births down. */
static void nobody_is_born_or_retires_while_births_wait(void)
{
    struct pool pool;

    pool_start(&pool, MIN, MAX);
    births_note_failure(&pool.births, 100000);
    CHECK(decide(&pool, 0, 0, 0, 100000) == 0 && decide(&pool, 0, 0, 0, 100099) == 0);
    CHECK(decide(&pool, 0, 500, 0, 100099) == 0);
    CHECK(decide(&pool, 0, 500, 0, 100100) < 0);
    CHECK(decide(&pool, 0, 0, 0, 100100) > 0);
}

/* Its session is over, but it cannot have another yet. */
static void a_worker_that_lingers_is_there_but_not_ready(void)
{
    struct slot_census census = { .idle = 3, .lingering = 20 };
    struct pool pool;

    pool_start(&pool, MIN, MAX);
    CHECK(pool_decide(&pool, &census, 10000) == MIN);
    pool_start(&pool, MIN, 22);
    CHECK(pool_is_full(&pool, &census) && pool_decide(&pool, &census, 10000) == 0);
}

/* A little world: the pool's word is done at once, and sessions take what is idle. */
struct world {
    struct pool pool;
    unsigned idle, busy, waiting; /* workers, workers, clients */
    int64_t now_ms;
};

static void round_of(struct world *world)
{
    int wanted = decide(&world->pool, 0, world->idle, world->busy, world->now_ms);
    unsigned served;

    CHECK(wanted >= -(int)world->idle);
    world->idle = (unsigned)((int)world->idle + wanted);
    CHECK(world->idle + world->busy <= world->pool.max + 1);
    served = world->waiting < world->idle ? world->waiting : world->idle;
    world->idle -= served;
    world->busy += served;
    world->waiting -= served;
}

static void five_hundred_at_once_are_served_within_seven_rounds(void)
{
    struct world world = { .waiting = 500, .now_ms = 10000 };
    int rounds = 0;

    pool_start(&world.pool, MIN, MAX);
    for (; world.waiting > 0 && rounds < 100; rounds++) {
        round_of(&world);
        world.now_ms += 1; /* a worker that finds few idle wakes the master */
    }
    CHECK(rounds <= 7); /* 8 + 16 + 32 + 64 + 128 + 256 > 500 */
    CHECK(world.busy == 500);
    round_of(&world);
    CHECK(world.idle >= pool_low_mark(&world.pool));
}

static void when_they_have_gone_the_pool_is_small_again(void)
{
    struct world world = { .idle = 900, .busy = 100, .now_ms = 10000 };
    int seconds;

    pool_start(&world.pool, MIN, MAX);
    world.idle += world.busy;
    world.busy = 0;
    for (seconds = 0; seconds < 15; seconds++) {
        round_of(&world);
        world.now_ms += 1000;
    }
    CHECK(world.idle >= MIN && world.idle <= 2 * MIN);
    for (seconds = 0; seconds < 60; seconds++) { /* and it stays so */
        unsigned before = world.idle;

        round_of(&world);
        CHECK(world.idle == before);
        world.now_ms += 1000;
    }
}

static void more_clients_than_workers_are_told_so_by_one(void)
{
    struct world world = { .waiting = 500, .now_ms = 10000 };
    int rounds;

    pool_start(&world.pool, MIN, 100);
    for (rounds = 0; rounds < 50; rounds++) {
        round_of(&world);
        world.now_ms += 100;
    }
    CHECK(world.busy == 101 && world.idle == 0 && world.waiting == 399);
}

int main(void)
{
    the_first_round_brings_the_minimum();
    a_lost_worker_is_replaced();
    the_low_mark_is_half_of_the_minimum();
    births_double_while_they_run_out_at_once();
    a_burst_that_lasts_is_large_enough();
    the_cap_is_one_above_the_maximum();
    a_maximum_below_the_minimum_wins();
    twice_the_minimum_may_be_idle();
    nobody_retires_soon_after_growth();
    half_of_the_surplus_retires_at_a_time();
    busy_workers_are_no_surplus();
    nobody_is_born_or_retires_while_births_wait();
    a_worker_that_lingers_is_there_but_not_ready();
    five_hundred_at_once_are_served_within_seven_rounds();
    when_they_have_gone_the_pool_is_small_again();
    more_clients_than_workers_are_told_so_by_one();
    return check_status();
}
