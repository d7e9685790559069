/* See traffic.h. Sockets are closed only while none of a poll's results is in use. */
#include "traffic.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/clock.h"
#include "net/socket.h"
#include "net/text.h"

enum {
    BURST = 16,      /* datagrams taken from a socket before the others have their turn */
    SWEEP_MS = 1000, /* between looks for idle clients */
    SHOWN = 72,      /* octets of a datagram that are shown */
    FATE_ROOM = 64,
};

_Static_assert((int)TRAFFIC_DELAY_LIMIT_MS < (int)CLIENTS_IDLE_MS,
               "who has something held is not forgotten");

void traffic_begin(struct traffic *traffic, const struct traffic_plan *plan, int front)
{
    unsigned way;

    traffic->plan = *plan;
    traffic->front = front;
    traffic->family = socket_is_dual(front) ? AF_INET6 : AF_INET;
    traffic->begun_ms = traffic->swept_ms = clock_now_ms();
    for (way = 0; way < WAYS; way++)
        traffic->streams[way] = fate_stream(plan->seed, way);
}

/* --- telling ---------------------------------------------------------------------------------- */

static const char *fate_text(const struct traffic *traffic, const struct fate *fate,
                             char out[FATE_ROOM])
{
    static const char *const names[] = { "dropped", "passed", "doubled" };
    const unsigned *ms = fate->delays_ms;

    if (traffic->plan.odds.most_ms == 0 || fate->copies == 0)
        snprintf(out, FATE_ROOM, "%s", names[fate->copies]);
    else if (fate->copies == 1)
        snprintf(out, FATE_ROOM, "%s, %u ms", names[1], ms[0]);
    else
        snprintf(out, FATE_ROOM, "%s, %u and %u ms", names[2], ms[0], ms[1]);
    return out;
}

/* Tells what becomes of the datagram in hand, with its first line. */
static void tell(const struct traffic *traffic, const struct crossing *crossing, size_t length,
                 const struct fate *fate)
{
    char shown[SHOWN * TEXT_ESCAPE_GROWTH], text[FATE_ROOM];
    const char *line_end = memchr(traffic->octets, '\n', length);
    size_t line = line_end != NULL ? (size_t)(line_end - traffic->octets) : length;
    int64_t at_ms = clock_now_ms() - traffic->begun_ms;
    int shown_length = (int)text_escape(shown, sizeof shown, traffic->octets,
                                        line < SHOWN ? line : SHOWN);

    fprintf(stderr, "%lld.%03lld  %u %c %u  %zu octets  %s  %.*s\n", (long long)(at_ms / 1000),
            (long long)(at_ms % 1000),
            crossing->client != NULL ? (unsigned)crossing->client->peer.port : 0U,
            crossing->way == TO_SERVER ? '>' : '<', (unsigned)crossing->server_port, length,
            crossing->client != NULL ? fate_text(traffic, fate, text) : "no room for its client",
            shown_length, shown);
}

/* --- coming in -------------------------------------------------------------------------------- */

/* Gives the datagram in hand its fate. Each one has it drawn, also one that finds no room. */
static void decide(struct traffic *traffic, const struct crossing *crossing, size_t length,
                   int64_t now_ms)
{
    struct traffic_total *total = &traffic->totals[crossing->way];
    struct fate fate = fate_draw(&traffic->streams[crossing->way], &traffic->plan.odds);
    struct held_note note = { .crossing = crossing, .octets = traffic->octets, .length = length };
    unsigned i;

    total->came++;
    total->dropped += fate.copies == 0;
    total->doubled += fate.copies == 2;
    if (traffic->plan.is_verbose)
        tell(traffic, crossing, length, &fate);
    for (i = 0; i < fate.copies; i++) {
        note.due_ms = now_ms + fate.delays_ms[i];
        if (crossing->client == NULL || !held_add(&traffic->heap, &note))
            total->unsent++;
    }
}

/* Where does what came from `from` go? False if it is a stranger's. */
static bool find_crossing(struct traffic *traffic, const struct ear *ear, const struct peer *from,
                          struct crossing *crossing)
{
    int64_t now_ms = clock_now_ms();

    crossing->client = ear->client;
    crossing->way = TO_SERVER;
    crossing->server_port = traffic->plan.server.port;
    if (ear->client == NULL) {
        crossing->client = clients_find(&traffic->clients, from, now_ms);
        return true;
    }
    ear->client->used_ms = now_ms;
    if (ear->branch != NULL) {
        ear->branch->used_ms = now_ms;
        crossing->server_port = ear->branch->server_port;
        return peer_is_same(from, &ear->client->peer);
    }
    crossing->way = TO_CLIENT;
    crossing->server_port = from->port;
    return peer_is_same_address(from, &traffic->plan.server) && from->port != 0;
}

