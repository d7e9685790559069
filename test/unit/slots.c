/* The slot table, as master and workers see it, and what a sudden death may leave in it. */
#include "watch/slots.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { SLOTS = 12 };

/* slot_busy() where the number of sessions does not matter. */
static bool busy(int slot, const struct peer *peer)
{
    unsigned sessions;

    return slot_busy(slot, peer, &sessions);
}

/* All slots free, all hints true: where each story begins. */
static void begin_anew(void)
{
    enum transport transport;
    int slot;

    for (slot = SLOTS - 1; slot >= 0; slot--)
        slot_free(slot);
    slots_correct_hints();
    for (transport = 0; transport < TRANSPORTS; transport++)
        slots_set_wake(transport, 0);
    CHECK(slots_used() == 0);
}

/* A worker of `transport` that waits for a session. */
static int make_idle(enum transport transport)
{
    int slot = slot_take(transport);

    CHECK(slot >= 0);
    slot_begin(slot, 1000 + slot);
    slot_idle(slot);
    return slot;
}

static struct peer peer_at(uint8_t last, uint16_t port)
{
    return (struct peer){ .address = { 192, 0, 2, last }, .port = port, .version = 4 };
}

static bool counts(enum transport transport, unsigned starting, unsigned idle, unsigned sessions)
{
    struct slot_census census = slots_count(transport);

    return census.starting == starting && census.idle == idle && census.busy == sessions;
}

static int hint_of(enum transport transport)
{
    return (int)atomic_load(&counters()->idle[transport]);
}

static void a_worker_s_life(void)
{
    struct peer peer = peer_at(7, 51214);
    struct slot_view view;
    int slot = slot_take(TRANSPORT_TCP);

    CHECK(slot == 0 && slots_used() == 1);
    CHECK(slot_read(slot, &view) && view.state == SLOT_STARTING && view.pid == 0);
    CHECK(counts(TRANSPORT_TCP, 1, 0, 0));
    slot_begin(slot, 4711);
    slot_idle(slot);
    CHECK(slot_read(slot, &view) && view.state == SLOT_IDLE && view.pid == 4711);
    CHECK(counts(TRANSPORT_TCP, 0, 1, 0) && hint_of(TRANSPORT_TCP) == 1);
    busy(slot, &peer);
    CHECK(slot_read(slot, &view) && view.state == SLOT_BUSY && view.sessions == 1);
    CHECK(peer_is_same(&view.peer, &peer));
    CHECK(counts(TRANSPORT_TCP, 0, 0, 1) && hint_of(TRANSPORT_TCP) == 0);
    slot_linger(slot);
    CHECK(slot_read(slot, &view) && view.state == SLOT_LINGERING);
    CHECK(counts(TRANSPORT_TCP, 0, 0, 0) && slots_count(TRANSPORT_TCP).lingering == 1);
    slot_idle(slot);
    CHECK(counts(TRANSPORT_TCP, 0, 1, 0) && hint_of(TRANSPORT_TCP) == 1);
    slot_free(slot);
    CHECK(!slot_read(slot, &view) && slots_used() == 0);
    CHECK(counts(TRANSPORT_TCP, 0, 0, 0) && hint_of(TRANSPORT_TCP) == 0);
}

static void transports_are_counted_apart(void)
{
    make_idle(TRANSPORT_TCP);
    make_idle(TRANSPORT_UDP);
    make_idle(TRANSPORT_UDP);
    CHECK(counts(TRANSPORT_TCP, 0, 1, 0) && hint_of(TRANSPORT_TCP) == 1);
    CHECK(counts(TRANSPORT_UDP, 0, 2, 0) && hint_of(TRANSPORT_UDP) == 2);
}

