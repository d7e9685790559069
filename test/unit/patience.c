/* The waits and the quiet periods, by a clock that stands still until it is told to run. */
#include "patience.h"

#include "check.h"

enum { LEAST = PATIENCE_QUIET_LEAST_MS };

static void waits_double_up_to_a_bound(void)
{
    CHECK(patience_next_wait(1000) == 2000);
    CHECK(patience_next_wait(3999) == 7998);
    CHECK(patience_next_wait(5000) == 8000);
    CHECK(patience_next_wait(8000) == 8000);
    CHECK(patience_next_wait(20000) == 20000);
}

/* An exchange of one sending, answered after `trip_ms`. */
static void clean_exchange(struct patience *patience, int64_t at_ms, int64_t trip_ms)
{
    patience_sent(patience, 1, at_ms);
    patience_answered(patience, 1, at_ms + trip_ms);
}

static void one_sending_needs_no_quiet(void)
{
    struct patience patience = { 0 };

    clean_exchange(&patience, 100, 20);
    CHECK(patience.quiet_until_ms == 0);
    CHECK(patience.trip_ms == 20 && patience.variation_ms == 10);
    clean_exchange(&patience, 200, 60);
    CHECK(patience.trip_ms == 25 && patience.variation_ms == 17);
}

/* Both sendings lie a second apart, and the reply comes as soon after the second as usual. */
static void a_loss_needs_a_round_trip_of_quiet(void)
{
    struct patience patience = { 0 };

    clean_exchange(&patience, 0, 20);
    patience_sent(&patience, 1, 100);
    patience_sent(&patience, 2, 1100);
    patience_answered(&patience, 2, 1120);
    CHECK(patience.quiet_until_ms == 1120 + 20 + 4 * 10 + LEAST);
    CHECK(patience.samples == 1);
}

static void a_slow_server_needs_the_whole_time(void)
{
    struct patience patience = { 0 };

    clean_exchange(&patience, 0, 20);
    patience_sent(&patience, 1, 100);
    patience_sent(&patience, 2, 1100);
    patience_answered(&patience, 2, 2100);
    CHECK(patience.quiet_until_ms == 2100 + 2500 + LEAST);
}

static void without_a_sample_the_whole_time_is_needed(void)
{
    struct patience patience = { 0 };

    patience_sent(&patience, 1, 100);
    patience_sent(&patience, 2, 300);
    patience_sent(&patience, 3, 700);
    patience_answered(&patience, 3, 900);
    CHECK(patience.quiet_until_ms == 900 + 1000 + LEAST);
}

int main(void)
{
    waits_double_up_to_a_bound();
    one_sending_needs_no_quiet();
    a_loss_needs_a_round_trip_of_quiet();
    a_slow_server_needs_the_whole_time();
    without_a_sample_the_whole_time_is_needed();
    return check_status();
}
