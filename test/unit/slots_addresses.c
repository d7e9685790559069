/* How many sessions an address may have, known without looking at every slot. */
#include "watch/slots.h"

#include "check.h"

enum { SLOTS = 12 };

static int make_idle(enum transport transport)
{
    int slot = slot_take(transport);

    CHECK(slot >= 0);
    slot_idle(slot);
    return slot;
}

static void busy(int slot, const struct peer *peer)
{
    unsigned sessions;

    slot_busy(slot, peer, &sessions);
}

static struct peer peer_at(uint8_t last, uint16_t port)
{
    return (struct peer){ .address = { 192, 0, 2, last }, .port = port, .version = 4 };
}

/* An address is above its limit only if it may be, as long as its sessions last. */
static void what_an_address_may_have_is_known_without_counting(void)
{
    struct peer peer = peer_at(7, 1), other_port = peer_at(7, 2), v6 = { .version = 6 };
    int first = make_idle(TRANSPORT_TCP), second = make_idle(TRANSPORT_UDP);

    v6.address[15] = 7;
    CHECK(!slots_may_exceed(&peer, 0) && !slots_may_exceed(&v6, 0));
    busy(first, &peer);
    CHECK(slots_may_exceed(&peer, 0) && !slots_may_exceed(&peer, 1));
    busy(second, &other_port);
    CHECK(slots_may_exceed(&peer, 1) && !slots_may_exceed(&other_port, 2));
    CHECK(!slots_may_exceed(&v6, 0));
    slot_linger(second);
    CHECK(slots_may_exceed(&peer, 1));
    slot_idle(second);
    slot_free(first);
    CHECK(!slots_may_exceed(&peer, 0));
    busy(second, &v6);
    CHECK(slots_may_exceed(&v6, 0) && !slots_may_exceed(&peer, 0));
}

/* Killed between the hint of its address and its state. */
static void a_death_before_a_session_is_repaired(void)
{
    struct peer peer = peer_at(7, 1);
    int slot = make_idle(TRANSPORT_TCP);

    busy(slot, &peer);
    atomic_store(&counters_slot(slot)->state, SLOT_IDLE);
    slot_free(slot);
    CHECK(slots_may_exceed(&peer, 0));
    slots_correct_hints();
    CHECK(!slots_may_exceed(&peer, 0));
    CHECK(slots_sessions(TRANSPORT_TCP) == 0);
    busy(make_idle(TRANSPORT_TCP), &peer);
    slots_correct_hints();
    CHECK(slots_may_exceed(&peer, 0) && slots_sessions(TRANSPORT_TCP) == 1);
}

int main(void)
{
    if (counters_start(SLOTS) != 0) {
        perror("counters_start");
        return 1;
    }
    what_an_address_may_have_is_known_without_counting();
    a_death_before_a_session_is_repaired();
    return check_status();
}
