/* See trouble.h. */
#include "watch/trouble.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/clock.h"

enum { SAY_EVERY_MS = 10000 };

bool trouble_is_due(enum trouble_kind kind)
{
    _Atomic int64_t *last_ms = &counters()->trouble_said_ms[kind];
    int64_t now_ms = clock_now_ms(), said_ms = atomic_load(last_ms);

    return (said_ms == 0 || now_ms - said_ms > SAY_EVERY_MS) &&
           atomic_compare_exchange_strong(last_ms, &said_ms, now_ms);
}

void trouble_say(enum trouble_kind kind, const char *what, const char *consequence)
{
    int saved = errno;

    if (trouble_is_due(kind))
        dprintf(STDERR_FILENO, "servidor: %s: %s: %s\n", what, strerror(saved), consequence);
    errno = saved;
}
