/* See steer.h. */
#include "watch/steer.h"

void steer_set(enum steering what, uint64_t value)
{
    atomic_store(&counters()->steered[what], value + 1);
}

void steer_reset(void)
{
    unsigned i;

    for (i = 0; i < STEERINGS; i++)
        atomic_store(&counters()->steered[i], 0);
}

uint64_t steer_now(enum steering what, uint64_t configured)
{
    uint64_t steered = atomic_load(&counters()->steered[what]);

    return steered == 0 ? configured : steered - 1;
}
