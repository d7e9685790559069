/*
 * See master.h. One loop: wait for a signal, an octet from a worker that found few idle, or
 * the next tick; bury the dead; obey signals; let core/pool say how many workers to
 * fork or retire. A worker's slot is gossip: who is a child, and in which slot, the master
 * remembers itself.
 */
#include "core/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/pool.h"
#include "core/process.h"
#include "core/servants.h"
#include "core/signals.h"
#include "core/worker.h"
#include "net/clock.h"
#include "net/random.h"
#include "watch/journal.h"
#include "watch/slots.h"
#include "watch/steer.h"
#include "watch/totals.h"

enum {
    TICK_MS = 1000,
    GRACE_MS = 2000, /* from "now" to SIGKILL */
    DESCRIPTION_ROOM = 32,
    /* pselect(2) takes descriptors below FD_SETSIZE; a worker opens few of its own. */
    DESCRIPTOR_LIMIT = FD_SETSIZE - 32,
};

/* How far the end has come. */
enum stage { RUNNING, DRAINING, STOPPING, KILLING };

/* A worker as the master knows it, whatever its slot says. */
struct child {
    pid_t pid; /* 0: none */
    enum transport transport;
    int64_t born_ms;
};

/*
 * Fills a page of memory, so that what follows begins one: the small variables of core/ that each
 * worker writes to, and the head of worker.c's own. On two pages they would be 4 KiB more of each
 * session.
 */
static struct {
    alignas(4096) struct server *server;
    const struct master_hooks *hooks;
    struct pool pools[TRANSPORTS];
    struct child *workers; /* by slot */
    enum stage stage;
    int64_t stage_ends_ms;
    int64_t next_look_ms; /* at the ports */
} master;

/* What a child is told about itself. */
struct birth {
    int slot;
    enum transport transport;
};

static void live_as_worker(void *context)
{
    struct birth *birth = context;

    worker_live(master.server, birth->slot, birth->transport);
}

/* A worker could not be born, or died at once: the next one waits a little. */
static void slow_births(enum transport transport, const char *what, const char *why)
{
    struct births *births = &master.pools[transport].births;
    bool was_pausing = births_are_pausing(births, clock_now_ms());
    unsigned pause_ms = births_note_failure(births, clock_now_ms());

    if (!was_pausing)
        fprintf(stderr, "servidor: a %s worker %s %s: the next one in %u ms\n",
                transport_name(transport), what, why, pause_ms);
}

/* Forks one worker. False when none can be had now. */
static bool fork_worker(enum transport transport)
{
    struct birth birth = { slot_take(transport), transport };
    pid_t child;

    if (birth.slot < 0)
        return false;
    child = process_fork(live_as_worker, &birth);
    if (child < 0) {
        slow_births(transport, "could not be forked:", strerror(errno));
        slot_free(birth.slot);
        return false;
    }
    master.workers[birth.slot] = (struct child){ child, transport, clock_now_ms() };
    totals_add(TOTAL_WORKERS_BORN, 1);
    return true;
}

/* Asks `count` idle workers to leave, from the end of the table so that it gets shorter. */
static void retire_workers(enum transport transport, int count)
{
    struct slot_view view;
    int slot;

    for (slot = slots_used() - 1; slot >= 0 && count > 0; slot--)
        if (master.workers[slot].pid > 0 && master.workers[slot].transport == transport &&
            slot_read(slot, &view) && view.state == SLOT_IDLE) {
            kill(master.workers[slot].pid, SIGTERM);
            count--;
        }
}

static void balance(enum transport transport)
{
    struct pool *pool = &master.pools[transport];
    struct slot_census census = slots_count(transport);
    int wanted = pool_decide(pool, &census, clock_now_ms());
    bool is_short = false;

    /* Nothing can be served without a port; those that are there have been told to leave. */
    if (transport == TRANSPORT_TCP && master.server->listener < 0)
        wanted = 0;
    if (wanted < 0)
        retire_workers(transport, -wanted);
    for (; wanted > 0 && !is_short; wanted--)
        is_short = !fork_worker(transport);
    atomic_store(&counters()->cannot_grow[transport],
                 births_are_pausing(&pool->births, clock_now_ms()));
}

