/* See patience.h. */
#include "patience.h"

int64_t patience_next_wait(int64_t wait_ms)
{
    if (wait_ms >= PATIENCE_LONGEST_MS)
        return wait_ms;
    return wait_ms * 2 < PATIENCE_LONGEST_MS ? wait_ms * 2 : PATIENCE_LONGEST_MS;
}

void patience_sent(struct patience *patience, unsigned sends, int64_t now_ms)
{
    if (sends == 1)
        patience->first_ms = now_ms;
    patience->last_ms = now_ms;
}

/* RFC 6298, section 2. */
static void measure(struct patience *patience, int64_t sample_ms)
{
    int64_t off_ms = sample_ms - patience->trip_ms;
    int64_t distance_ms = off_ms < 0 ? -off_ms : off_ms;

    if (patience->samples++ == 0) {
        patience->trip_ms = sample_ms;
        patience->variation_ms = sample_ms / 2;
        return;
    }
    patience->variation_ms += (distance_ms - patience->variation_ms) / 4;
    patience->trip_ms += off_ms / 8;
}

static int64_t quiet_ms(const struct patience *patience, int64_t now_ms)
{
    int64_t usual_ms = patience->trip_ms + 4 * patience->variation_ms + PATIENCE_QUIET_LEAST_MS;
    int64_t whole_ms = now_ms - patience->first_ms;

    if (patience->samples > 0 && now_ms - patience->last_ms <= usual_ms)
        return usual_ms;
    return whole_ms + whole_ms / 4 + PATIENCE_QUIET_LEAST_MS;
}

void patience_answered(struct patience *patience, unsigned sends, int64_t now_ms)
{
    if (sends == 1)
        measure(patience, now_ms - patience->first_ms);
    else
        patience->quiet_until_ms = now_ms + quiet_ms(patience, now_ms);
}
