/* See slots.h. */
#include "watch/slots.h"

#include <string.h>

static struct slot *slot_at(int slot)
{
    return &counters()->slots[slot];
}

int slots_used(void)
{
    return (int)atomic_load(&counters()->slots_used);
}

int slot_take(enum transport transport)
{
    int slot;

    for (slot = 0; slot < (int)counters()->slot_count; slot++)
        if (atomic_load(&slot_at(slot)->state) == SLOT_FREE)
            break;
    if (slot == (int)counters()->slot_count)
        return -1;
    atomic_store(&slot_at(slot)->transport, transport);
    atomic_store(&slot_at(slot)->sessions, 0);
    atomic_store(&slot_at(slot)->pid, 0);
    atomic_store(&slot_at(slot)->state, SLOT_STARTING);
    if (slot >= slots_used())
        atomic_store(&counters()->slots_used, (uint32_t)slot + 1);
    return slot;
}

void slot_free(int slot)
{
    struct slot *it = slot_at(slot);
    int used = slots_used();

    if (atomic_exchange(&it->state, SLOT_FREE) == SLOT_IDLE)
        atomic_fetch_sub(&counters()->idle[atomic_load(&it->transport)], 1);
    atomic_store(&it->pid, 0);
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

    if (atomic_exchange(&it->state, SLOT_IDLE) != SLOT_IDLE)
        atomic_fetch_add(&counters()->idle[atomic_load(&it->transport)], 1);
}

/* A peer as three words, so that each can be an atomic. */
static void pack_peer(uint64_t words[3], const struct peer *peer)
{
    _Static_assert(sizeof *peer == 3 * sizeof words[0], "a peer fills the words of its slot");
    memcpy(words, peer, sizeof *peer);
}

bool slot_busy(int slot, const struct peer *peer)
{
    struct slot *it = slot_at(slot);
    uint32_t transport = atomic_load(&it->transport);
    uint64_t words[3];
    int32_t left;
    int i;

    pack_peer(words, peer);
    for (i = 0; i < 3; i++)
        atomic_store(&it->peer[i], words[i]);
    atomic_fetch_add(&it->sessions, 1);
    if (atomic_exchange(&it->state, SLOT_BUSY) != SLOT_IDLE)
        return false;
    left = atomic_fetch_sub(&counters()->idle[transport], 1) - 1;
    return left < (int32_t)atomic_load(&counters()->wake_below[transport]);
}

void slot_linger(int slot)
{
    atomic_store(&slot_at(slot)->state, SLOT_LINGERING);
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
    for (i = 0; i < 3; i++)
        words[i] = atomic_load(&it->peer[i]);
    memcpy(&view->peer, words, sizeof view->peer);
    return view->state != SLOT_FREE && view->sessions == atomic_load(&it->sessions);
}

struct slot_census slots_count(enum transport transport)
{
    struct slot_census census = { 0, 0, 0 };
    int slot, used = slots_used();

    for (slot = 0; slot < used; slot++) {
        uint32_t state = atomic_load(&slot_at(slot)->state);

        if (atomic_load(&slot_at(slot)->transport) != transport)
            continue;
        census.starting += state == SLOT_STARTING;
        census.idle += state == SLOT_IDLE;
        census.busy += state == SLOT_BUSY || state == SLOT_LINGERING;
    }
    return census;
}

void slots_set_wake(enum transport transport, unsigned wake_below)
{
    atomic_store(&counters()->wake_below[transport], wake_below);
}

void slots_correct_hint(enum transport transport)
{
    atomic_store(&counters()->idle[transport], (int32_t)slots_count(transport).idle);
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

unsigned slots_count_address(enum transport transport, const struct peer *peer)
{
    struct slot_view view;
    unsigned count = 0;
    int slot, used = slots_used();

    for (slot = 0; slot < used; slot++)
        if (slot_read(slot, &view) && view.transport == transport &&
            (view.state == SLOT_BUSY || view.state == SLOT_LINGERING) &&
            peer_is_same_address(&view.peer, peer))
            count++;
    return count;
}
