/* The median of round trips. */
#include "trips.h"

#include "check.h"

static void without_a_trip_there_is_no_median(void)
{
    const struct trips trips = { 0 };

    CHECK(trips_median(&trips) == -1);
}

static void half_is_not_above_it(void)
{
    struct trips trips = { 0 };

    trips_add(&trips, 30);
    CHECK(trips_median(&trips) == 30);
    trips_add(&trips, 10);
    CHECK(trips_median(&trips) == 10);
    trips_add(&trips, 20);
    CHECK(trips_median(&trips) == 20);
    trips_add(&trips, 20);
    trips_add(&trips, 60000);
    CHECK(trips_median(&trips) == 20);
}

static void the_ends_of_the_range_are_trips_too(void)
{
    struct trips trips = { 0 };

    trips_add(&trips, UINT32_MAX);
    CHECK(trips_median(&trips) == UINT32_MAX);
    trips_add(&trips, 0);
    CHECK(trips_median(&trips) == 0);
}

static void only_the_last_are_kept(void)
{
    struct trips trips = { 0 };
    unsigned i;

    for (i = 0; i < TRIPS_KEPT; i++)
        trips_add(&trips, 7);
    for (i = 0; i < TRIPS_KEPT / 2; i++)
        trips_add(&trips, 5);
    CHECK(trips_median(&trips) == 5);
    for (i = 0; i < TRIPS_KEPT; i++)
        trips_add(&trips, 9);
    CHECK(trips_median(&trips) == 9);
    CHECK(trips.count == 2 * TRIPS_KEPT + TRIPS_KEPT / 2);
}

int main(void)
{
    without_a_trip_there_is_no_median();
    half_is_not_above_it();
    the_ends_of_the_range_are_trips_too();
    only_the_last_are_kept();
    return check_status();
}
