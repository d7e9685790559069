/* Waits that are spread: by a quarter at most, and evenly. */
#include "net/spread.h"

#include "check.h"

static void a_wait_grows_by_a_quarter_at_most(void)
{
    int64_t shortest_ms = INT64_MAX, longest_ms = 0, sum_ms = 0;
    uint64_t chance = 0;
    int i;

    for (i = 0; i < 10000; i++) {
        int64_t wait_ms = spread_ms(&chance, 1000);

        shortest_ms = wait_ms < shortest_ms ? wait_ms : shortest_ms;
        longest_ms = wait_ms > longest_ms ? wait_ms : longest_ms;
        sum_ms += wait_ms;
    }
    CHECK(shortest_ms >= 1000 && shortest_ms <= 1005);
    CHECK(longest_ms <= 1250 && longest_ms >= 1245);
    CHECK(sum_ms / 10000 > 1120 && sum_ms / 10000 < 1130);
}

static void a_short_wait_stays_one(void)
{
    uint64_t chance = 7;
    int i;

    for (i = 0; i < 100; i++) {
        int64_t wait_ms = spread_ms(&chance, 3);

        CHECK(wait_ms == 3 || wait_ms == 4);
        CHECK(spread_ms(&chance, 0) == 0);
    }
}

static void neighbours_go_apart(void)
{
    uint64_t seed;
    int same = 0;

    for (seed = 0; seed < 1000; seed++) {
        uint64_t one = seed, other = seed + 1;

        same += spread_ms(&one, 8000) == spread_ms(&other, 8000);
        CHECK(one != seed && one != other);
    }
    CHECK(same < 20);
}

int main(void)
{
    a_wait_grows_by_a_quarter_at_most();
    a_short_wait_stays_one();
    neighbours_go_apart();
    return check_status();
}