/* A worker's end: its slot is put right whatever it was doing, and a violent end is said. */
static void bury_worker(int slot, int status)
{
    struct child child = master.workers[slot];
    struct slot_view view = { .state = SLOT_FREE };
    char how[DESCRIPTION_ROOM];

    slot_read(slot, &view);
    slot_free(slot);
    master.workers[slot].pid = 0;
    totals_add(TOTAL_WORKERS_DIED, 1);
    process_describe(status, how, sizeof how);
    if (status != 0 && view.sessions == 0 &&
        clock_now_ms() - child.born_ms < BIRTHS_SHORT_LIFE_MS) {
        slow_births(child.transport, "was born and ended by", how);
        return;
    }
    births_note_life(&master.pools[child.transport].births);
    if (status != 0 && master.stage == RUNNING)
        fprintf(stderr, "servidor: %s worker %ld ended by %s%s\n",
                transport_name(child.transport), (long)child.pid, how,
                view.state == SLOT_BUSY ? ", and its session" : "");
}

static void bury(pid_t child, int status)
{
    int slot, slots = slots_used();

    if (servants_bury(child, status, master.stage == RUNNING))
        return;
    for (slot = 0; slot < slots; slot++)
        if (master.workers[slot].pid == child) {
            bury_worker(slot, status);
            return;
        }
}

static void bury_all(void)
{
    pid_t child;
    int status;

    while ((child = process_reap(&status)) > 0)
        bury(child, status);
}

static void tell_workers(int number)
{
    int slot, slots = slots_used();

    for (slot = 0; slot < slots; slot++)
        if (master.workers[slot].pid > 0)
            kill(master.workers[slot].pid, number);
}

/* One stage further towards the end: each is shorter and ruder than the one before. */
static void next_stage(enum stage stage)
{
    static const int words[] = {
        [DRAINING] = SIGTERM, [STOPPING] = SIGQUIT, [KILLING] = SIGKILL
    };
    struct server *server = master.server;
    /* Only what is for workers alone is let go: the door goes on refusing newcomers. */
    const int kept[] = { server->wake[0],     server->wake[1],     server->lifeline[0],
                         server->lifeline[1], server->monitors[0], server->monitors[1],
                         server->datagrams,   server->hellos[1] };

    if (master.stage == RUNNING) {
        atomic_store(&counters()->is_draining, true);
        server_keep(server, kept, sizeof kept / sizeof kept[0]);
    }
    master.stage = stage;
    master.stage_ends_ms = clock_now_ms() + (stage == DRAINING
                                                 ? (int64_t)server->config.drain_timeout_s * 1000
                                                 : GRACE_MS);
    tell_workers(words[stage]);
}

/* Idle workers and the servants make room for others that know what the master knows now. */
static void renew_children(void)
{
    servants_tell(SIGTERM);
    tell_workers(SIGTERM);
}

/*
 * Logs are opened anew, and idle workers and the servants make room for others that know the
 * settings of now; a session goes on as it began.
 */
static void reload(void)
{
    atomic_fetch_add(&counters()->log_generation, 1);
    journal_reopen();
    if (master.hooks->reload(&master.server->config))
        steer_reset();
    renew_children();
}

static void obey(unsigned marks)
{
    if ((marks & SIGNALS_NOW) != 0 ||
        ((marks & SIGNALS_TERM) != 0 && master.stage == DRAINING)) {
        if (master.stage < STOPPING)
            next_stage(STOPPING);
    } else if ((marks & SIGNALS_TERM) != 0 && master.stage == RUNNING) {
        next_stage(DRAINING);
    }
    if ((marks & SIGNALS_HUP) != 0 && master.stage == RUNNING)
        reload();
    if (master.stage != RUNNING && clock_now_ms() >= master.stage_ends_ms)
        next_stage(master.stage == DRAINING ? STOPPING : KILLING);
}

static void look_after_ports(void)
{
    int64_t now_ms = clock_now_ms();

    if (now_ms < master.next_look_ms)
        return;
    master.next_look_ms = now_ms + TICK_MS;
    if (master.hooks->mend_ports(master.server))
        renew_children();
}

