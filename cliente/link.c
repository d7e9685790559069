/* See link.h. What the kinds of link have in common. */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "net/clock.h"
#include "say.h"

size_t link_resolve(const struct link_target *target, struct peer peers[LINK_ADDRESSES])
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *all, *one;
    size_t count = 0;
    int error = getaddrinfo(target->host, NULL, &hints, &all);

    if (error != 0) {
        say("%s: %s", target->host, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        return 0;
    }
    for (one = all; one != NULL && count < LINK_ADDRESSES; one = one->ai_next)
        if (one->ai_family == AF_INET || one->ai_family == AF_INET6) {
            peer_from_sockaddr(&peers[count], one->ai_addr);
            peers[count++].port = target->port;
        }
    freeaddrinfo(all);
    if (count == 0)
        say("%s: it has neither an IPv4 nor an IPv6 address", target->host);
    return count;
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

    while ((left_ms = deadline_ms - clock_now_ms()) >= 0)
        if (poll(&entry, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX) > 0)
            return entry.revents;
    return 0;
}
