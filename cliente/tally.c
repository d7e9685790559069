/* See tally.h. */
#include "tally.h"

/* The buckets below the first octave that is divided hold one microsecond each. */
static size_t bucket_of(uint64_t us)
{
    unsigned shift = 0;

    if (us > UINT32_MAX)
        return TALLY_BUCKETS - 1;
    while (us >> shift >= (uint64_t)2 * TALLY_OCTAVE)
        shift++;
    return (size_t)shift * TALLY_OCTAVE + (size_t)(us >> shift);
}

static uint64_t begin_of_us(size_t bucket)
{
    size_t shift = bucket < (size_t)2 * TALLY_OCTAVE ? 0 : bucket / TALLY_OCTAVE - 1;

    return (uint64_t)(bucket - shift * TALLY_OCTAVE) << shift;
}

static uint64_t middle_us(size_t bucket)
{
    return begin_of_us(bucket) + (begin_of_us(bucket + 1) - begin_of_us(bucket) - 1) / 2;
}

static uint64_t sum(const uint64_t *cells, size_t count)
{
    uint64_t all = 0;
    size_t i;

    for (i = 0; i < count; i++)
        all += cells[i];
    return all;
}

void tally_error(struct tally *tally, enum tally_error kind, int detail)
{
    tally->of.errors[kind][detail > 0 && detail < TALLY_DETAILS ? detail : 0]++;
}

void tally_reply(struct tally *tally, int code)
{
    if (code >= 0 && code < TALLY_CODES)
        tally->of.replies[code]++;
}

void tally_time(struct tally *tally, enum tally_time what, int64_t us)
{
    uint64_t time_us = us > 0 ? (uint64_t)us : 0;

    tally->of.times[what][bucket_of(time_us)]++;
    if (time_us > tally->of.longest_us[what])
        tally->of.longest_us[what] = time_us;
}

bool tally_merge(struct tally *tally, uint64_t cell, uint64_t value)
{
    if (cell >= TALLY_CELLS)
        return false;
    if (cell < TALLY_CELLS - TALLY_TIMES)
        tally->cells[cell] += value;
    else if (value > tally->cells[cell])
        tally->cells[cell] = value;
    return true;
}

bool tally_take(struct tally *tally, uint64_t *cell, uint64_t *value)
{
    while (*cell < TALLY_CELLS && tally->cells[*cell] == 0)
        ++*cell;
    if (*cell >= TALLY_CELLS)
        return false;
    *value = tally->cells[*cell];
    tally->cells[*cell] = 0;
    return true;
}

uint64_t tally_measured(const struct tally *tally, enum tally_time what)
{
    return sum(tally->of.times[what], TALLY_BUCKETS);
}

uint64_t tally_failed(const struct tally *tally)
{
    uint64_t all = 0;
    size_t i;

    for (i = 0; i < TALLY_ERRORS; i++)
        all += sum(tally->of.errors[i], TALLY_DETAILS);
    return all;
}

uint64_t tally_percentile_us(const struct tally *tally, enum tally_time what, unsigned per_mille)
{
    const uint64_t *buckets = tally->of.times[what];
    uint64_t all = tally_measured(tally, what), longest = tally->of.longest_us[what], seen = 0;
    uint64_t rank = all / 1000 * per_mille + (all % 1000 * per_mille + 999) / 1000;
    size_t i = 0;

    if (all == 0 || per_mille >= 1000)
        return longest;
    while (i < TALLY_BUCKETS - 1 && (seen += buckets[i]) < rank)
        i++;
    return middle_us(i) < longest ? middle_us(i) : longest;
}

uint64_t tally_span(const struct tally *tally, enum tally_time what, struct tally_span span,
                    uint64_t *end_us)
{
    *end_us = begin_of_us(span.first + span.count);
    return sum(tally->of.times[what] + span.first, span.count);
}