static void look_after_children(void)
{
    enum transport transport;

    for (transport = 0; transport < TRANSPORTS; transport++)
        balance(transport);
    servants_keep(master.server);
}

/* The sooner of the two times, unless `then_ms` is over. */
static int64_t sooner(int64_t tick_ms, int64_t then_ms, int64_t now_ms)
{
    return then_ms > now_ms && then_ms < tick_ms ? then_ms : tick_ms;
}

/* When there is something to do even without news. */
static int64_t next_tick_ms(int64_t now_ms)
{
    int64_t tick_ms = now_ms + TICK_MS;
    enum transport transport;

    if (master.stage != RUNNING)
        return master.stage_ends_ms < tick_ms ? master.stage_ends_ms : tick_ms;
    tick_ms = sooner(tick_ms, servants_due_ms(), now_ms);
    for (transport = 0; transport < TRANSPORTS; transport++)
        tick_ms = sooner(tick_ms, master.pools[transport].births.not_before_ms, now_ms);
    return tick_ms;
}

/* Waits for news. In a tick without any, the hints are checked. */
static void wait_for_news(void)
{
    char waste[512];
    int64_t tick_ms = next_tick_ms(clock_now_ms());

    signals_wait(master.server->wake[0], -1, tick_ms);
    while (read(master.server->wake[0], waste, sizeof waste) > 0)
        continue;
    if (clock_now_ms() >= tick_ms)
        slots_correct_hints();
}

static int make_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
}

int master_prepare(struct server *server, const struct master_hooks *hooks)
{
    const struct config *config = &server->config;
    enum transport transport;

    master.server = server;
    master.hooks = hooks;
    /*
     * Shared, though nobody else looks: a page of the master's own that it writes to between
     * two births stays with each child as it was then, 4 KiB of the 10,000 sessions' each.
     */
    master.workers = counters_map(-1, counters()->slot_count * sizeof master.workers[0]);
    if (master.workers == NULL || make_pipe(server->wake) != 0 ||
        make_pipe(server->lifeline) != 0 || random_fill(server->key, sizeof server->key) != 0)
        return -1;
    /* Nobody waits for this pipe: a full one says as much as a read one. */
    if (fcntl(server->wake[0], F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(server->wake[1], F_SETFL, O_NONBLOCK) != 0)
        return -1;
    if (server->lifeline[1] >= DESCRIPTOR_LIMIT) {
        errno = EMFILE;
        return -1;
    }
    pool_start(&master.pools[TRANSPORT_TCP], (unsigned)config->workers_min,
               (unsigned)config->workers_max);
    pool_start(&master.pools[TRANSPORT_UDP], (unsigned)config->workers_min,
               (unsigned)config->udp_workers_max);
    worker_prepare();
    for (transport = 0; transport < TRANSPORTS; transport++)
        slots_set_wake(transport, pool_low_mark(&master.pools[transport]));
    return 0;
}

/* The servants have nothing more to tell. They wait for nobody, so they are not given much time. */
static void end_servants(void)
{
    servants_tell(SIGTERM);
    master.stage_ends_ms = clock_now_ms() + GRACE_MS;
    while (servants_have_any()) {
        signals_wait(-1, -1, master.stage_ends_ms);
        bury_all();
        signals_take();
        if (clock_now_ms() >= master.stage_ends_ms)
            servants_tell(SIGKILL);
    }
}

void master_run(void)
{
    uint64_t lost;

    master.server->master = getpid();
    signals_start(SIGNALS_MASTER);
    look_after_children();
    master.hooks->ready(master.server);
    while (master.stage == RUNNING || slots_used() > 0) {
        wait_for_news();
        bury_all();
        obey(signals_take());
        if (totals_give_up() && master.stage == RUNNING)
            renew_children();
        if (master.stage == RUNNING) {
            look_after_ports();
            look_after_children();
        } else if (slots_used() > 0) {
            servants_keep(master.server);
        }
    }
    end_servants();
    totals_give_up();
    totals_end();
    lost = atomic_load(&counters()->log_lost_records);
    if (lost > 0)
        fprintf(stderr, "servidor: %llu log records could not be written\n",
                (unsigned long long)lost);
}
