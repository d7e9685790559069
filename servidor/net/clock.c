/* See clock.h. */
#include "net/clock.h"

int64_t clock_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The time in local time; the epoch where the system cannot tell. */
static const struct tm *local_time(time_t when, struct tm *parts)
{
    static const struct tm epoch = { .tm_year = 70, .tm_mday = 1, .tm_wday = 4 };

    return localtime_r(&when, parts) == NULL ? &epoch : parts;
}

const char *clock_date(time_t when, char out[CLOCK_DATE_ROOM])
{
    struct tm parts;

    if (strftime(out, CLOCK_DATE_ROOM, "%a %b %e %H:%M:%S %Y", local_time(when, &parts)) == 0)
        out[0] = '\0';
    return out;
}

const char *clock_mail_date(time_t when, char out[CLOCK_DATE_ROOM])
{
    struct tm parts;

    if (strftime(out, CLOCK_DATE_ROOM, "%a, %d %b %Y %H:%M:%S %z", local_time(when, &parts)) == 0)
        out[0] = '\0';
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
