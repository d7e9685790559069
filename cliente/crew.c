/* See crew.h. */
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link.h"
#include "net/clock.h"
#include "say.h"

enum { TICK_US = 200000, NEWS_A_SECOND = 1000 };

/* Signals to the parent that asked it to stop. */
static volatile sig_atomic_t stops;

static void note_stop(int signal)
{
    (void)signal;
    if (stops < 2)
        stops++;
}

static void stop_child(int signal)
{
    (void)signal;
    link_give_up();
}

static void handle(int signal, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler };

    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

bool crew_is_stopped(void)
{
    return stops > 0;
}

/* --- the side of a child --- */

/* Who cannot tell has no parent any more, and no purpose. */
static void tell(struct crew_child *child, enum crew_phase phase)
{
    if (news_tell(child->news, (uint32_t)child->number, phase, &child->tally) != 0)
        _exit(1);
    child->next_us = clock_now_us() + child->pause_us;
}

void crew_report(struct crew_child *child)
{
    if (clock_now_us() >= child->next_us)
        tell(child, CREW_BORN);
}

void crew_arrive(struct crew_child *child, enum crew_phase phase)
{
    tell(child, phase);
}

bool crew_pass(const struct crew_child *child, size_t gate)
{
    char octet;
    ssize_t n = -1;

    /* A signal that comes just before read(2) is sent again. The end: the parent has died. */
    errno = EINTR;
    while (n == -1 && errno == EINTR && !link_has_given_up())
        n = read(child->gates[gate], &octet, 1);
    return n == 1;
}

static _Noreturn void live(struct crew_child *child,
                           void (*work)(struct crew_child *, const void *), const void *context)
{
    crew_arrive(child, CREW_HERE);
    if (crew_pass(child, 0))
        work(child, context);
    crew_arrive(child, CREW_DONE);
    _exit(0);
}

/* --- the side of the parent --- */

struct pipes {
    int news[2];
    int gates[CREW_GATES][2];
};

