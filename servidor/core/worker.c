/*
 * See worker.h. A TCP worker blocks in accept(2) on the listener that all share, a UDP
 * worker in recv(2) on the door's socket pair: the system wakes one of them for each
 * session, without a lock, and nobody passes descriptors around.
 */
#include "core/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/admission.h"
#include "core/door.h"
#include "core/runner.h"
#include "core/signals.h"
#include "net/channel_plain.h"
#include "net/channel_tcp.h"
#include "net/channel_udp.h"
#include "net/clock.h"
#include "net/reception.h"
#include "net/resolve.h"
#include "net/socket.h"
#include "net/wipe.h"
#include "smtp/session.h"
#include "watch/journal.h"
#include "watch/slots.h"
#include "watch/steer.h"
#include "watch/totals.h"
#include "watch/trouble.h"

/* A plain-mode client that says nothing after the greeting is gone sooner than others. */
enum { PLAIN_FIRST_WAIT_S = 60, PAUSE_MS = 100, STACK_WIPED = 16384 };

static struct {
    struct channel_watch watch;
    struct server *server;
    int slot;
    enum transport transport;
    bool is_in_plain; /* the channel `plain` is open */
    bool is_single;   /* servidor -s: this process is all there is */
    struct session_config session; /* as they are when one begins */
    char name[RESOLVE_ROOM];       /* of the client */
    struct channel_tcp tcp;
    struct channel_plain plain;
    struct channel_udp udp;
    struct hello hello;
} worker;

/* No session after this one; the shared ports are let go at once. */
static void leave_after_session(void)
{
    const int kept[] = { worker.server->wake[1], worker.server->lifeline[0] };

    worker.watch.is_leaving = true;
    server_keep(worker.server, kept, sizeof kept / sizeof kept[0]);
}

/* Acts on what signals and the lifeline have said. */
static void look_around(struct channel_watch *watch)
{
    unsigned marks = signals_take();

    if ((marks & SIGNALS_HELLO) != 0 && worker.is_in_plain)
        channel_plain_greet_again(&worker.plain);
    if ((marks & SIGNALS_NOW) != 0 || (worker.is_single && (marks & ~(unsigned)SIGNALS_CHILD) != 0))
        watch->is_stopping = true;
    if ((marks & (SIGNALS_TERM | SIGNALS_NOW)) != 0)
        leave_after_session();
    if (watch->lifeline >= 0 && server_is_orphaned(worker.server)) {
        watch->lifeline = -1; /* it stays at its end and would end every wait */
        /* Another worker may be stuck, with its disk, and keep the port from the next server. */
        server_stop_listening(worker.server);
        leave_after_session();
    }
}

static void wake_master(void)
{
    /* A full pipe will wake it just as well. */
    while (write(worker.server->wake[1], "", 1) < 0 && errno == EINTR)
        continue;
}

/* Tells the slot of a session with `peer`, and the master if workers run short. */
static unsigned take_session(const struct peer *peer)
{
    unsigned sessions;

    if (slot_busy(worker.slot, peer, &sessions))
        wake_master();
    return sessions;
}

/* Finds out who the client of `connection` is. `name` is room for what it is called. */
static void meet(struct session_client *client, int connection, const struct peer *peer,
                 char name[RESOLVE_ROOM])
{
    bool is_asked = worker.server->config.asks_dns != 0;

    client->peer = *peer;
    socket_own_peer(connection, &client->own);
    client->name = resolve_name(peer, is_asked, name) ? name : "";
}

/* Its close will wait neither for room nor for news: what the system takes of it leaves. */
static void close_at_once(struct channel *channel)
{
    channel->linger_ms = 0;
    channel->end_ms = clock_now_ms();
}

/*
 * Logs a session with `peer` over `channel`, whose socket is `connection`, runs it, or says why
 * not, and closes it. The last reply leaves with the close, when neither slot nor log speak of
 * the session any more.
 */
static void serve(struct channel *channel, int connection, const struct peer *peer,
                  enum reply refusal)
{
    struct session_config *config = &worker.session;
    struct session_client client;
    uint64_t first_wait_s;

