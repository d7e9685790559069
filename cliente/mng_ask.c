/* See mng_ask.h. */
#include "mng_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/clock.h"
#include "net/peer.h"
#include "net/random.h"
#include "say.h"

enum {
    ADDRESSES = 8,       /* of one name, at most */
    FIRST_WAIT_MS = 250, /* doubled at each repetition */
    LOOK_MS = 100,       /* how often to look whether SIGINT came */
};

struct mng_link {
    const struct mng_server *server;
    size_t count;
    struct pollfd sockets[ADDRESSES]; /* connected; -1 where the address failed */
    struct peer peers[ADDRESSES];
    int error; /* the errno of the address that failed last */
};

struct question {
    struct monitor_request request;
    unsigned char datagram[MONITOR_LENGTH];
    size_t asked; /* so many of the addresses, from the first on */
    unsigned rounds;
    int64_t again_ms, wait_ms;
};

/* --- sockets ---------------------------------------------------------------------------------- */

static void fail_address(struct mng_link *link, size_t at, int error)
{
    close(link->sockets[at].fd);
    link->sockets[at].fd = -1;
    link->error = error;
}

/* A socket that is connected to `address` and never blocks; or -1 with errno. */
static int connect_socket(const struct addrinfo *address)
{
    int descriptor = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    int error;

    if (descriptor == -1)
        return -1;
    if (fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 &&
        connect(descriptor, address->ai_addr, address->ai_addrlen) == 0)
        return descriptor;
    error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

static void connect_all(struct mng_link *link, const struct addrinfo *address)
{
    for (; address != NULL && link->count < ADDRESSES; address = address->ai_next) {
        struct pollfd *polled = &link->sockets[link->count];

        polled->fd = connect_socket(address);
        polled->events = POLLIN;
        if (polled->fd == -1)
            link->error = errno;
        else
            peer_from_sockaddr(&link->peers[link->count++], address->ai_addr);
    }
}

static struct addrinfo *resolve(const struct mng_server *server)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found = NULL;
    char port[8];
    int error;

    snprintf(port, sizeof port, "%u", (unsigned)server->port);
    error = getaddrinfo(server->host, port, &hints, &found);
    if (error == 0)
        return found;
    say("%s: %s", server->host, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    return NULL;
}

static void say_unreached(const struct mng_link *link)
{
    say("%s port %u: %s%s", link->server->host, (unsigned)link->server->port,
        strerror(link->error),
        link->error == ECONNREFUSED ? "; the port of the monitor is that of servidor -P" : "");
}

struct mng_link *mng_open(const struct mng_server *server)
{
    struct addrinfo *found = resolve(server);
    struct mng_link *link = found == NULL ? NULL : calloc(1, sizeof *link);

    if (found == NULL)
        return NULL;
    if (link == NULL) {
        say("no memory for a question");
    } else {
        link->server = server;
        connect_all(link, found);
    }
    freeaddrinfo(found);
    if (link == NULL || link->count > 0)
        return link;
    say_unreached(link);
    free(link);
    return NULL;
}

void mng_close(struct mng_link *link)
{
    size_t i;

    for (i = 0; i < link->count; i++)
        if (link->sockets[i].fd != -1)
            close(link->sockets[i].fd);
    free(link);
}

/* The address at `at` answered: it alone is asked from now on. */
static void settle(struct mng_link *link, size_t at)
{
    size_t i;

    for (i = 0; i < link->count; i++)
        if (i != at && link->sockets[i].fd != -1)
            close(link->sockets[i].fd);
    link->sockets[0] = link->sockets[at];
    link->peers[0] = link->peers[at];
    link->count = 1;
}

/* Is there an address left, of the first `count`? */
static bool is_any_left(const struct mng_link *link, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (link->sockets[i].fd != -1)
            return true;
    return false;
}

/* --- the question ----------------------------------------------------------------------------- */

/* Two octets that nobody foretells, or that at least are others each time. */
static uint16_t random_number(void)
{
    struct timespec now;
    uint16_t number;

    if (random_fill(&number, sizeof number) == 0)
        return number;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint16_t)((uint64_t)now.tv_nsec / 1000 ^ (uint64_t)getpid());
}

/* Ids with an odd distance come again only after all others. */
static uint16_t next_id(void)
{
    static uint16_t id, distance;

    if (distance == 0) {
        id = random_number();
        distance = random_number() | 1;
    }
    id = (uint16_t)(id + distance);
    return id;
}