static void a_full_table_has_no_slot(void)
{
    int slot;

    for (slot = 0; slot < SLOTS; slot++)
        CHECK(slot_take(TRANSPORT_TCP) == slot);
    CHECK(slot_take(TRANSPORT_TCP) == -1 && slot_take(TRANSPORT_UDP) == -1);
    slot_free(5);
    CHECK(slots_used() == SLOTS);
    CHECK(slot_take(TRANSPORT_UDP) == 5);
    CHECK(counts(TRANSPORT_TCP, SLOTS - 1, 0, 0) && counts(TRANSPORT_UDP, 1, 0, 0));
}

static void the_table_gets_shorter_from_its_end(void)
{
    int slot;

    for (slot = 0; slot < 4; slot++)
        slot_take(TRANSPORT_TCP);
    slot_free(1);
    slot_free(2);
    CHECK(slots_used() == 4);
    slot_free(3);
    CHECK(slots_used() == 1);
    slot_free(3); /* freeing what is free changes nothing */
    CHECK(slots_used() == 1 && counts(TRANSPORT_TCP, 1, 0, 0));
}

static void a_new_worker_does_not_inherit(void)
{
    struct peer peer = peer_at(7, 1);
    struct slot_view view;
    int slot = make_idle(TRANSPORT_UDP);

    busy(slot, &peer);
    slot_free(slot);
    CHECK(slot_take(TRANSPORT_TCP) == slot);
    CHECK(slot_read(slot, &view) && view.state == SLOT_STARTING && view.sessions == 0);
    CHECK(view.pid == 0 && view.transport == TRANSPORT_TCP);
    CHECK(slots_find_peer(TRANSPORT_UDP, SLOT_BUSY, &peer, -1) == -1);
}

static void sessions_of_a_worker_are_counted(void)
{
    struct peer peer = peer_at(7, 1);
    struct slot_view view;
    int slot = make_idle(TRANSPORT_TCP), i;

    for (i = 0; i < 100; i++) {
        busy(slot, &peer);
        slot_idle(slot);
    }
    CHECK(slot_read(slot, &view) && view.sessions == 100);
    CHECK(hint_of(TRANSPORT_TCP) == 1);
}

static void peers_are_found_by_address_and_port(void)
{
    struct peer one = peer_at(1, 100), two = peer_at(1, 200), three = peer_at(2, 100);
    struct peer nobody = peer_at(3, 100);
    int first = make_idle(TRANSPORT_UDP), second = make_idle(TRANSPORT_UDP);
    int other = make_idle(TRANSPORT_TCP);

    busy(first, &one);
    busy(second, &two);
    busy(other, &three);
    CHECK(slots_find_peer(TRANSPORT_UDP, SLOT_BUSY, &one, -1) == first);
    CHECK(slots_find_peer(TRANSPORT_UDP, SLOT_BUSY, &two, -1) == second);
    CHECK(slots_find_peer(TRANSPORT_UDP, SLOT_BUSY, &two, second) == -1);
    CHECK(slots_find_peer(TRANSPORT_TCP, SLOT_BUSY, &one, -1) == -1);
    CHECK(slots_find_peer(TRANSPORT_UDP, SLOT_BUSY, &three, -1) == -1);
    CHECK(slots_find_peer(TRANSPORT_UDP, SLOT_BUSY, &nobody, -1) == -1);
    slot_linger(first);
    CHECK(slots_find_peer(TRANSPORT_UDP, SLOT_BUSY, &one, -1) == -1);
    CHECK(slots_find_peer(TRANSPORT_UDP, SLOT_LINGERING, &one, -1) == first);
    slot_idle(first); /* whose peer it was does not matter any more */
    CHECK(slots_find_peer(TRANSPORT_UDP, SLOT_BUSY, &one, -1) == -1);
    CHECK(slots_find_peer(TRANSPORT_UDP, SLOT_LINGERING, &one, -1) == -1);
}

