/* See mng_read.h. */
#include "mng_read.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mng_ask.h"
#include "mng_command.h"
#include "mng_print.h"
#include "net/clock.h"
#include "say.h"

/* What was read, and before that. */
struct history {
    struct mng_reading now, before;
    struct monitor_reply reply; /* the last one */
    bool has_before;
};

static enum mng_outcome ask(struct mng_link *link, unsigned command, struct history *history)
{
    enum mng_outcome outcome = mng_ask(link, command, &history->reply);

    if (outcome == MNG_ANSWERED && command < MONITOR_COMMANDS)
        history->now.rows[command] = (struct mng_row){ true, history->reply.value,
                                                       clock_now_ms() };
    return outcome;
}

/* What a server does not know, or has no filter for, is no row. */
static bool is_left_out(const struct monitor_reply *reply)
{
    return reply->status == MONITOR_BAD_COMMAND || reply->status == MONITOR_NO_FILTER;
}

static enum mng_outcome ask_all(struct mng_link *link, struct history *history)
{
    enum mng_outcome outcome = MNG_ANSWERED, last = MNG_REFUSED;
    unsigned i;

    for (i = 0; i < MONITOR_COMMANDS; i++) {
        if (monitor_kind(i) == MONITOR_NOTHING)
            continue;
        outcome = ask(link, i, history);
        if (outcome == MNG_ANSWERED)
            last = MNG_ANSWERED;
        else if (outcome != MNG_REFUSED || !is_left_out(&history->reply))
            return outcome;
    }
    return last;
}

/* One reading, over sockets of its own: the name may have moved since the last one. */
static enum mng_outcome ask_task(const struct mng_server *server, const struct mng_task *task,
                                 struct history *history)
{
    struct mng_link *link = mng_open(server);
    enum mng_outcome outcome;

    if (link == NULL)
        return MNG_UNREACHED;
    memset(&history->now, 0, sizeof history->now);
    outcome = task->command == MNG_ALL ? ask_all(link, history)
                                       : ask(link, (unsigned)task->command, history);
    mng_close(link);
    return outcome;
}

static void print_one(const struct mng_task *task, const struct history *history)
{
    unsigned command = (unsigned)task->command;
    bool has_row = command < MONITOR_COMMANDS;

    mng_print_answer(command, &history->reply, has_row ? &history->now.rows[command] : NULL,
                     has_row && history->has_before ? &history->before.rows[command] : NULL);
}

/*
 * Prints what came of MNG_ANSWERED or MNG_REFUSED. An error is an answer to one question; who
 * reads a table or metrics must not find it there.
 */
static int print(const struct mng_task *task, const struct history *history,
                 enum mng_outcome outcome)
{
    if (task->command != MNG_ALL)
        print_one(task, history);
    else if (outcome == MNG_REFUSED)
        fprintf(stderr, "Error: %s\n", mng_status_text(history->reply.status));
    else if (task->is_metrics)
        mng_print_metrics(&history->now);
    else
        mng_print_table(&history->now, history->has_before ? &history->before : NULL);
    return say_flush() == 0 && outcome == MNG_ANSWERED ? 0 : 1;
}

int mng_read(const struct mng_server *server, const struct mng_task *task)
{
    struct history history = { .has_before = false };
    enum mng_outcome outcome = ask_task(server, task, &history);

    return outcome == MNG_UNREACHED || outcome == MNG_STOPPED ? 1 : print(task, &history, outcome);
}

/* --- again and again -------------------------------------------------------------------------- */

static void print_head(const struct mng_server *server)
{
    char date[CLOCK_DATE_ROOM];

    if (isatty(STDOUT_FILENO))
        fputs("\033[H\033[2J", stdout);
    printf("%s port %u, %s\n", server->host, (unsigned)server->port,
           clock_date(time(NULL), date));
}

/* One period. Returns 0 to go on, else 1; with MNG_STOPPED in `*outcome` that does not matter. */
static int watch_once(const struct mng_server *server, const struct mng_task *task,
                      struct history *history, enum mng_outcome *outcome)
{
    int status;

    *outcome = ask_task(server, task, history);
    if (*outcome == MNG_UNREACHED || *outcome == MNG_STOPPED)
        return 0;
    if (*outcome == MNG_ANSWERED)
        print_head(server);
    status = print(task, history, *outcome);
    history->before = history->now;
    history->has_before = true;
    return status;
}

/* Waits. False if SIGINT came. */
static bool pause_until(int64_t until_ms, const sigset_t *signals)
{
    struct timespec left;
    int came;

    do
        came = sigtimedwait(signals, NULL, clock_left(until_ms, &left));
    while (came == -1 && errno == EINTR);
    return came == -1;
}

int mng_watch(const struct mng_server *server, const struct mng_task *task)
{
    struct history history = { .has_before = false };
    enum mng_outcome outcome;
    int64_t next_ms = clock_now_ms();
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    do {
        if (watch_once(server, task, &history, &outcome) != 0)
            return 1;
        next_ms += task->period_ms;
        if (next_ms < clock_now_ms())
            next_ms = clock_now_ms(); /* it took longer than a period */
    } while (outcome != MNG_STOPPED && pause_until(next_ms, &signals));
    return 0;
}
