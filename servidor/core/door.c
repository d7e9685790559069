/* See door.h; the rules of the modes are in net/plain, net/reception and core/admission. */
#include "core/door.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "core/admission.h"
#include "core/signals.h"
#include "net/clock.h"
#include "net/reception.h"
#include "net/socket.h"
#include "watch/slots.h"
#include "watch/totals.h"

enum {
    /* Plain hellos handed over a moment ago, which no slot may show yet. */
    RECENT = 256,
    RECENT_MS = 900,

    BATCH = 64 /* datagrams between two looks at the signals */
};

static struct reception reception;

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

static void answer(const struct server *server, const struct peer *peer,
                   const struct reception_result *result)
{
    struct sockaddr_storage address;
    int family = socket_is_dual(server->datagrams) ? AF_INET6 : AF_INET;
    socklen_t length = peer_to_sockaddr(peer, family, &address);

    /* An answer that cannot be sent is asked for again. */
    sendto(server->datagrams, result->answer, result->length, MSG_DONTWAIT | MSG_NOSIGNAL,
           (struct sockaddr *)&address, length);
}

/* Hands the hello to whichever idle worker comes first. False where there is no room for it. */
static bool hand_over(const struct server *server, const struct hello *hello)
{
    return send(server->hellos[1], hello, HELLO_HEAD + (size_t)hello->length,
                MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* Judges a datagram of `length` octets, which stands in hello->text, as one of the plain mode. */
static void judge_plain(const struct server *server, struct hello *hello, size_t length)
{
    enum plain_hello kind = plain_hello(hello->text, length);

    hello->is_numbered = false;
    hello->length = kind == PLAIN_HELLO_TEXT ? length : 0;
    if (kind != PLAIN_NO_HELLO && admission_trusts(&server->config, &hello->peer) &&
        !is_known(hello, hello->received_ms) &&
        admission_plain(&server->config, &hello->peer, -1) && hand_over(server, hello))
        note_recent(&hello->peer, hello->received_ms);
}

/* Hands over a hello of the numbered mode, and remembers it. False if that cannot be. */
static bool take_numbered(const struct server *server, struct hello *hello,
                          const struct reception_result *result)
{
    hello->is_numbered = true;
    hello->sid = result->sid;
    hello->cn = result->cn;
    hello->window = result->window;
    hello->length = 0;
    if (admission_numbered(&server->config, &hello->peer, -1) != REPLY_GREETING ||
        !hand_over(server, hello))
        return false;
    reception_remember(&reception, &hello->peer, hello->cn, hello->received_ms);
    return true;
}

static void judge(const struct server *server, struct hello *hello, size_t length)
{
    const struct reception_caller caller = {
        .peer = hello->peer,
        .octets = hello->text,
        .length = length,
        .now_ms = hello->received_ms,
        .is_closing = atomic_load(&counters()->is_draining),
    };
    struct reception_result result = { .length = 0 };

    switch (reception_judge(&reception, &caller, &result)) {
    case RECEPTION_NOT_OURS:
        judge_plain(server, hello, length);
        break;
    case RECEPTION_WRONG:
        totals_add(TOTAL_UDP_DROPPED, 1);
        break;
    case RECEPTION_DROP:
    case RECEPTION_ANSWER:
        break;
    case RECEPTION_HELLO:
        if (!take_numbered(server, hello, &result))
            reception_refuse(&result);
        break;
    }
    if (result.length > 0)
        answer(server, &hello->peer, &result);
}

/* Receives a datagram, if there is one. */
static bool receive(const struct server *server, struct hello *hello)
{
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof address;
    ssize_t got = recvfrom(server->datagrams, hello->text, sizeof hello->text, MSG_DONTWAIT,
                           (struct sockaddr *)&address, &length);

    if (got < 0)
        return false;
    peer_from_sockaddr(&hello->peer, (struct sockaddr *)&address);
    hello->received_ms = clock_now_ms();
    judge(server, hello, (size_t)got);
    return true;
}

void door_live(struct server *server)
{
    static struct hello hello;
    const int kept[] = { server->datagrams, server->hellos[1], server->lifeline[0] };
    int left;

    signals_start(SIGNALS_SERVANT);
    server_keep(server, kept, sizeof kept / sizeof kept[0]);
    memcpy(reception.key, server->key, sizeof reception.key);
    while (signals_take() == 0 && !server_is_orphaned(server)) {
        signals_wait(server->datagrams, server->lifeline[0], CLOCK_NEVER);
        for (left = BATCH; left > 0 && receive(server, &hello); left--)
            continue;
    }
}