static void the_sessions_of_an_address_are_counted(void)
{
    struct peer one = peer_at(1, 100), two = peer_at(1, 200), three = peer_at(2, 100);
    int first = make_idle(TRANSPORT_TCP), second = make_idle(TRANSPORT_TCP);
    int third = make_idle(TRANSPORT_TCP), other = make_idle(TRANSPORT_UDP);

    busy(first, &one);
    busy(second, &two);
    busy(third, &three);
    busy(other, &one);
    CHECK(slots_count_address(TRANSPORT_TCP, SLOT_BUSY, &one) == 2);
    CHECK(slots_count_address(TRANSPORT_UDP, SLOT_BUSY, &one) == 1);
    slot_linger(first); /* its session is over */
    CHECK(slots_count_address(TRANSPORT_TCP, SLOT_BUSY, &two) == 1);
    CHECK(slots_count_address(TRANSPORT_TCP, SLOT_LINGERING, &two) == 1);
    slot_idle(first);
    CHECK(slots_count_address(TRANSPORT_TCP, SLOT_BUSY, &two) == 1);
    slot_free(second);
    CHECK(slots_count_address(TRANSPORT_TCP, SLOT_BUSY, &two) == 0);
}

static int sessions_of(enum transport transport)
{
    return (int)atomic_load(&counters()->sessions[transport]);
}

/*
 * A client that had its 221 was refused as one too many: its session still counted. So the
 * count goes down before the last reply leaves, and whatever ends a worker takes it off once.
 */
static void sessions_are_counted_until_they_linger(void)
{
    struct peer peer = peer_at(1, 1);
    int first = make_idle(TRANSPORT_UDP), second = make_idle(TRANSPORT_UDP);
    unsigned sessions = 0;

    slot_busy(first, &peer, &sessions);
    CHECK(sessions == 1 && sessions_of(TRANSPORT_UDP) == 1);
    slot_busy(second, &peer, &sessions);
    CHECK(sessions == 2 && sessions_of(TRANSPORT_UDP) == 2);
    CHECK(sessions_of(TRANSPORT_TCP) == 0);
    slot_linger(first);
    CHECK(sessions_of(TRANSPORT_UDP) == 1);
    slot_idle(first);
    CHECK(sessions_of(TRANSPORT_UDP) == 1);
    slot_free(second); /* killed */
    CHECK(sessions_of(TRANSPORT_UDP) == 0);
}

static void the_master_is_woken_when_few_are_idle(void)
{
    struct peer peer = peer_at(1, 1);
    int slots[4], i;

    for (i = 0; i < 4; i++)
        slots[i] = make_idle(TRANSPORT_TCP);
    slots_set_wake(TRANSPORT_TCP, 2);
    CHECK(!busy(slots[0], &peer)); /* 3 left */
    CHECK(!busy(slots[1], &peer)); /* 2 left */
    CHECK(busy(slots[2], &peer));  /* 1 left */
    CHECK(busy(slots[3], &peer));
    slot_idle(slots[0]);
    slot_idle(slots[1]);
    slot_idle(slots[2]);
    CHECK(!busy(slots[0], &peer)); /* 2 left again */
}

