/* See slots.h. */
#include "watch/slots.h"

#include <string.h>

static struct slot *slot_at(int slot)
{
    return counters_slot(slot);
}

int slots_used(void)
{
    return (int)atomic_load(&counters()->slots_used);
}

void slot_set_plain(int slot, bool is_plain)
{
    atomic_store(&slot_at(slot)->is_plain, is_plain);
}

int slot_take(enum transport transport)
{
    int slot = counters()->first_free;

    while (slot < (int)counters()->slot_count && atomic_load(&slot_at(slot)->state) != SLOT_FREE)
        slot++;
    counters()->first_free = slot;
    if (slot == (int)counters()->slot_count)
        return -1;
    atomic_store(&slot_at(slot)->transport, transport);
    atomic_store(&slot_at(slot)->sessions, 0);
    slot_set_plain(slot, false);
    atomic_store(&slot_at(slot)->pid, 0);
    atomic_store(&slot_at(slot)->state, SLOT_STARTING);
    if (slot >= slots_used())
        atomic_store(&counters()->slots_used, (uint32_t)slot + 1);
    return slot;
}

/* A peer as three words, so that each can be an atomic. */
static void pack_peer(uint64_t words[3], const struct peer *peer)
{
    _Static_assert(sizeof *peer == 3 * sizeof words[0], "a peer fills the words of its slot");
    memcpy(words, peer, sizeof *peer);
}

/* Where the address of a packed peer is counted: its first two words (Fibonacci hashing). */
static _Atomic int32_t *address_count(uint64_t first, uint64_t second)
{
    uint64_t mixed = (first ^ second * UINT64_C(0xff51afd7ed558ccd)) *
                     UINT64_C(0x9e3779b97f4a7c15);

    return &counters()->addresses[(mixed >> 32) % COUNTERS_ADDRESSES];
}

static _Atomic int32_t *address_count_of(struct slot *it)
{
    return address_count(atomic_load(&it->peer[0]), atomic_load(&it->peer[1]));
}

/* Does a worker in this state have a peer? */
static bool has_peer(uint32_t state)
{
    return state == SLOT_BUSY || state == SLOT_LINGERING;
}

/* Goes into a state. What leaving the old one takes off the hints is taken off. */
static uint32_t enter_state(struct slot *it, uint32_t state)
{
    uint32_t transport = atomic_load(&it->transport), old = atomic_exchange(&it->state, state);

    if (old == SLOT_IDLE && state != SLOT_IDLE)
        atomic_fetch_sub(&counters()->idle[transport], 1);
    if (old == SLOT_BUSY)
        atomic_fetch_sub(&counters()->sessions[transport], 1);
    if (has_peer(old) && !has_peer(state))
        atomic_fetch_sub(address_count_of(it), 1);
    return old;
}

void slot_free(int slot)
{
    struct slot *it = slot_at(slot);
    int used = slots_used();

    enter_state(it, SLOT_FREE);
    atomic_store(&it->pid, 0);
    if (slot < counters()->first_free)
        counters()->first_free = slot;
    while (used > 0 && atomic_load(&slot_at(used - 1)->state) == SLOT_FREE)
        used--;
    atomic_store(&counters()->slots_used, (uint32_t)used);
}

void slot_begin(int slot, pid_t pid)
{
    atomic_store(&slot_at(slot)->pid, (uint32_t)pid);
}

void slot_idle(int slot)
{
    struct slot *it = slot_at(slot);

    if (enter_state(it, SLOT_IDLE) != SLOT_IDLE)
        atomic_fetch_add(&counters()->idle[atomic_load(&it->transport)], 1);
}

bool slot_busy(int slot, const struct peer *peer, unsigned *sessions)
{
    struct slot *it = slot_at(slot);
    uint32_t transport = atomic_load(&it->transport);
    uint64_t words[3];
    int i;

    pack_peer(words, peer);
    for (i = 0; i < 3; i++)
        atomic_store(&it->peer[i], words[i]);
    atomic_fetch_add(&it->sessions, 1);
    atomic_fetch_add(address_count(words[0], words[1]), 1);
    enter_state(it, SLOT_BUSY);
    *sessions = (unsigned)(atomic_fetch_add(&counters()->sessions[transport], 1) + 1);
    return atomic_load(&counters()->idle[transport]) <
           (int32_t)atomic_load(&counters()->wake_below[transport]);
}