    *config = worker.server->config.session;
    config->message_size = steer_now(STEER_MESSAGE_SIZE, config->message_size);
    first_wait_s = config->read_timeout_s;
    if (worker.is_in_plain && first_wait_s > PLAIN_FIRST_WAIT_S)
        first_wait_s = PLAIN_FIRST_WAIT_S;
    totals_add(TOTAL_SESSIONS, 1);
    meet(&client, connection, peer, worker.name);
    journal_begin(peer, worker.name, worker.transport);
    if (refusal == REPLY_GREETING)
        session_run(config, channel, &client, first_wait_s);
    else
        session_refuse(config, channel, refusal);
    slot_linger(worker.slot);
    if (!admission_lets_linger(&worker.server->config, worker.transport, worker.is_in_plain, peer))
        close_at_once(channel);
    journal_end();
    channel_close(channel);
}

/* After an error that will not go away by itself at once: no descriptors, no memory. */
static void pause_after(const char *what)
{
    trouble_say(TROUBLE_SYSTEM, what, "trying again");
    signals_wait(-1, -1, clock_now_ms() + PAUSE_MS);
}

/* Errors that say nothing about this process: the next try may well succeed. */
static bool is_passing(int error)
{
    return error == EINTR || error == EAGAIN || error == EWOULDBLOCK || error == ECONNABORTED ||
           error == EPROTO;
}

/* Waits for a connection and has its session. Returns true if there was one. */
static bool serve_connection(void)
{
    const struct server *server = worker.server;
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof address;
    struct peer peer;
    struct channel *channel;
    unsigned sessions;
    int connection;

    signals_let_through(true);
    connection = accept(server->listener, (struct sockaddr *)&address, &length);
    signals_let_through(false);
    if (connection < 0) {
        /* Of those whose master is gone, the first to see it stops the listener of all. */
        if (!is_passing(errno) && !server_is_orphaned(server))
            pause_after("accept");
        return false;
    }
    peer_from_sockaddr(&peer, (struct sockaddr *)&address);
    sessions = take_session(&peer);
    channel = channel_tcp_open(&worker.tcp, connection, connection, &worker.watch);
    serve(channel, connection, &peer, admission_tcp(&server->config, &peer, sessions));
    return true;
}

static void count_repeated(unsigned replies)
{
    totals_add(TOTAL_UDP_DUPLICATES, 1);
    totals_add(TOTAL_UDP_RESENDS, replies);
}

static void count_numbered(const struct datagram_tally *more)
{
    totals_add(TOTAL_UDP_RESENDS, more->resent);
    totals_add(TOTAL_UDP_DUPLICATES, more->repeated);
    totals_add(TOTAL_UDP_DROPPED, more->dropped);
}

/* The session's own socket (UDP_hijo), or -1 after saying why there is none. */
static int make_hijo(const struct peer *peer)
{
    const struct config *config = &worker.server->config;
    const struct udp_ports *ports = &config->udp_ports;
    uint16_t same = ports->is_same ? config->port : 0;
    int hijo = socket_for_peer(peer, ports->is_same ? same : ports->low,
                               ports->is_same ? same : ports->high,
                               ports->is_same ? SOCKET_SHARED : SOCKET_ALONE);

    if (hijo < 0)
        pause_after("no socket for a UDP session");
    return hijo;
}

static void serve_plain(const struct hello *hello, int hijo)
{
    struct channel *channel = channel_plain_open(&worker.plain, hijo, &hello->peer,
                                                 &worker.watch);

    channel_plain_tell(&worker.plain, count_repeated);
    if (worker.server->config.udp_ports.is_same)
        channel_plain_share_port(&worker.plain);
    if (hello->length > 0)
        channel_plain_take_hello(&worker.plain, hello->text, (size_t)hello->length);
    worker.is_in_plain = true;
    serve(channel, hijo, &hello->peer, REPLY_GREETING);
    worker.is_in_plain = false;
}

static void serve_numbered(const struct hello *hello, int hijo)
{
    const struct channel_udp_client client = {
        .sid = hello->sid,
        .cn = hello->cn,
        .window = hello->window,
        .shares_port = worker.server->config.udp_ports.is_same,
    };
    struct channel *channel = channel_udp_open(&worker.udp, hijo, &client, &worker.watch);

    channel_udp_tell(&worker.udp, count_numbered);
    /* The door has let it in, but others may have come in meanwhile, or the end of the server. */
    serve(channel, hijo, &hello->peer,
          admission_numbered(&worker.server->config, &hello->peer, worker.slot));
}

