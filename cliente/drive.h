/*
 * One session of a load: a plan that is had over a link as fast as the server allows, and what
 * came of it in a tally. It prints nothing and keeps no log; each session that does not end as
 * planned is one error there.
 */
#ifndef CLIENTE_DRIVE_H
#define CLIENTE_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

struct link;
struct link_kind;
struct link_target;
struct tally;

/* What all sessions of a load have in common. */
struct drive_way {
    const struct link_kind *kind;
    const struct link_target *target; /* resolved */
    struct plan plan;
    bool is_pipelined; /* only with a kind that can hear() */
};

/* A session. */
struct drive {
    struct link *link; /* NULL: none is open */
    int64_t begun_us;
};

/*
 * Begins a session, without waiting. False if there is none: that is an error, and no other
 * function may be called.
 */
bool drive_begin(struct drive *drive, const struct drive_way *way, struct tally *tally);

/* Waits for the greeting. False: that was an error, and the session is over and closed. */
bool drive_greet(struct drive *drive, struct tally *tally);

/*
 * Has the plan after the greeting, and closes the session. It is counted as had, or as an
 * error, or, if link_give_up() was called meanwhile, as neither.
 */
void drive_go(struct drive *drive, const struct drive_way *way, struct tally *tally);

/* Closes a session that is greeted, or not yet. It counts as nothing. */
void drive_drop(struct drive *drive);

#endif
