/* See door.h and, for the rules of the plain mode, net/plain.h and core/admission.h. */
#include "core/door.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "core/admission.h"
#include "core/signals.h"
#include "net/clock.h"
#include "watch/slots.h"

/* Hellos handed over a moment ago, which no slot may show yet. */
enum { RECENT = 256, RECENT_MS = 900 };

static struct {
    struct peer peer;
    int64_t at_ms;
} recent[RECENT];

/*
 * Was a hello of this peer handed over just now? While workers are being born it waits in the
 * socket pair, and its repetition would only find it answered. A client that repeats it after
 * a second is heard again.
 */
static bool is_recent(const struct peer *peer, int64_t now_ms)
{
    size_t i;

    for (i = 0; i < RECENT; i++)
        if (now_ms - recent[i].at_ms < RECENT_MS && peer_is_same(peer, &recent[i].peer))
            return true;
    return false;
}

static void note_recent(const struct peer *peer, int64_t now_ms)
{
    static size_t next;

    recent[next].peer = *peer;
    recent[next].at_ms = now_ms;
    next = (next + 1) % RECENT;
}

bool hello_is_copy(const struct hello *hello, int except)
{
    return hello->length > 0 &&
           slots_find_peer(TRANSPORT_UDP, SLOT_LINGERING, &hello->peer, except) >= 0;
}

/* Tells the worker in `state` with `peer` that it said hello again. False if there is none. */
static bool tell_worker(enum slot_state state, const struct peer *peer)
{
    struct slot_view view;
    int slot = slots_find_peer(TRANSPORT_UDP, state, peer, -1);

    if (slot < 0)
        return false;
    if (slot_read(slot, &view) && view.pid > 0)
        kill(view.pid, SIGUSR1);
    return true;
}

/*
 * Has the peer said hello before, so that there is nothing to hand over? A worker that is busy
 * with it repeats the greeting if that was lost; one that only lingers makes room for a new
 * session.
 */
static bool is_known(const struct hello *hello, int64_t now_ms)
{
    if (tell_worker(SLOT_BUSY, &hello->peer) || hello_is_copy(hello, -1))
        return true;
    return !tell_worker(SLOT_LINGERING, &hello->peer) && is_recent(&hello->peer, now_ms);
}

/* Hands the hello to whichever idle worker comes first; where none has room, it is lost. */
static void hand_over(const struct server *server, const struct hello *hello)
{
    if (send(server->hellos[1], hello, HELLO_HEAD + (size_t)hello->length,
             MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        note_recent(&hello->peer, hello->received_ms);
}

/* Judges a datagram of `length` octets, which stands in hello->text. */
static void judge(const struct server *server, struct hello *hello, size_t length)
{
    enum plain_hello kind = plain_hello(hello->text, length);

    hello->received_ms = clock_now_ms();
    hello->length = kind == PLAIN_HELLO_TEXT ? length : 0;
    if (kind != PLAIN_NO_HELLO && admission_trusts(&server->config, &hello->peer) &&
        !is_known(hello, hello->received_ms) &&
        admission_plain(&server->config, &hello->peer, -1))
        hand_over(server, hello);
}

static void receive(const struct server *server, struct hello *hello)
{
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof address;
    ssize_t got = recvfrom(server->datagrams, hello->text, sizeof hello->text, MSG_DONTWAIT,
                           (struct sockaddr *)&address, &length);

    if (got < 0)
        return;
    peer_from_sockaddr(&hello->peer, (struct sockaddr *)&address);
    judge(server, hello, (size_t)got);
}

void door_live(struct server *server)
{
    static struct hello hello;
    const int kept[] = { server->datagrams, server->hellos[1], server->lifeline[0] };

    signals_start(SIGNALS_SERVANT);
    server_keep(server, kept, sizeof kept / sizeof kept[0]);
    while (signals_take() == 0 && !server_is_orphaned(server)) {
        signals_wait(server->datagrams, server->lifeline[0], CLOCK_NEVER);
        receive(server, &hello);
    }
}
