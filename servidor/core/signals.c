/* See signals.h. */
#include "core/signals.h"

#include <errno.h>
#include <stddef.h>
#include <sys/select.h>

#include "net/channel.h"
#include "net/clock.h"

static const struct {
    int number;
    unsigned roles; /* in which it is caught; in others it is ignored */
    unsigned mark;
} table[] = {
    { SIGTERM, SIGNALS_MASTER | SIGNALS_WORKER | SIGNALS_SERVANT | SIGNALS_SINGLE, SIGNALS_TERM },
    { SIGQUIT, SIGNALS_MASTER | SIGNALS_WORKER | SIGNALS_SERVANT | SIGNALS_SINGLE, SIGNALS_NOW },
    /* ^C reaches all: the master tells the others */
    { SIGINT, SIGNALS_MASTER | SIGNALS_SINGLE, SIGNALS_NOW },
    { SIGHUP, SIGNALS_MASTER | SIGNALS_SINGLE, SIGNALS_HUP },
    { SIGCHLD, SIGNALS_MASTER | SIGNALS_WORKER | SIGNALS_SINGLE, SIGNALS_CHILD },
    { SIGUSR1, SIGNALS_WORKER, SIGNALS_HELLO },
    { SIGPIPE, 0, 0 },
    { SIGXFSZ, 0, 0 },
};

enum { ROWS = sizeof table / sizeof table[0] };

/* One variable a signal, so that no handler changes what another one sets. */
static volatile sig_atomic_t marks[ROWS];

static void mark(int number)
{
    size_t i;

    for (i = 0; i < ROWS; i++)
        if (table[i].number == number)
            marks[i] = 1;
}

void signals_let_through(bool are_let_through)
{
    sigset_t all;
    size_t i;

    sigemptyset(&all);
    for (i = 0; i < ROWS; i++)
        sigaddset(&all, table[i].number);
    sigprocmask(are_let_through ? SIG_UNBLOCK : SIG_BLOCK, &all, NULL);
}

void signals_start(enum signals_role role)
{
    struct sigaction action;
    size_t i;

    signals_let_through(false);
    for (i = 0; i < ROWS; i++) {
        marks[i] = 0;
        action.sa_handler = (table[i].roles & role) != 0 ? mark : SIG_IGN;
        /* SIGCHLD ignored means children that cannot be waited for. */
        if (table[i].number == SIGCHLD && (table[i].roles & role) == 0)
            action.sa_handler = SIG_DFL;
        action.sa_flags = 0;
        sigfillset(&action.sa_mask);
        sigaction(table[i].number, &action, NULL);
    }
}

void signals_spare(void)
{
    struct sigaction action = { .sa_handler = SIG_IGN };
    size_t i;

    sigemptyset(&action.sa_mask);
    for (i = 0; i < ROWS; i++)
        if (table[i].roles == 0)
            sigaction(table[i].number, &action, NULL);
}

static bool (*mend_memory)(const void *address);

static void mend(int number, siginfo_t *info, void *context)
{
    struct sigaction action = { .sa_handler = SIG_DFL };
    int saved = errno;

    (void)context;
    /* What cannot be mended happens once more when this returns. */
    if (!mend_memory(info->si_addr))
        sigaction(number, &action, NULL);
    errno = saved;
}

void signals_mend_memory(bool (*mender)(const void *address))
{
    struct sigaction action = { .sa_sigaction = mend, .sa_flags = SA_SIGINFO };

    mend_memory = mender;
    sigfillset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}

void signals_forget(void)
{
    struct sigaction action = { .sa_handler = SIG_DFL };
    int number;

    sigemptyset(&action.sa_mask);
    /* Some cannot be changed, and need not. */
    for (number = 1; number <= SIGRTMAX; number++)
        sigaction(number, &action, NULL);
    sigprocmask(SIG_SETMASK, &action.sa_mask, NULL);
}

unsigned signals_take(void)
{
    unsigned taken = 0;
    size_t i;

    for (i = 0; i < ROWS; i++)
        if (marks[i] != 0) {
            marks[i] = 0;
            taken |= table[i].mark;
        }
    return taken;
}

void signals_waiting_mask(sigset_t *mask)
{
    sigemptyset(mask);
}

void signals_wait(int one, int other, int64_t deadline_ms)
{
    struct timespec left;
    sigset_t waiting;
    fd_set readable;

    signals_waiting_mask(&waiting);
    FD_ZERO(&readable);
    if (one >= 0)
        FD_SET(one, &readable);
    if (other >= 0)
        FD_SET(other, &readable);
    if (channel_let_signals_in(&waiting))
        return;
    pselect((one > other ? one : other) + 1, &readable, NULL, NULL,
            clock_left(deadline_ms, &left), &waiting);
}
