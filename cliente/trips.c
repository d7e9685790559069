/* See trips.h. */
#include "trips.h"

void trips_add(struct trips *trips, uint32_t trip_ms)
{
    trips->ms[trips->count++ % TRIPS_KEPT] = trip_ms;
}

static size_t count_up_to(const struct trips *trips, size_t kept, uint32_t limit_ms)
{
    size_t i, found = 0;

    for (i = 0; i < kept; i++)
        found += trips->ms[i] <= limit_ms;
    return found;
}

/* Halves the range of values instead of sorting them: it is asked for once, at the end. */
int64_t trips_median(const struct trips *trips)
{
    size_t kept = trips->count < TRIPS_KEPT ? (size_t)trips->count : TRIPS_KEPT;
    uint32_t low = 0, high = UINT32_MAX, middle;

    if (kept == 0)
        return -1;
    while (low < high) {
        middle = low + (high - low) / 2;
        if (count_up_to(trips, kept, middle) * 2 >= kept)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