/* A worker is killed in its session. What it wrote last is in shared memory; the master repairs. */
static void a_death_in_a_session_is_repaired(void)
{
    struct peer peer = peer_at(9, 99);
    struct slot_view view;
    int slot = slot_take(TRANSPORT_TCP), status;
    pid_t child = fork();

    if (child == 0) {
        slot_begin(slot, getpid());
        slot_idle(slot);
        busy(slot, &peer);
        _exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    CHECK(slot_read(slot, &view) && view.state == SLOT_BUSY && view.pid == child);
    CHECK(slots_count_address(TRANSPORT_TCP, SLOT_BUSY, &peer) == 1);
    slot_free(slot);
    CHECK(counts(TRANSPORT_TCP, 0, 0, 0) && hint_of(TRANSPORT_TCP) == 0);
    CHECK(slots_count_address(TRANSPORT_TCP, SLOT_BUSY, &peer) == 0 && slots_used() == 0);
}

static void a_death_while_waiting_is_repaired(void)
{
    int slot = make_idle(TRANSPORT_UDP);

    make_idle(TRANSPORT_UDP);
    slot_free(slot);
    CHECK(counts(TRANSPORT_UDP, 0, 1, 0) && hint_of(TRANSPORT_UDP) == 1);
}

static void a_death_at_birth_is_repaired(void)
{
    int slot = slot_take(TRANSPORT_UDP);

    slot_free(slot);
    CHECK(counts(TRANSPORT_UDP, 0, 0, 0) && hint_of(TRANSPORT_UDP) == 0);
}

/* Killed between its state and the hint: the hint is off until a quiet moment. */
static void a_death_between_two_writes_is_repaired(void)
{
    int slot = slot_take(TRANSPORT_TCP);

    atomic_store(&counters_slot(slot)->state, SLOT_IDLE);
    slot_free(slot);
    CHECK(hint_of(TRANSPORT_TCP) == -1);
    make_idle(TRANSPORT_TCP);
    slots_correct_hints();
    CHECK(hint_of(TRANSPORT_TCP) == 1);
}

/* Workers in a hurry: the hint is right when all have come to rest. */
static void many_at_once_do_not_confuse_the_hint(void)
{
    struct peer peer = peer_at(1, 1);
    int slot, round, status;

    for (slot = 0; slot < 4; slot++) {
        CHECK(slot_take(TRANSPORT_TCP) == slot);
        if (fork() == 0) {
            slot_begin(slot, getpid());
            for (round = 0; round < 20000; round++) {
                slot_idle(slot);
                busy(slot, &peer);
            }
            slot_idle(slot);
            _exit(0);
        }
    }
    for (slot = 0; slot < 4; slot++)
        CHECK(wait(&status) > 0 && status == 0);
    CHECK(counts(TRANSPORT_TCP, 0, 4, 0) && hint_of(TRANSPORT_TCP) == 4);
    CHECK(!slots_may_exceed(&peer, 0));
}

static void slots_do_not_share_a_cache_line(void)
{
    CHECK(sizeof(struct slot) % COUNTERS_LINE == 0);
    CHECK((uintptr_t)counters_slot(0) % COUNTERS_LINE == 0);
}

static void ids_are_nine_letters_and_digits_and_never_repeat(void)
{
    char last[COUNTERS_ID + 1], id[COUNTERS_ID + 1];
    int i;

    counters_new_id(last);
    for (i = 0; i < 10000; i++) {
        counters_new_id(id);
        CHECK(strlen(id) == COUNTERS_ID);
        CHECK(strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
              COUNTERS_ID);
        CHECK(strcmp(id, last) > 0); /* in ASCII's order they only go up */
        memcpy(last, id, sizeof last);
    }
}

int main(void)
{
    static void (*const stories[])(void) = {
        a_worker_s_life,
        transports_are_counted_apart,
        a_full_table_has_no_slot,
        the_table_gets_shorter_from_its_end,
        a_new_worker_does_not_inherit,
        sessions_of_a_worker_are_counted,
        peers_are_found_by_address_and_port,
        the_sessions_of_an_address_are_counted,
        sessions_are_counted_until_they_linger,
        the_master_is_woken_when_few_are_idle,
        a_death_in_a_session_is_repaired,
        a_death_while_waiting_is_repaired,
        a_death_at_birth_is_repaired,
        a_death_between_two_writes_is_repaired,
        many_at_once_do_not_confuse_the_hint,
        slots_do_not_share_a_cache_line,
        ids_are_nine_letters_and_digits_and_never_repeat,
    };
    size_t i;

    if (counters_start(SLOTS) != 0) {
        perror("counters_start");
        return 1;
    }
    for (i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        begin_anew();
        stories[i]();
    }
    return check_status();
}
