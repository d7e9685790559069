/* What a load counts: against exact sorting of the same times, and told from tally to tally. */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { MANY = 20000 };

static int compare(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

/* Chance that is the same each time. */
static uint64_t chance(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static bool is_near(uint64_t got, int64_t exact)
{
    int64_t off = (int64_t)got - exact;

    return off * 50 <= exact && -off * 50 <= exact;
}

/* The time that so many of a thousand did not exceed: the smallest such. */
static int64_t exact_us(const int64_t *sorted, size_t count, unsigned per_mille)
{
    size_t rank = (count * per_mille + 999) / 1000;

    return sorted[rank == 0 ? 0 : rank - 1];
}

static void percentiles_are_those_of_sorting(unsigned bits, size_t count)
{
    static const unsigned per_mille[] = { 1, 10, 250, 500, 900, 990, 999 };
    static int64_t times[MANY];
    static struct tally tally;
    uint64_t state = 88172645463325252 + bits;
    size_t i;

    memset(&tally, 0, sizeof tally);
    for (i = 0; i < count; i++) {
        times[i] = (int64_t)(chance(&state) >> (64 - 1 - chance(&state) % bits));
        tally_time(&tally, TALLY_MAIL, times[i]);
    }
    qsort(times, count, sizeof *times, compare);
    for (i = 0; i < sizeof per_mille / sizeof *per_mille; i++)
        CHECK(is_near(tally_percentile_us(&tally, TALLY_MAIL, per_mille[i]),
                      exact_us(times, count, per_mille[i])));
    CHECK(tally_percentile_us(&tally, TALLY_MAIL, 1000) == (uint64_t)times[count - 1]);
    CHECK(tally_measured(&tally, TALLY_MAIL) == count);
    CHECK(tally_measured(&tally, TALLY_SESSION) == 0);
}

static void short_times_are_exact(void)
{
    static struct tally tally;
    int64_t us;

    for (us = 0; us < 64; us++) {
        memset(&tally, 0, sizeof tally);
        tally_time(&tally, TALLY_GREETING, us);
        tally_time(&tally, TALLY_GREETING, us);
        tally_time(&tally, TALLY_GREETING, 1000);
        CHECK(tally_percentile_us(&tally, TALLY_GREETING, 500) == (uint64_t)us);
    }
}

static void no_time_is_too_long_or_too_short(void)
{
    static struct tally tally;

    CHECK(tally_percentile_us(&tally, TALLY_SESSION, 500) == 0);
    CHECK(tally_percentile_us(&tally, TALLY_SESSION, 1000) == 0);
    tally_time(&tally, TALLY_SESSION, -1);
    CHECK(tally_percentile_us(&tally, TALLY_SESSION, 500) == 0);
    tally_time(&tally, TALLY_SESSION, INT64_MAX);
    tally_time(&tally, TALLY_SESSION, UINT32_MAX);
    tally_time(&tally, TALLY_SESSION, (int64_t)UINT32_MAX + 1);
    CHECK(tally_measured(&tally, TALLY_SESSION) == 4);
    CHECK(tally_percentile_us(&tally, TALLY_SESSION, 500) > UINT32_MAX / 100 * 98);
    CHECK(tally_percentile_us(&tally, TALLY_SESSION, 1000) == (uint64_t)INT64_MAX);
}

/* The middle of a bucket may lie above all that is in it. */
static void no_percentile_is_above_the_longest(void)
{
    static struct tally tally;

    tally_time(&tally, TALLY_SESSION, 1 << 20);
    CHECK(tally_percentile_us(&tally, TALLY_SESSION, 500) == 1 << 20);
}

/* Spans of any width, side by side, have every time once, and end where the next one begins. */
static void spans_leave_nothing_out(size_t width)
{
    static struct tally tally;
    uint64_t state = 4711, end_us, before_us = 0, seen = 0, in;
    size_t i;

    memset(&tally, 0, sizeof tally);
    for (i = 0; i < MANY; i++)
        tally_time(&tally, TALLY_SESSION, (int64_t)(chance(&state) >> (32 + chance(&state) % 32)));
    for (i = 0; i < TALLY_BUCKETS; i += width) {
        struct tally_span span = { .first = i, .count = width };

        in = tally_span(&tally, TALLY_SESSION, span, &end_us);
        CHECK(end_us > before_us);
        before_us = end_us;
        seen += in;
    }
    CHECK(seen == MANY);
    CHECK(before_us == (uint64_t)1 << 32);
}

static void a_span_has_what_is_below_its_end(void)
{
    static struct tally tally;
    struct tally_span span = { .first = 0, .count = 0 };
    uint64_t end_us = 0;

    tally_time(&tally, TALLY_MAIL, 5000);
    while (tally_span(&tally, TALLY_MAIL, span, &end_us) == 0)
        span.count++;
    CHECK(end_us > 5000 && end_us <= 5000 + 5000 / 32 + 1);
}

static void fill(struct tally *tally, uint64_t seed)
{
    uint64_t state = seed;
    int i;

    for (i = 0; i < 500; i++) {
        tally_time(tally, (enum tally_time)(chance(&state) % TALLY_TIMES),
                   (int64_t)(chance(&state) >> 40));
        tally_reply(tally, (int)(chance(&state) % 1000));
        tally_error(tally, (enum tally_error)(chance(&state) % TALLY_ERRORS),
                    (int)(chance(&state) % TALLY_DETAILS));
        tally->of.counts[chance(&state) % TALLY_COUNTS]++;
    }
}

/* Moves all of `from`, which is empty afterwards, to `to`. */
static size_t move(struct tally *to, struct tally *from)
{
    uint64_t cell = 0, value;
    size_t moved = 0;

    for (; tally_take(from, &cell, &value); moved++) {
        CHECK(value != 0);
        CHECK(tally_merge(to, cell, value));
    }
    return moved;
}

static void what_is_told_in_parts_is_the_same_as_the_whole(void)
{
    static struct tally whole, one, other, sum;

    fill(&whole, 1);
    fill(&whole, 2);
    fill(&one, 1);
    fill(&other, 2);
    CHECK(move(&sum, &one) > 100);
    CHECK(move(&sum, &other) > 100);
    CHECK(memcmp(&whole, &sum, sizeof sum) == 0);
    CHECK(move(&sum, &one) == 0);
    CHECK(tally_failed(&sum) == 1000);
}

static void what_is_no_cell_is_refused(void)
{
    static struct tally tally, empty;

    CHECK(!tally_merge(&tally, TALLY_CELLS, 1));
    CHECK(!tally_merge(&tally, UINT64_MAX, 1));
    CHECK(memcmp(&tally, &empty, sizeof empty) == 0);
}

static void odd_codes_and_details_do_no_harm(void)
{
    static struct tally tally;

    tally_reply(&tally, 1000);
    tally_reply(&tally, -1);
    tally_error(&tally, TALLY_CLOSED, TALLY_DETAILS);
    tally_error(&tally, TALLY_LOST, -5);
    CHECK(tally.of.errors[TALLY_CLOSED][0] == 1 && tally.of.errors[TALLY_LOST][0] == 1);
    CHECK(tally_failed(&tally) == 2);
}

int main(void)
{
    percentiles_are_those_of_sorting(31, MANY);
    percentiles_are_those_of_sorting(31, 1);
    percentiles_are_those_of_sorting(31, 999);
    percentiles_are_those_of_sorting(12, 1001);
    percentiles_are_those_of_sorting(5, MANY);
    short_times_are_exact();
    no_time_is_too_long_or_too_short();
    no_percentile_is_above_the_longest();
    spans_leave_nothing_out(1);
    spans_leave_nothing_out(4);
    spans_leave_nothing_out(TALLY_OCTAVE);
    a_span_has_what_is_below_its_end();
    what_is_told_in_parts_is_the_same_as_the_whole();
    what_is_no_cell_is_refused();
    odd_codes_and_details_do_no_harm();
    return check_status();
}