/* Is it a hello that nobody waits for any more, or (a plain one) that may have no session? */
static bool is_in_vain(const struct hello *hello)
{
    int64_t age_ms = clock_now_ms() - hello->received_ms;

    if (hello->is_numbered)
        return age_ms > (int64_t)RECEPTION_MEMORY_MS;
    return age_ms > HELLO_LIFE_MS || hello_is_copy(hello, worker.slot) ||
           !admission_plain(&worker.server->config, &hello->peer, worker.slot);
}

/*
 * The socket for the session of `hello`, or -1 if it cannot be had while the client waits. The door
 * does not hear the same hello again for a while, so it must not be lost for want of a descriptor.
 */
static int make_hijo_in_time(const struct hello *hello)
{
    int hijo = -1;

    while (hijo < 0 && !worker.watch.is_leaving && !is_in_vain(hello)) {
        hijo = make_hijo(&hello->peer);
        look_around(&worker.watch);
    }
    return hijo;
}

/* Has the session that a hello asks for. Returns true if there was one. */
static bool serve_hello(const struct hello *hello)
{
    int hijo;

    slot_set_plain(worker.slot, !hello->is_numbered);
    take_session(&hello->peer);
    hijo = make_hijo_in_time(hello);
    if (hijo < 0)
        return false;
    if (hello->is_numbered)
        serve_numbered(hello, hijo);
    else
        serve_plain(hello, hijo);
    return true;
}

/* Waits for a hello and has its session. Returns true if there was one. */
static bool serve_datagrams(void)
{
    bool is_served;
    ssize_t got;

    signals_let_through(true);
    got = recv(worker.server->hellos[0], &worker.hello, sizeof worker.hello, 0);
    signals_let_through(false);
    if (got < (ssize_t)HELLO_HEAD) {
        if (got < 0 && !is_passing(errno))
            pause_after("recv");
        return false;
    }
    is_served = serve_hello(&worker.hello);
    wipe(&worker.hello, (size_t)got);
    return is_served;
}

/* What the session had on the stack: paths with the names of boxes, datagrams. None is deeper. */
static void wipe_stack(void)
{
    char used[STACK_WIPED];

    wipe(used, sizeof used);
}

static void begin(struct server *server, int slot, enum transport transport)
{
    worker.server = server;
    worker.slot = slot;
    worker.transport = transport;
    worker.watch.lifeline = server->lifeline[0];
    worker.watch.stirred = look_around;
    signals_waiting_mask(&worker.watch.waiting);
    totals_serve(transport);
    slot_begin(slot, getpid());
}

void worker_prepare(void)
{
    runner_start(&worker.watch);
}

/*
 * A worker has many sessions, since its birth costs more than one of them: with one each, 2,000
 * sessions with a mail went through in a second, and 3,600 with a hundred.
 */
void worker_live(struct server *server, int slot, enum transport transport)
{
    bool is_tcp = transport == TRANSPORT_TCP;
    const int kept[] = { is_tcp ? server->listener : server->hellos[0], server->wake[1],
                         server->lifeline[0] };
    void (*const volatile forget)(void) = wipe_stack; /* so that it stands where they stood */
    uint64_t served = 0;

    signals_start(SIGNALS_WORKER);
    server_keep(server, kept, sizeof kept / sizeof kept[0]);
    begin(server, slot, transport);
    while (served < server->config.sessions_per_worker && !worker.watch.is_leaving) {
        slot_idle(slot);
        served += is_tcp ? serve_connection() : serve_datagrams();
        forget();
        look_around(&worker.watch);
    }
}

void worker_single(struct server *server)
{
    struct peer peer;

    signals_start(SIGNALS_SINGLE);
    worker.is_single = true;
    worker_prepare();
    begin(server, slot_take(TRANSPORT_TCP), TRANSPORT_TCP);
    worker.watch.lifeline = -1;
    socket_other_peer(STDIN_FILENO, &peer);
    serve(channel_tcp_open(&worker.tcp, STDIN_FILENO, STDOUT_FILENO, &worker.watch), STDIN_FILENO,
          &peer, REPLY_GREETING);
}