static void compose(struct question *question, const struct mng_server *server, unsigned command)
{
    struct monitor_request *request = &question->request;

    memset(question, 0, sizeof *question);
    request->version = server->version;
    request->id = next_id();
    request->command = (uint8_t)command;
    if (server->version == MONITOR_HASHED)
        monitor_hash(request, server->secret, (uint64_t)time(NULL) / MONITOR_STEP_S,
                     request->token);
    else
        memcpy(request->token, server->secret, MONITOR_SECRET);
    monitor_write_request(question->datagram, request);
    question->again_ms = clock_now_ms();
    question->wait_ms = FIRST_WAIT_MS;
}

/* Is `error` the errno of a call that may succeed later? */
static bool is_passing(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ENOBUFS ||
           error == ENOMEM;
}

/* Sends the question to the addresses that were asked and to one more. */
static void send_round(struct mng_link *link, struct question *question, int64_t now_ms)
{
    size_t i;

    if (question->asked < link->count)
        question->asked++;
    for (i = 0; i < question->asked; i++)
        if (link->sockets[i].fd != -1 &&
            send(link->sockets[i].fd, question->datagram, sizeof question->datagram,
                 MSG_NOSIGNAL) == -1 &&
            !is_passing(errno))
            fail_address(link, i, errno);
    question->rounds++;
    question->again_ms = now_ms + question->wait_ms;
    question->wait_ms *= 2;
}

/*
 * Is it the answer? It has the id and the version of the question; but a server that does not
 * know this version says so in version 0.
 */
static bool is_answer(const struct question *question, const struct monitor_reply *reply)
{
    return reply->id == question->request.id &&
           (reply->version == question->request.version ||
            (reply->version == MONITOR_PLAIN && reply->status == MONITOR_BAD_VERSION));
}

/* Takes one datagram from the address at `at`. True if it is the answer. */
static bool take(struct mng_link *link, size_t at, const struct question *question,
                 struct monitor_reply *reply)
{
    unsigned char octets[MONITOR_LENGTH + 1]; /* a longer one is not to look like one of 14 */
    struct sockaddr_storage address;
    socklen_t room = sizeof address;
    struct peer heard;
    ssize_t length = recvfrom(link->sockets[at].fd, octets, sizeof octets, 0,
                              (struct sockaddr *)&address, &room);

    if (length == -1) {
        if (!is_passing(errno))
            fail_address(link, at, errno);
        return false;
    }
    /* What came before the socket was connected may be of anybody. */
    peer_from_sockaddr(&heard, (struct sockaddr *)&address);
    return peer_is_same(&heard, &link->peers[at]) &&
           monitor_read_reply(octets, (size_t)length, monitor_kind(question->request.command),
                              reply) &&
           is_answer(question, reply);
}

/* Waits for datagrams until `until_ms`, and looks at one of each address. */
static bool await(struct mng_link *link, const struct question *question, int64_t until_ms,
                  struct monitor_reply *reply)
{
    int64_t wait_ms = until_ms - clock_now_ms();
    size_t i;

    if (poll(link->sockets, (nfds_t)link->count, (int)(wait_ms < 0 ? 0 : wait_ms)) <= 0)
        return false;
    for (i = 0; i < link->count; i++)
        if (link->sockets[i].fd != -1 && link->sockets[i].revents != 0 &&
            take(link, i, question, reply)) {
            settle(link, i);
            return true;
        }
    return false;
}

static bool is_stopped(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGINT) == 1;
}

static int64_t earlier(int64_t one_ms, int64_t other_ms)
{
    return one_ms < other_ms ? one_ms : other_ms;
}

enum mng_outcome mng_ask(struct mng_link *link, unsigned command, struct monitor_reply *reply)
{
    int64_t now_ms = clock_now_ms(), deadline_ms = now_ms + MNG_DEADLINE_MS;
    struct question question;

    compose(&question, link->server, command);
    for (; now_ms < deadline_ms && is_any_left(link, link->count); now_ms = clock_now_ms()) {
        if (is_stopped())
            return MNG_STOPPED;
        if (now_ms >= question.again_ms || !is_any_left(link, question.asked))
            send_round(link, &question, now_ms);
        if (is_any_left(link, question.asked) &&
            await(link, &question,
                  earlier(earlier(question.again_ms, deadline_ms), now_ms + LOOK_MS), reply))
            return reply->status == MONITOR_OK ? MNG_ANSWERED : MNG_REFUSED;
    }
    if (is_any_left(link, link->count))
        say("%s port %u: no answer in %d s (asked %u times)", link->server->host,
            (unsigned)link->server->port, MNG_DEADLINE_MS / 1000, question.rounds);
    else
        say_unreached(link);
    return MNG_UNREACHED;
}
