/* See door.h and, for the rules of the plain mode, net/plain.h and core/admission.h. */
#include "core/door.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "core/admission.h"
#include "core/signals.h"
#include "net/clock.h"
#include "watch/slots.h"

/*
 * The peer has said hello before. Its worker repeats the greeting if that was lost; one
 * that only lingers ends, since the peer has begun anew. Returns true if there is nothing
 * more to do.
 */
static bool tell_worker(const struct peer *peer)
{
    struct slot_view view;
    int slot = slots_find_peer(TRANSPORT_UDP, SLOT_BUSY, peer, -1);
    bool is_busy = slot >= 0;

    if (!is_busy)
        slot = slots_find_peer(TRANSPORT_UDP, SLOT_LINGERING, peer, -1);
    if (slot >= 0 && slot_read(slot, &view) && view.pid > 0)
        kill(view.pid, SIGUSR1);
    return is_busy;
}

/* Hands the hello to whichever idle worker comes first; where none has room, it is lost. */
static void hand_over(const struct server *server, const struct hello *hello)
{
    send(server->hellos[1], hello, HELLO_HEAD + (size_t)hello->length,
         MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Judges a datagram of `length` octets, which stands in hello->text. */
static void judge(const struct server *server, struct hello *hello, size_t length)
{
    enum plain_hello kind = plain_hello(hello->text, length);

    if (kind == PLAIN_NO_HELLO || !admission_trusts(&server->config, &hello->peer) ||
        tell_worker(&hello->peer) || !admission_plain(&server->config, &hello->peer, -1))
        return;
    hello->received_ms = clock_now_ms();
    hello->length = kind == PLAIN_HELLO_TEXT ? length : 0;
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

    signals_start(SIGNALS_DOOR);
    server_keep(server, kept, sizeof kept / sizeof kept[0]);
    while (signals_take() == 0 && !server_is_orphaned(server)) {
        signals_wait(server->datagrams, server->lifeline[0], CLOCK_NEVER);
        receive(server, &hello);
    }
}
