/* Children that are not born, or die at once, by a clock that runs when it is told to. */
#include "core/births.h"

#include <stddef.h>

#include "check.h"

static void each_pause_is_longer_than_the_one_before(void)
{
    static const unsigned pauses_ms[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
    struct births births = { 0 };
    int64_t now_ms = 10000;
    size_t i;

    CHECK(!births_are_pausing(&births, now_ms));
    for (i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        CHECK(births_note_failure(&births, now_ms) == pauses_ms[i]);
        CHECK(births_are_pausing(&births, now_ms));
        now_ms += pauses_ms[i];
        CHECK(births_are_pausing(&births, now_ms - 1));
        CHECK(!births_are_pausing(&births, now_ms));
    }
    for (i = 0; i < 1000; i++) {
        CHECK(births_note_failure(&births, now_ms) == 10000);
        now_ms += 10000;
    }
}

/* A burst of children that die is one mishap, not a thousand. */
static void those_that_die_together_count_as_one(void)
{
    struct births births = { 0 };
    int i;

    CHECK(births_note_failure(&births, 10000) == 100);
    for (i = 0; i < 100; i++)
        CHECK(births_note_failure(&births, 10000 + i) == 100U - (unsigned)i);
    CHECK(births_are_pausing(&births, 10099) && !births_are_pausing(&births, 10100));
    CHECK(births_note_failure(&births, 10100) == 200);
}

static void who_lived_ends_the_pauses(void)
{
    struct births births = { 0 };
    int64_t now_ms = 10000;
    int i;

    for (i = 0; i < 5; i++)
        now_ms += births_note_failure(&births, now_ms);
    births_note_life(&births);
    CHECK(births_note_failure(&births, now_ms) == 100);
}

int main(void)
{
    each_pause_is_longer_than_the_one_before();
    those_that_die_together_count_as_one();
    who_lived_ends_the_pauses();
    return check_status();
}
