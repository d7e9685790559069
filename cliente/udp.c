/* See udp.h. */
#include "udp.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/socket.h"
#include "say.h"

int udp_open(struct udp *udp, const struct link_target *target)
{
    int error;

    udp->target = target;
    udp->socket = socket_datagram(0, SOCKET_ALONE);
    if (udp->socket == -1 || link_never_block(udp->socket) != 0) {
        error = errno;
        say("cannot make a UDP socket: %s", strerror(error));
        if (udp->socket != -1)
            close(udp->socket);
        errno = error;
        return -1;
    }
    udp->family = socket_is_dual(udp->socket) ? AF_INET6 : AF_INET;
    return 0;
}

bool udp_send(const struct udp *udp, const struct peer *peer, const char *octets, size_t length)
{
    struct sockaddr_storage address;
    socklen_t room = peer_to_sockaddr(peer, udp->family, &address);

    errno = EAFNOSUPPORT;
    return room > 0 && sendto(udp->socket, octets, length, MSG_NOSIGNAL,
                              (struct sockaddr *)&address, room) == (ssize_t)length;
}

ssize_t udp_receive(struct udp *udp, char *into, size_t room)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    ssize_t n = recvfrom(udp->socket, into, room, 0, (struct sockaddr *)&address, &length);

    if (n >= 0)
        peer_from_sockaddr(&udp->heard, (struct sockaddr *)&address);
    return n;
}

bool udp_is_asked(const struct udp *udp)
{
    size_t i;

    for (i = 0; i < udp->target->peer_count; i++)
        if (peer_is_same_address(&udp->heard, &udp->target->peers[i]))
            return true;
    return false;
}

int udp_follow(const struct udp *udp)
{
    struct sockaddr_storage address;
    socklen_t length = peer_to_sockaddr(&udp->heard, udp->family, &address);

    return connect(udp->socket, (struct sockaddr *)&address, length);
}
