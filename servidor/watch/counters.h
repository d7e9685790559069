/*
 * The memory that all processes of a server share: the signs they give each other, and one
 * slot a worker. What changes is an atomic, and the only locks are those
 * that the system takes back from the dead, so a process that is killed at any point leaves
 * nothing that another waits for.
 */
#ifndef WATCH_COUNTERS_H
#define WATCH_COUNTERS_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transport { TRANSPORT_TCP, TRANSPORT_UDP, TRANSPORTS };

/* "TCP" or "UDP". */
const char *transport_name(enum transport transport);

/* Two slots never share a line of the processor's caches, nor its neighbour. */
enum { COUNTERS_LINE = 128 };

/* One worker. Written by that worker; by the master before its birth and after its death. */
struct slot {
    alignas(COUNTERS_LINE) _Atomic uint32_t state; /* enum slot_state of watch/slots.h */
    _Atomic uint32_t transport;
    _Atomic uint32_t pid;
    _Atomic uint32_t sessions;  /* begun by this worker; a reader sees by it that a peer changed */
    _Atomic uint64_t peer[3];   /* of the running session, packed */
    _Atomic uint32_t is_plain;  /* is the running session in plain mode? */
};

/* Which folder one is, and when its entries last changed. */
struct counters_folder {
    uint64_t device, number;
    int64_t changed_s, changed_ns;
};

/*
 * The last sync of one mailbox's new/, which workers share (mail/sync.c). Written by whoever has
 * the lock of its turn; others look at the number twice.
 */
enum { COUNTERS_SYNCS = 512, COUNTERS_ABOVE = 2, COUNTERS_LOCKS = 2 * COUNTERS_SYNCS };

/* Addresses with sessions are counted by a hash, in so many places. */
enum { COUNTERS_ADDRESSES = 4096 };

struct counters_sync {
    alignas(COUNTERS_LINE) _Atomic uint64_t finished; /* its number; 0: the rest says nothing */
    struct counters_folder new_folder;
    struct counters_folder above[COUNTERS_ABOVE]; /* synced as well; zeros: not known to be */
    _Atomic uint32_t turn; /* which of its two locks the next sync has */
};

/* What watch/trouble.h speaks of. */
enum trouble_kind { TROUBLE_SYSTEM, TROUBLE_MAIL, TROUBLE_FILTER, TROUBLES };

/* What is set while the server runs (watch/steer.h). */
enum steering { STEER_MESSAGE_SIZE, STEER_ADDRESS_LIMIT, STEER_LOG_TEXT, STEERINGS };

/* The two logs, as indices of what is counted about each. */
enum log_kind { LOG_REQUESTS, LOG_ACCESS, LOGS };

struct counters {
    /* from the master to all */
    alignas(COUNTERS_LINE) _Atomic bool is_draining; /* no new session begins */
    _Atomic uint32_t log_generation;                 /* goes up when logs are to be reopened */
    _Atomic uint32_t slots_used;                     /* no slot from this index on is taken */
    _Atomic uint32_t wake_below[TRANSPORTS];         /* fewer idle workers than this: wake the master */
    _Atomic bool cannot_grow[TRANSPORTS];            /* no worker can be had for now */
    int64_t started_s;                               /* time(2) */
    int64_t started_ms;                              /* clock_now_ms() */
    uint32_t slot_count;
    /*
     * The master's own. It stands here because a page that is not shared, which the master writes
     * to from birth to birth, stays with each child as it was then: 4 KiB of each session.
     */
    int first_free; /* no slot below it is free: a birth does not look at all that live */
    /* from all to all */
    /* Hints, so that nobody counts slots where it is urgent; the slots are the truth. */
    alignas(COUNTERS_LINE) _Atomic int32_t idle[TRANSPORTS]; /* workers without a session */
    _Atomic int32_t sessions[TRANSPORTS];
    _Atomic int32_t addresses[COUNTERS_ADDRESSES]; /* workers busy or lingering with such a one */
    _Atomic uint64_t steered[STEERINGS]; /* one above the value; 0: as configured */
    _Atomic int64_t trouble_said_ms[TROUBLES]; /* when it was last spoken of */
    _Atomic uint64_t mail_serial;        /* the next mail's number, never given twice */
    _Atomic uint64_t syncs_begun;        /* of folders of mail, whatever became of them */
    _Atomic bool totals_are_lost;        /* somebody could not go on with their file */
    _Atomic bool log_is_failing[LOGS];   /* has been said on standard error */
    _Atomic bool log_is_torn[LOGS];      /* the file ends within a line */
    _Atomic uint64_t log_lost_records;
    struct counters_sync syncs[COUNTERS_SYNCS];
};

/* Maps counters with `slots` slots, shared with all later children. 0, or -1 with errno. */
int counters_start(unsigned slots);

/*
 * Maps `length` octets of the file behind `descriptor`, or of new memory for -1, shared with all
 * later children. NULL with errno if that cannot be.
 */
void *counters_map(int descriptor, size_t length);

/*
 * Puts other memory in the place of a mapping of `length` octets, COUNTERS_SPARE at most, that
 * begins at `place`: all zeros at first, and the same in every process that does this. For a
 * signal handler, too, where touching that mapping raised the signal. 0, or -1 with errno.
 */
enum { COUNTERS_SPARE = 4096 };
int counters_cover(void *place, size_t length);

/* The counters, and one of their slots; counters_start() must have succeeded. */
struct counters *counters(void);
struct slot *counters_slot(int slot);

/*
 * Takes one of the COUNTERS_LOCKS locks. The system takes it back from a process that dies, so
 * nobody waits for the dead. 0; or -1 with errno, EAGAIN or EACCES if another has it.
 */
int counters_try_lock(unsigned lock);

/* Waits until nobody has it so, and takes it together with others who do this. 0, or -1. */
int counters_lock_shared(unsigned lock);

/* Lets such a lock go. Should the system refuse, nobody waits: alone, a lock is only tried. */
void counters_unlock_shared(unsigned lock);

/* Lets a lock go that was tried and taken, for others wait for it; it should be the only one. */
void counters_unlock(unsigned lock);

/*
 * Writes the id of a new mail: COUNTERS_ID letters and digits and a NUL. A server does not
 * repeat one, whatever the wall clock does, nor after a restart, unless mails come faster than 4
 * million a second or that clock was set back in between.
 */
enum { COUNTERS_ID = 9 };
void counters_new_id(char id[COUNTERS_ID + 1]);

#endif