void slot_linger(int slot)
{
    enter_state(slot_at(slot), SLOT_LINGERING);
}

bool slot_read(int slot, struct slot_view *view)
{
    struct slot *it = slot_at(slot);
    uint64_t words[3];
    int i;

    view->sessions = atomic_load(&it->sessions);
    view->state = (enum slot_state)atomic_load(&it->state);
    view->transport = (enum transport)atomic_load(&it->transport);
    view->pid = (pid_t)atomic_load(&it->pid);
    view->is_plain = atomic_load(&it->is_plain) != 0;
    for (i = 0; i < 3; i++)
        words[i] = atomic_load(&it->peer[i]);
    memcpy(&view->peer, words, sizeof view->peer);
    return view->state != SLOT_FREE && view->sessions == atomic_load(&it->sessions);
}

struct slot_census slots_count(enum transport transport)
{
    struct slot_census census = { 0 };
    int slot, used = slots_used();

    for (slot = 0; slot < used; slot++) {
        uint32_t state = atomic_load(&slot_at(slot)->state);
        bool is_plain = atomic_load(&slot_at(slot)->is_plain) != 0;

        if (atomic_load(&slot_at(slot)->transport) != transport)
            continue;
        census.starting += state == SLOT_STARTING;
        census.idle += state == SLOT_IDLE;
        census.busy += state == SLOT_BUSY;
        census.lingering += state == SLOT_LINGERING;
        census.plain += state == SLOT_BUSY && is_plain;
        census.plain_lingering += state == SLOT_LINGERING && is_plain;
    }
    return census;
}

unsigned slots_sessions(enum transport transport)
{
    int32_t sessions = atomic_load(&counters()->sessions[transport]);

    return sessions > 0 ? (unsigned)sessions : 0;
}

void slots_set_wake(enum transport transport, unsigned wake_below)
{
    atomic_store(&counters()->wake_below[transport], wake_below);
}

/* What is right already is not touched: a session may be counted just now. */
static void correct_addresses(void)
{
    static int32_t right[COUNTERS_ADDRESSES];
    _Atomic int32_t *counts = counters()->addresses;
    int i, used = slots_used();

    memset(right, 0, sizeof right);
    for (i = 0; i < used; i++)
        if (has_peer(atomic_load(&slot_at(i)->state)))
            right[address_count_of(slot_at(i)) - counts]++;
    for (i = 0; i < COUNTERS_ADDRESSES; i++)
        if (atomic_load(&counts[i]) != right[i])
            atomic_store(&counts[i], right[i]);
}

void slots_correct_hints(void)
{
    enum transport transport;

    for (transport = 0; transport < TRANSPORTS; transport++) {
        struct slot_census census = slots_count(transport);

        atomic_store(&counters()->idle[transport], (int32_t)census.idle);
        atomic_store(&counters()->sessions[transport], (int32_t)census.busy);
    }
    correct_addresses();
}

bool slots_may_exceed(const struct peer *peer, unsigned limit)
{
    uint64_t words[3];

    pack_peer(words, peer);
    return atomic_load(address_count(words[0], words[1])) > (int64_t)limit;
}

int slots_find_peer(enum transport transport, enum slot_state state, const struct peer *peer,
                    int except)
{
    struct slot_view view;
    int slot, used = slots_used();

    for (slot = 0; slot < used; slot++)
        if (slot != except && slot_read(slot, &view) && view.transport == transport &&
            view.state == state && peer_is_same(&view.peer, peer))
            return slot;
    return -1;
}

/* Counts the workers of `transport` in `state` with the address of `peer`, by `is_plain`. */
static void count_modes(enum transport transport, enum slot_state state, const struct peer *peer,
                        unsigned counts[2])
{
    struct slot_view view;
    int slot, used = slots_used();

    counts[false] = counts[true] = 0;
    for (slot = 0; slot < used; slot++)
        if (slot_read(slot, &view) && view.transport == transport &&
            view.state == state && peer_is_same_address(&view.peer, peer))
            counts[view.is_plain]++;
}

unsigned slots_count_address(enum transport transport, enum slot_state state,
                             const struct peer *peer)
{
    unsigned counts[2];

    count_modes(transport, state, peer, counts);
    return counts[false] + counts[true];
}

unsigned slots_count_endings(enum transport transport, bool is_plain, const struct peer *peer)
{
    unsigned counts[2];

    count_modes(transport, SLOT_LINGERING, peer, counts);
    return counts[is_plain];
}
