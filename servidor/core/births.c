/* See births.h. */
#include "core/births.h"

enum { PAUSE_MS = 100, PAUSE_LIMIT_MS = 10000 };

unsigned births_note_failure(struct births *births, int64_t now_ms)
{
    unsigned pause_ms = PAUSE_MS, i;

    if (births_are_pausing(births, now_ms))
        return (unsigned)(births->not_before_ms - now_ms);
    for (i = 0; i < births->failures && pause_ms < PAUSE_LIMIT_MS; i++)
        pause_ms *= 2;
    if (pause_ms > PAUSE_LIMIT_MS)
        pause_ms = PAUSE_LIMIT_MS;
    births->failures++;
    births->not_before_ms = now_ms + (int64_t)pause_ms;
    return pause_ms;
}

void births_note_life(struct births *births)
{
    births->failures = 0;
}

bool births_are_pausing(const struct births *births, int64_t now_ms)
{
    return now_ms < births->not_before_ms;
}
