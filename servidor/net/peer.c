/* See peer.h. */
#include "net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static void from_ipv4(struct peer *peer, const void *address, in_port_t port)
{
    memcpy(peer->address, address, 4);
    peer->version = 4;
    peer->port = ntohs(port);
}

static void from_ipv6(struct peer *peer, const struct sockaddr_in6 *in6)
{
    const uint8_t *octets = in6->sin6_addr.s6_addr;

    if (memcmp(octets, mapped_prefix, sizeof mapped_prefix) == 0) {
        from_ipv4(peer, octets + sizeof mapped_prefix, in6->sin6_port);
        return;
    }
    memcpy(peer->address, octets, 16);
    peer->version = 6;
    peer->port = ntohs(in6->sin6_port);
    if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
        peer->scope = in6->sin6_scope_id;
}

void peer_from_sockaddr(struct peer *peer, const struct sockaddr *address)
{
    static const uint8_t localhost[4] = { 127, 0, 0, 1 };
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    memset(peer, 0, sizeof *peer);
    if (address->sa_family == AF_INET) {
        memcpy(&in, address, sizeof in);
        from_ipv4(peer, &in.sin_addr, in.sin_port);
    } else if (address->sa_family == AF_INET6) {
        memcpy(&in6, address, sizeof in6);
        from_ipv6(peer, &in6);
    } else {
        from_ipv4(peer, localhost, 0);
    }
}

static socklen_t to_ipv4(const struct peer *peer, struct sockaddr_storage *address)
{
    struct sockaddr_in in;

    memset(&in, 0, sizeof in);
    in.sin_family = AF_INET;
    in.sin_port = htons(peer->port);
    memcpy(&in.sin_addr, peer->address, 4);
    memcpy(address, &in, sizeof in);
    return sizeof in;
}

static socklen_t to_ipv6(const struct peer *peer, struct sockaddr_storage *address)
{
    struct sockaddr_in6 in6;

    memset(&in6, 0, sizeof in6);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(peer->port);
    in6.sin6_scope_id = peer->scope;
    if (peer->version == 4) {
        memcpy(in6.sin6_addr.s6_addr, mapped_prefix, sizeof mapped_prefix);
        memcpy(in6.sin6_addr.s6_addr + sizeof mapped_prefix, peer->address, 4);
    } else {
        memcpy(in6.sin6_addr.s6_addr, peer->address, 16);
    }
    memcpy(address, &in6, sizeof in6);
    return sizeof in6;
}

socklen_t peer_to_sockaddr(const struct peer *peer, int family, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof *address);
    if (family == AF_INET6)
        return to_ipv6(peer, address);
    return peer->version == 4 ? to_ipv4(peer, address) : 0;
}

const char *peer_text(const struct peer *peer, char out[PEER_TEXT_ROOM])
{
    size_t used;

    if (inet_ntop(peer->version == 6 ? AF_INET6 : AF_INET, peer->address, out, PEER_TEXT_ROOM) ==
        NULL)
        out[0] = '\0';
    used = strlen(out);
    if (peer->scope != 0)
        snprintf(out + used, PEER_TEXT_ROOM - used, "%%%lu", (unsigned long)peer->scope);
    return out;
}

bool peer_is_same_address(const struct peer *a, const struct peer *b)
{
    return a->version == b->version && a->scope == b->scope &&
           memcmp(a->address, b->address, sizeof a->address) == 0;
}

bool peer_is_same(const struct peer *a, const struct peer *b)
{
    return a->port == b->port && peer_is_same_address(a, b);
}

bool peer_is_loopback(const struct peer *peer)
{
    static const uint8_t one[16] = { [15] = 1 };

    return peer->version == 4 ? peer->address[0] == 127 : memcmp(peer->address, one, 16) == 0;
}

bool peer_is_neighbour(const struct peer *peer)
{
    const uint8_t *a = peer->address;

    if (peer_is_loopback(peer))
        return true;
    if (peer->version == 6)
        return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
    return a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168) ||
           (a[0] == 169 && a[1] == 254);
}