static void close_pair(int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static int open_pipes(struct pipes *pipes)
{
    size_t i;

    if (pipe(pipes->news) != 0)
        return -1;
    for (i = 0; i < CREW_GATES; i++)
        if (pipe(pipes->gates[i]) != 0) {
            while (i > 0)
                close_pair(pipes->gates[--i]);
            close_pair(pipes->news);
            return -1;
        }
    return 0;
}

/* In the child: only its ends of the pipes are left, and its signals are its own. */
static void become_child(struct crew_child *child, const struct pipes *pipes)
{
    size_t i;

    handle(SIGINT, SIG_IGN);
    handle(SIGTERM, stop_child);
    close(pipes->news[0]);
    child->news = pipes->news[1];
    for (i = 0; i < CREW_GATES; i++) {
        close(pipes->gates[i][1]);
        child->gates[i] = pipes->gates[i][0];
    }
}

/* Makes the processes; -1 with errno when one could not be made. */
static int fork_all(struct crew *crew, const struct pipes *pipes,
                    void (*work)(struct crew_child *, const void *), const void *context)
{
    static struct crew_child child;
    size_t i;
    pid_t pid;

    child.pause_us = TICK_US + (int64_t)crew->count * 1000000 / NEWS_A_SECOND;
    for (i = 0; i < crew->count; i++) {
        child.number = i;
        pid = fork();
        if (pid == -1)
            return -1;
        if (pid == 0) {
            become_child(&child, pipes);
            live(&child, work, context);
        }
        crew->members[i].pid = pid;
        crew->living++;
        crew->in_phase[CREW_BORN]++;
    }
    return 0;
}

static void kill_all(const struct crew *crew, int signal)
{
    size_t i;

    for (i = 0; i < crew->count; i++)
        if (crew->members[i].pid > 0)
            kill(crew->members[i].pid, signal);
}

static void note_end(struct crew *crew, pid_t pid, int status)
{
    struct crew_member *member = crew->members, *end = member + crew->count;

    while (member < end && member->pid != pid)
        member++;
    if (member == end)
        return;
    member->pid = 0;
    crew->living--;
    if (status == 0 || member->is_lost)
        return;
    member->is_lost = true;
    crew->in_phase[member->phase]--;
    if (stops < 2)
        tally_error(crew->tally, TALLY_LOST, 0);
}

/* Reaps who has ended, or, with no flags, waits for one. */
static bool reap(struct crew *crew, int flags)
{
    int status;
    pid_t pid = waitpid(-1, &status, flags);

    if (pid > 0)
        note_end(crew, pid, status);
    return pid > 0 || (pid == -1 && errno == EINTR);
}

int crew_start(struct crew *crew, size_t count, void (*work)(struct crew_child *, const void *),
               const void *context)
{
    struct pipes pipes;
    int error;

    crew->members = calloc(count, sizeof *crew->members);
    if (crew->members == NULL || open_pipes(&pipes) != 0) {
        say("cannot make %zu processes: %s", count, strerror(errno));
        free(crew->members);
        return -1;
    }
    crew->count = count;
    crew->news = pipes.news[0];
    handle(SIGINT, note_stop);
    handle(SIGTERM, note_stop);
    handle(SIGCHLD, SIG_DFL); /* who started us may have ignored it, and nobody could be reaped */
    error = fork_all(crew, &pipes, work, context) == 0 ? 0 : errno;
    close(pipes.news[1]);
    memcpy(crew->gates, pipes.gates, sizeof crew->gates);
    if (error == 0)
        return 0;
    say("only %zu of %zu processes could be made: %s", crew->living, count, strerror(error));
    kill_all(crew, SIGKILL);
    crew_end(crew);
    return -1;
}

static void note_phase(struct crew *crew, struct crew_member *member, uint32_t phase)
{
    if (!member->is_lost) {
        crew->in_phase[member->phase]--;
        crew->in_phase[phase]++;
    }
    member->phase = (enum crew_phase)phase;
}

static void take_batch(struct crew *crew, const struct news_batch *batch)
{
    uint64_t i;

    for (i = 0; i < batch->count; i++)
        tally_merge(crew->tally, batch->items[i].cell, batch->items[i].value);
    if (batch->phase > 0 && batch->phase <= CREW_DONE && batch->sender < crew->count)
        note_phase(crew, &crew->members[batch->sender], batch->phase);
}

/* At the end of the pipe: who has not said that it is done has been stopped, by whomever. */
static void lose_the_silent(struct crew *crew)
{
    struct crew_member *member = crew->members, *end = member + crew->count;

    for (; member < end; member++)
        if (!member->is_lost && member->phase != CREW_DONE) {
            member->is_lost = true;
            crew->in_phase[member->phase]--;
            if (stops == 0)
                tally_error(crew->tally, TALLY_LOST, 0);
        }
}

/* Takes in what the pipe has, or waits for it. False at its end. */
static bool gather(struct crew *crew)
{
    struct news_batch batch;

    if (!news_read(crew->news, &crew->inbox))
        return false;
    while (news_next(&crew->inbox, &batch))
        take_batch(crew, &batch);
    return true;
}

/*
 * A wish to stop is told again and again, since a child may have been just about to wait; the
 * second wish is an order.
 */
static void look_around(struct crew *crew)
{
    if (stops > 0)
        kill_all(crew, stops > 1 ? SIGKILL : SIGTERM);
    while (reap(crew, WNOHANG))
        continue;
    crew->reaped_us = clock_now_us();
}

void crew_step(struct crew *crew, int64_t until_us)
{
    struct pollfd entry = { .fd = crew->news, .events = POLLIN };
    int64_t now_us = clock_now_us(), wait_us = until_us - now_us;

    if (wait_us > TICK_US)
        wait_us = TICK_US;
    if (poll(&entry, 1, wait_us > 0 ? (int)((wait_us + 999) / 1000) : 0) > 0 && !gather(crew))
        lose_the_silent(crew);
    if (stops > (crew->is_told ? 1 : 0) || clock_now_us() - crew->reaped_us >= TICK_US)
        look_around(crew);
    crew->is_told = stops > 0;
}

bool crew_is_at(const struct crew *crew, enum crew_phase phase)
{
    size_t behind = 0, i;

    for (i = 0; i < (size_t)phase; i++)
        behind += crew->in_phase[i];
    return behind == 0;
}

void crew_open(struct crew *crew, size_t gate)
{
    size_t i;

    for (i = 0; i < crew->count;)
        if (write(crew->gates[gate][1], "", 1) == 1 || errno != EINTR)
            i++;
}

void crew_end(struct crew *crew)
{
    size_t i;

    while (gather(crew))
        continue;
    while (crew->living > 0 && reap(crew, 0))
        continue;
    for (i = 0; i < CREW_GATES; i++)
        close_pair(crew->gates[i]);
    close(crew->news);
    free(crew->members);
}
