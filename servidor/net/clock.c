/* See clock.h. */
#include "net/clock.h"

#include <stdio.h>

int64_t clock_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *clock_date(time_t when, char out[CLOCK_DATE_ROOM])
{
    struct tm parts;

    if (localtime_r(&when, &parts) == NULL ||
        strftime(out, CLOCK_DATE_ROOM, "%a %b %e %H:%M:%S %Y", &parts) == 0)
        snprintf(out, CLOCK_DATE_ROOM, "@%lld", (long long)when);
    return out;
}

const struct timespec *clock_left(int64_t deadline_ms, struct timespec *left)
{
    int64_t ms;

    if (deadline_ms == CLOCK_NEVER)
        return NULL;
    ms = deadline_ms - clock_now_ms();
    if (ms < 0)
        ms = 0;
    left->tv_sec = (time_t)(ms / 1000);
    left->tv_nsec = (long)(ms % 1000) * 1000000L;
    return left;
}
