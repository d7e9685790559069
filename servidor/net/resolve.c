/* See resolve.h. */
#include "net/resolve.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

static bool is_plain_name(const char *name)
{
    return name[0] != '\0' &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789.-_")] == '\0';
}

bool resolve_name(const struct peer *peer, bool asks_dns, char out[RESOLVE_ROOM])
{
    struct sockaddr_storage address;
    int family = peer->version == 6 ? AF_INET6 : AF_INET;
    socklen_t length = peer_to_sockaddr(peer, family, &address);

    _Static_assert((int)RESOLVE_ROOM >= (int)PEER_TEXT_ROOM, "an address fits where a name does");
    if (peer_is_loopback(peer)) {
        memcpy(out, "localhost", sizeof "localhost");
        return false;
    }
    if (asks_dns &&
        getnameinfo((struct sockaddr *)&address, length, out, RESOLVE_ROOM, NULL, 0,
                    NI_NAMEREQD) == 0 &&
        is_plain_name(out))
        return true;
    peer_text(peer, out);
    return false;
}
