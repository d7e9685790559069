/* See link.h. What the kinds of link have in common. */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/clock.h"
#include "say.h"

static volatile sig_atomic_t has_given_up;

int link_resolve(struct link_target *target)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *all, *one;
    size_t count = 0;
    int error = getaddrinfo(target->host, NULL, &hints, &all);

    if (error != 0) {
        say("%s: %s", target->host, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        return -1;
    }
    for (one = all; one != NULL && count < LINK_ADDRESSES; one = one->ai_next)
        if (one->ai_family == AF_INET || one->ai_family == AF_INET6) {
            peer_from_sockaddr(&target->peers[count], one->ai_addr);
            target->peers[count++].port = target->port;
        }
    freeaddrinfo(all);
    target->peer_count = count;
    if (count == 0)
        say("%s: it has neither an IPv4 nor an IPv6 address", target->host);
    return count > 0 ? 0 : -1;
}

void link_give_up(void)
{
    has_given_up = 1;
}

bool link_has_given_up(void)
{
    return has_given_up != 0;
}

int link_stream(int family)
{
    int s = socket(family, SOCK_STREAM, 0), error;

    if (s == -1 || link_never_block(s) == 0)
        return s;
    error = errno;
    close(s);
    errno = error;
    return -1;
}

int link_never_block(int socket)
{
    int flags = fcntl(socket, F_GETFL);

    return flags == -1 ? -1 : fcntl(socket, F_SETFL, flags | O_NONBLOCK);
}

bool link_is_passing(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

short link_wait(int socket, short events, int64_t deadline_ms)
{
    struct pollfd entry = { .fd = socket, .events = events };
    int64_t left_ms;

    while ((left_ms = deadline_ms - clock_now_ms()) >= 0 && !has_given_up)
        if (poll(&entry, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX) > 0)
            return entry.revents;
    return 0;
}
