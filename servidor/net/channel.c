/*
 * See channel.h. Signals are blocked but inside pselect(2), so a mark that a handler
 * sets can never fall between looking at it and going to sleep. Where a descriptor is ready
 * at once, pselect does not let them in: so that a peer that never pauses cannot make the
 * process deaf, they are let in before every EAGER_WAITSth wait in any case.
 */
#include "net/channel.h"

#include <errno.h>
#include <sys/select.h>

#include "net/clock.h"

enum { EAGER_WAITS = 16 };

static int stir(struct channel_watch *watch)
{
    watch->stirred(watch);
    errno = watch->is_stopping ? ECANCELED : EINTR;
    return -1;
}

bool channel_let_signals_in(const sigset_t *waiting)
{
    const struct timespec at_once = { 0, 0 };

    return pselect(0, NULL, NULL, NULL, &at_once, waiting) < 0;
}

int64_t channel_send_deadline(const struct channel *channel)
{
    int64_t deadline_ms = clock_now_ms() + channel->patience_ms;

    return deadline_ms < channel->end_ms ? deadline_ms : channel->end_ms;
}

int channel_wait(struct channel *channel, int descriptor, enum channel_side side,
                 int64_t deadline_ms)
{
    struct channel_watch *watch = channel->watch;
    struct timespec left;
    fd_set readable, writable;
    int highest = descriptor > watch->lifeline ? descriptor : watch->lifeline, ready;

    if (watch->is_stopping || highest >= FD_SETSIZE) {
        errno = watch->is_stopping ? ECANCELED : EMFILE;
        return -1;
    }
    /* Looked at first, so that a peer that never pauses cannot outlive its deadline. */
    if (deadline_ms <= clock_now_ms()) {
        errno = ETIMEDOUT;
        return -1;
    }
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(descriptor, side == CHANNEL_READABLE ? &readable : &writable);
    if (watch->lifeline >= 0)
        FD_SET(watch->lifeline, &readable);
    if (++watch->waits % EAGER_WAITS == 0 && channel_let_signals_in(&watch->waiting))
        return stir(watch);
    ready = pselect(highest + 1, &readable, &writable, NULL, clock_left(deadline_ms, &left),
                    &watch->waiting);
    if (ready < 0)
        return errno == EINTR ? stir(watch) : -1;
    if (watch->lifeline >= 0 && FD_ISSET(watch->lifeline, &readable))
        return stir(watch);
    if (ready == 0) {
        errno = ETIMEDOUT;
        return -1;
    }
    return 0;
}
