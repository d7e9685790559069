/* See hold.h. */
#include "hold.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

#include "crew.h"
#include "drive.h"
#include "link.h"
#include "net/clock.h"

/* After this time a hello is looked after though no answer has come: it may be lost. */
enum { HELLO_WAIT_MS = 500 };

struct held {
    struct drive drive; /* its link is NULL when the session failed */
    bool is_greeted;
    int64_t due_ms; /* when it wants attention though nothing has come */
};

struct hold {
    struct crew_child *child;
    const struct drive_way *way;
    struct held *held;
    struct pollfd *entries; /* of each session, and of the gate */
    size_t count, waiting;  /* sessions; those whose greeting is waited for */
};

/* How long a session may wait for its greeting before it is asked about. */
static int64_t greeting_wait_ms(const struct drive_way *way)
{
    int64_t wait_ms = way->target->wait_ms;

    if (way->kind->hear == NULL)
        return 0;
    if (way->kind->idle == NULL || wait_ms < HELLO_WAIT_MS)
        return wait_ms;
    return HELLO_WAIT_MS;
}

static void begin_all(struct hold *hold, uint64_t count)
{
    int64_t wait_ms = greeting_wait_ms(hold->way);
    uint64_t i;

    for (i = 0; i < count && !link_has_given_up(); i++) {
        struct held *held = &hold->held[hold->count];

        if (drive_begin(&held->drive, hold->way, &hold->child->tally)) {
            held->due_ms = clock_now_ms() + wait_ms;
            hold->count++;
        }
    }
    hold->waiting = hold->count;
}

/* Attends to one session: something came for it, or it is due. */
static void attend(struct hold *hold, struct held *held)
{
    const struct link_kind *kind = hold->way->kind;

    if (!held->is_greeted) {
        held->is_greeted = true;
        hold->waiting--;
        if (!drive_greet(&held->drive, &hold->child->tally))
            return;
    }
    held->due_ms = kind->idle == NULL ? CLOCK_NEVER : kind->idle(held->drive.link);
}

/* Says what to wait for. Returns until when, as clock_now_ms() counts. */
static int64_t prepare(struct hold *hold)
{
    int64_t until_ms = CLOCK_NEVER;
    size_t i;

    for (i = 0; i < hold->count; i++) {
        const struct held *held = &hold->held[i];
        bool is_watched = held->drive.link != NULL &&
                          (!held->is_greeted || hold->way->kind->idle != NULL);

        hold->entries[i].fd = is_watched ? held->drive.link->socket : -1;
        hold->entries[i].events = POLLIN;
        hold->entries[i].revents = 0;
        if (is_watched && held->due_ms < until_ms)
            until_ms = held->due_ms;
    }
    return until_ms;
}

/* Waits until something comes or is due, and sees to it. */
static void wait_once(struct hold *hold)
{
    int64_t until_ms = prepare(hold), left_ms = until_ms - clock_now_ms();
    int wait_ms = left_ms > INT_MAX ? INT_MAX : (int)left_ms;
    size_t i;

    if (poll(hold->entries, (nfds_t)hold->count + 1,
             until_ms == CLOCK_NEVER ? -1 : wait_ms > 0 ? wait_ms : 0) < 0)
        return;
    for (i = 0; i < hold->count && !link_has_given_up(); i++)
        if (hold->entries[i].fd != -1 && (hold->entries[i].revents != 0 ||
                                          hold->held[i].due_ms <= clock_now_ms()))
            attend(hold, &hold->held[i]);
}

static void greet_all(struct hold *hold)
{
    struct pollfd *gate = &hold->entries[hold->count];

    *gate = (struct pollfd){ .fd = -1 };
    while (hold->waiting > 0 && !link_has_given_up()) {
        wait_once(hold);
        crew_report(hold->child);
    }
}

static void wait_at_gate(struct hold *hold)
{
    struct pollfd *gate = &hold->entries[hold->count];

    *gate = (struct pollfd){ .fd = hold->child->gates[1], .events = POLLIN };
    while (gate->revents == 0 && !link_has_given_up())
        wait_once(hold);
}

static void go_on(struct hold *hold)
{
    bool is_on = crew_pass(hold->child, 1);
    size_t i;

    for (i = 0; i < hold->count; i++) {
        if (hold->held[i].drive.link == NULL)
            continue;
        if (is_on && !link_has_given_up())
            drive_go(&hold->held[i].drive, hold->way, &hold->child->tally);
        else
            drive_drop(&hold->held[i].drive);
        crew_report(hold->child);
    }
}

void hold_run(struct crew_child *child, const struct drive_way *way, uint64_t count)
{
    struct hold hold = { .child = child, .way = way };
    uint64_t i;

    hold.held = calloc((size_t)count, sizeof *hold.held);
    hold.entries = calloc((size_t)count + 1, sizeof *hold.entries);
    if (hold.held != NULL && hold.entries != NULL) {
        begin_all(&hold, count);
        greet_all(&hold);
        crew_arrive(child, CREW_OPEN);
        wait_at_gate(&hold);
        go_on(&hold);
    } else {
        for (i = 0; i < count; i++)
            tally_error(&child->tally, TALLY_UNREACHED, ENOMEM);
    }
    free(hold.held);
    free(hold.entries);
}