/* Takes what has come on a socket, a burst at most. */
static void hear(struct traffic *traffic, int socket, const struct ear *ear)
{
    struct sockaddr_storage address;
    struct crossing crossing;
    struct peer from;
    unsigned i;

    for (i = 0; i < BURST; i++) {
        socklen_t room = sizeof address;
        ssize_t length = recvfrom(socket, traffic->octets, sizeof traffic->octets, MSG_DONTWAIT,
                                  (struct sockaddr *)&address, &room);

        /* A refusal is of what was sent before: there may be more to read behind it. */
        if (length < 0 && errno == ECONNREFUSED)
            continue;
        if (length < 0)
            return;
        peer_from_sockaddr(&from, (struct sockaddr *)&address);
        if (find_crossing(traffic, ear, &from, &crossing))
            decide(traffic, &crossing, (size_t)length, clock_now_ms());
    }
}

/* --- going out -------------------------------------------------------------------------------- */

/* Sends to `peer`, or to whom the socket is connected to if that is NULL. */
static bool send_to(const struct traffic *traffic, int socket, const struct peer *peer,
                    const struct held *held)
{
    struct sockaddr_storage address;
    struct sockaddr *to = peer != NULL ? (struct sockaddr *)&address : NULL;
    socklen_t room = peer != NULL ? peer_to_sockaddr(peer, traffic->family, &address) : 0;
    int tries = 2; /* the system may tell a refusal of before, and send nothing */
    ssize_t sent;

    do
        sent = sendto(socket, held->octets, held->length, MSG_DONTWAIT | MSG_NOSIGNAL, to, room);
    while (sent < 0 && errno == ECONNREFUSED && --tries > 0);
    return sent >= 0;
}

static bool forward(struct traffic *traffic, const struct held *held)
{
    struct client *client = held->crossing.client;
    struct peer server = traffic->plan.server;
    struct branch *branch;

    if (held->crossing.way == TO_SERVER) {
        server.port = held->crossing.server_port;
        return send_to(traffic, client->up, &server, held);
    }
    if (held->crossing.server_port == server.port)
        return send_to(traffic, traffic->front, &client->peer, held);
    branch = clients_branch(client, held->crossing.server_port, clock_now_ms());
    return branch != NULL && send_to(traffic, branch->socket, NULL, held);
}

/* Sends what is due at `now_ms`. */
static void release(struct traffic *traffic, int64_t now_ms)
{
    struct held *held;

    while ((held = held_take(&traffic->heap, now_ms)) != NULL) {
        struct traffic_total *total = &traffic->totals[held->crossing.way];

        if (forward(traffic, held))
            total->sent++;
        else
            total->unsent++;
        free(held);
    }
}

/* Throws away what is still held. */
static void abandon(struct traffic *traffic)
{
    struct held *held;

    while ((held = held_take(&traffic->heap, CLOCK_NEVER)) != NULL) {
        traffic->totals[held->crossing.way].unsent++;
        free(held);
    }
}

/* --- the loop --------------------------------------------------------------------------------- */

static void listen_to(struct traffic *traffic, size_t at, int socket, struct ear ear)
{
    traffic->polls[at] = (struct pollfd){ .fd = socket, .events = POLLIN };
    traffic->ears[at] = ear;
}

/* Fills polls and ears behind the first, which is the end's; returns how many there are. */
static size_t gather(struct traffic *traffic)
{
    struct client *client;
    struct branch *branch;
    size_t count = 1;

    listen_to(traffic, count++, traffic->front, (struct ear){ NULL, NULL });
    for (client = traffic->clients.list;
         client < traffic->clients.list + traffic->clients.end; client++) {
        if (client->peer.version == 0)
            continue;
        listen_to(traffic, count++, client->up, (struct ear){ client, NULL });
        for (branch = client->branches; branch < client->branches + CLIENTS_BRANCHES; branch++)
            if (branch->server_port != 0)
                listen_to(traffic, count++, branch->socket, (struct ear){ client, branch });
    }
    return count;
}

/* For how long poll(2) may wait. */
static int wait_ms(const struct traffic *traffic)
{
    int64_t deadline_ms = held_deadline(&traffic->heap), left_ms;

    if (deadline_ms > traffic->swept_ms + SWEEP_MS)
        deadline_ms = traffic->swept_ms + SWEEP_MS;
    left_ms = deadline_ms - clock_now_ms();
    return left_ms > 0 ? (int)left_ms : 0;
}

int traffic_run(struct traffic *traffic, int end)
{
    int64_t now_ms;
    size_t count, i;

    for (;;) {
        count = gather(traffic);
        listen_to(traffic, 0, end, (struct ear){ NULL, NULL });
        if (poll(traffic->polls, (nfds_t)count, wait_ms(traffic)) < 0) {
            if (errno != EINTR)
                return -1;
            continue;
        }
        if (traffic->polls[0].revents != 0)
            break;
        for (i = 1; i < count; i++)
            if (traffic->polls[i].revents != 0)
                hear(traffic, traffic->polls[i].fd, &traffic->ears[i]);
        now_ms = clock_now_ms();
        release(traffic, now_ms);
        if (now_ms - traffic->swept_ms >= SWEEP_MS) {
            clients_forget(&traffic->clients, now_ms);
            traffic->swept_ms = now_ms;
        }
    }
    abandon(traffic);
    return 0;
}
