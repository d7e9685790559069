/* See fate.h. */
#include "fate.h"

#include "net/spread.h"

static unsigned below(uint64_t *stream, unsigned limit)
{
    return (unsigned)(spread_draw(stream) % limit);
}

uint64_t fate_stream(uint64_t seed, unsigned number)
{
    uint64_t stream = seed, first = spread_draw(&stream);

    while (number-- > 0)
        first = spread_draw(&stream);
    return first;
}

struct fate fate_draw(uint64_t *stream, const struct fate_odds *odds)
{
    struct fate fate = { .copies = 1 };
    unsigned i;

    if (below(stream, 100) < odds->double_percent)
        fate.copies = FATE_COPIES;
    if (below(stream, 100) < odds->drop_percent)
        fate.copies = 0;
    for (i = 0; i < FATE_COPIES; i++)
        fate.delays_ms[i] = odds->least_ms + below(stream, odds->most_ms - odds->least_ms + 1);
    return fate;
}
