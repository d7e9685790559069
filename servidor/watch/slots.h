/*
 * The slot table: which worker is doing what, for whom. The master takes a slot for a
 * child before its birth and frees it after its death, whatever the child was doing
 * then; the child itself writes the rest; everybody reads. counters_start() comes first.
 */
#ifndef WATCH_SLOTS_H
#define WATCH_SLOTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "net/peer.h"
#include "watch/counters.h"

enum slot_state {
    SLOT_FREE,
    SLOT_STARTING,  /* its process is being born */
    SLOT_IDLE,      /* waits for a session */
    SLOT_BUSY,      /* has a session */
    SLOT_LINGERING, /* its session is over but for repetitions of the last command */
};

/* What one slot said at one moment. */
struct slot_view {
    enum slot_state state;
    enum transport transport;
    pid_t pid;
    unsigned sessions;
    struct peer peer; /* while busy or lingering */
    bool is_plain;    /* likewise */
};

/* How many workers of a transport are in which state. */
struct slot_census {
    unsigned starting, idle, busy, lingering;
    unsigned plain, plain_lingering; /* of the busy and lingering ones: in plain mode */
};

/* The master: takes a free slot for a worker to be. Its index, or -1 if all are taken. */
int slot_take(enum transport transport);

/* The master: frees the slot of a worker that is dead or was never born. */
void slot_free(int slot);

/* The worker: it has begun to live, as process `pid`. */
void slot_begin(int slot, pid_t pid);

/* The worker: it waits for a session. */
void slot_idle(int slot);

/* The worker: its next session is over UDP, and in plain mode or not. */
void slot_set_plain(int slot, bool is_plain);

/*
 * The worker: it has a session with `peer`. Returns true when so few idle workers are
 * left that the master should be woken. `*sessions` is how many there are, with this one.
 */
bool slot_busy(int slot, const struct peer *peer, unsigned *sessions);

/*
 * The worker: its session is over but for what is on its way: the last reply, repetitions.
 * Called before that reply is sent, so that a client that has it can have a session again.
 */
void slot_linger(int slot);

/* Reads a slot. False when it is free or its session changed meanwhile. */
bool slot_read(int slot, struct slot_view *view);

/* Slots from this index on are free. */
int slots_used(void);

struct slot_census slots_count(enum transport transport);

/* How many sessions there are, by the hint, which costs the same however many that is. */
unsigned slots_sessions(enum transport transport);

/* The master: from fewer idle workers of `transport` than this on, workers wake it. */
void slots_set_wake(enum transport transport, unsigned wake_below);

/* The master, in a quiet moment: makes the hints agree with the slots. */
void slots_correct_hints(void);

/*
 * May more than `limit` workers be busy or lingering with the address of `peer`, over both
 * transports? False is sure; true is for slots_count_address() to see, which looks at every slot.
 * It costs the same however many there are.
 */
bool slots_may_exceed(const struct peer *peer, unsigned limit);

/* The slot of a worker of `transport` in `state` with `peer`, other than `except`; -1: none. */
int slots_find_peer(enum transport transport, enum slot_state state, const struct peer *peer,
                    int except);

/* How many workers of `transport` in `state` have `peer`'s address, whatever its port. */
unsigned slots_count_address(enum transport transport, enum slot_state state,
                             const struct peer *peer);

/* How many of them linger, over UDP in that mode alone. */
unsigned slots_count_endings(enum transport transport, bool is_plain, const struct peer *peer);

#endif
