/*
 * The processes of a load. The parent forks them, holds them at gates until all are there, and
 * gathers their news; it never waits for one that has died. It is the one owner of fork(2) and of
 * signals in the client: SIGINT and SIGTERM to the parent stop the load, and its children.
 */
#ifndef CLIENTE_CREW_H
#define CLIENTE_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "news.h"
#include "tally.h"

enum { CREW_LIMIT = 10000 };

/* How far a process has come. */
enum crew_phase {
    CREW_BORN = 0,
    CREW_HERE, /* it waits at gate 0 */
    CREW_OPEN, /* its sessions are open, and it waits at gate 1 */
    CREW_DONE
};

enum { CREW_GATES = 2 };

/* --- the side of a child --- */

struct crew_child {
    size_t number;          /* from 0 on */
    struct tally tally;     /* what is new; the child counts here */
    int gates[CREW_GATES];  /* each has an octet for each child when it is open */
    int news;
    int64_t next_us;        /* when the parent is told again */
    int64_t pause_us;
};

/* Tells the parent what is new, if it is time to. */
void crew_report(struct crew_child *child);

/* Tells the parent what is new, and that this process has come to `phase`. */
void crew_arrive(struct crew_child *child, enum crew_phase phase);

/* Waits until a gate is open. False: the load was stopped or its parent died; the child ends. */
bool crew_pass(const struct crew_child *child, size_t gate);

/* --- the side of the parent --- */

struct crew_member {
    pid_t pid; /* 0: it has ended, and was reaped */
    enum crew_phase phase;
    bool is_lost; /* it ended otherwise than it should */
};

struct crew {
    struct crew_member *members;
    size_t count, living;
    size_t in_phase[CREW_DONE + 1]; /* of those that are not lost */
    int gates[CREW_GATES][2]; /* both ends, so that a write to nobody is no signal */
    int news;
    int64_t reaped_us; /* when that was last tried */
    bool is_told;      /* the children are, that the load is stopped */
    struct news_inbox inbox;
    struct tally *tally; /* of all of them */
};

/*
 * Makes `count` processes, each of which runs `work`, with `context`, behind gate 0, and ends.
 * Begin with 0 in all but `tally`, which stays the caller's. Returns 0, or -1 after saying why
 * not, with no process left.
 */
int crew_start(struct crew *crew, size_t count, void (*work)(struct crew_child *, const void *),
               const void *context);

/*
 * Waits for news, but not beyond `until_us` (clock_now_us()) nor for more than a fifth of a
 * second, and takes what there is. Sees to processes that have died, and to a wish to stop.
 */
void crew_step(struct crew *crew, int64_t until_us);

/* Has each process come as far as `phase`, or died? */
bool crew_is_at(const struct crew *crew, enum crew_phase phase);

/* Was the load stopped by a signal? */
bool crew_is_stopped(void);

/* Lets the children go on. */
void crew_open(struct crew *crew, size_t gate);

/* Reads the last news, and waits for the end of all processes. */
void crew_end(struct crew *crew);

#endif
