/* See socket.h. Options are set before bind(2), where they count. */
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/peer.h"

/* Room for hellos that come at once: the system's default held 256 of them. */
enum { DATAGRAM_RECEIVE_OCTETS = 1 << 20, RECORD_SEND_OCTETS = 1 << 20 };

static int close_keeping_errno(int descriptor)
{
    int saved = errno;

    close(descriptor);
    errno = saved;
    return -1;
}

static int set_option(int descriptor, int level, int name, int value)
{
    return setsockopt(descriptor, level, name, &value, sizeof value);
}

/* Opens a socket of IPv4, or of IPv6 that takes IPv4 too. */
static int open_family(int family, int type)
{
    int descriptor = socket(family, type, 0);

    if (descriptor < 0)
        return -1;
    if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0 ||
        (family == AF_INET6 && set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0) != 0))
        return close_keeping_errno(descriptor);
    return descriptor;
}

/* A machine may lack the protocol (socket fails) or just any address of it (bind fails). */
bool socket_lacks_ipv6(int error)
{
    return error == EAFNOSUPPORT || error == EPROTONOSUPPORT || error == EADDRNOTAVAIL;
}

static int family_of(int descriptor)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0)
        return AF_UNSPEC;
    return address.ss_family;
}

static int bind_to(int descriptor, const struct peer *own)
{
    struct sockaddr_storage address;
    socklen_t length = peer_to_sockaddr(own, family_of(descriptor), &address);

    return bind(descriptor, (struct sockaddr *)&address, length);
}

static int bind_everywhere(int descriptor, uint16_t port)
{
    struct peer any = { .version = 4, .port = port };

    if (family_of(descriptor) == AF_INET6)
        any.version = 6;
    return bind_to(descriptor, &any);
}

static bool set_listener_options(int descriptor)
{
    const struct timeval idle = { .tv_sec = SOCKET_IDLE_MS / 1000 };

    /* Accepted sockets inherit TCP_NODELAY: replies leave in one write anyway. */
    return set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) == 0 &&
           set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1) == 0 &&
           setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle) == 0;
}

static int listen_on(int family, uint16_t port)
{
    int descriptor = open_family(family, SOCK_STREAM);

    if (descriptor < 0)
        return -1;
    if (!set_listener_options(descriptor) || bind_everywhere(descriptor, port) != 0 ||
        listen(descriptor, INT_MAX) != 0)
        return close_keeping_errno(descriptor);
    return descriptor;
}

int socket_listen(uint16_t port)
{
    int descriptor = listen_on(AF_INET6, port);

    return descriptor < 0 && socket_lacks_ipv6(errno) ? listen_on(AF_INET, port) : descriptor;
}

void socket_stop_listening(int listener)
{
    shutdown(listener, SHUT_RDWR);
}

static int bind_datagram(int family, uint16_t port, enum socket_sharing sharing)
{
    int descriptor = open_family(family, SOCK_DGRAM);

    if (descriptor < 0)
        return -1;
    set_option(descriptor, SOL_SOCKET, SO_RCVBUF, DATAGRAM_RECEIVE_OCTETS);
    if ((sharing == SOCKET_SHARED && set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) != 0) ||
        bind_everywhere(descriptor, port) != 0)
        return close_keeping_errno(descriptor);
    return descriptor;
}

int socket_datagram(uint16_t port, enum socket_sharing sharing)
{
    int descriptor = bind_datagram(AF_INET6, port, sharing);

    return descriptor < 0 && socket_lacks_ipv6(errno) ? bind_datagram(AF_INET, port, sharing) : descriptor;
}

int socket_datagram_loopback(uint16_t port, bool is_ipv6)
{
    struct peer own = { .version = is_ipv6 ? 6 : 4, .port = port };
    int descriptor = open_family(is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM);

    if (is_ipv6)
        own.address[15] = 1;
    else
        memcpy(own.address, "\x7f\0\0\1", 4);
    if (descriptor >= 0 && bind_to(descriptor, &own) != 0)
        return close_keeping_errno(descriptor);
    return descriptor;
}

static int connect_to(int descriptor, const struct peer *peer)
{
    struct sockaddr_storage address;
    socklen_t length = peer_to_sockaddr(peer, family_of(descriptor), &address);

    if (length == 0) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return connect(descriptor, (struct sockaddr *)&address, length);
}

int socket_for_peer(const struct peer *peer, uint16_t low, uint16_t high,
                    enum socket_sharing sharing)
{
    unsigned span = (unsigned)(high - low) + 1, i;
    int descriptor = -1;

    /* Starting where the process number says spreads workers over the range. */
    for (i = 0; i < span && descriptor < 0; i++) {
        unsigned offset = ((unsigned)getpid() + i) % span;

        descriptor = socket_datagram((uint16_t)(low + offset), sharing);
        if (descriptor < 0 && errno != EADDRINUSE)
            return -1;
    }
    if (descriptor >= 0 && connect_to(descriptor, peer) != 0)
        return close_keeping_errno(descriptor);
    return descriptor;
}

int socket_record_pair(int ends[2])
{
    const struct timeval idle = { .tv_sec = SOCKET_IDLE_MS / 1000 };
    int i;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
        return -1;
    for (i = 0; i < 2; i++)
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    set_option(ends[1], SOL_SOCKET, SO_SNDBUF, RECORD_SEND_OCTETS);
    return setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
}

uint16_t socket_port(int descriptor)
{
    struct sockaddr_storage address;
    struct peer self;
    socklen_t length = sizeof address;

    if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0)
        return 0;
    peer_from_sockaddr(&self, (struct sockaddr *)&address);
    return self.port;
}

bool socket_is_dead(int descriptor)
{
    struct pollfd look = { .fd = descriptor }; /* what is asked for comes unasked */

    return (poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLNVAL)) != 0) ||
           socket_port(descriptor) == 0;
}

void socket_own_peer(int descriptor, struct peer *own)
{
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof address;

    getsockname(descriptor, (struct sockaddr *)&address, &length);
    peer_from_sockaddr(own, (struct sockaddr *)&address);
}

void socket_other_peer(int descriptor, struct peer *other)
{
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof address;

    getpeername(descriptor, (struct sockaddr *)&address, &length);
    peer_from_sockaddr(other, (struct sockaddr *)&address);
}

bool socket_is_dual(int descriptor)
{
    return family_of(descriptor) == AF_INET6;
}
