/*
 * A peer: the address and port at the other end, small and flat enough to
 * stand in shared memory and in a record on a socket pair. An IPv4 address that
 * a dual-stack socket shows as ::ffff:a.b.c.d is kept as the IPv4 address it is.
 */
#ifndef NET_PEER_H
#define NET_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct peer {
    uint8_t address[16]; /* network order; an IPv4 address takes the first 4, the rest is 0 */
    uint32_t scope;      /* of a link-local IPv6 address, else 0 */
    uint16_t port;       /* host order */
    uint16_t version;    /* 4 or 6; 0: no peer */
};

/* Room for an address as text, its NUL and a scope (RFC 4007, "%4294967295"). */
enum { PEER_TEXT_ROOM = 64 };

/* Reads `address`; a family that is neither IPv4 nor IPv6 gives 127.0.0.1, port 0. */
void peer_from_sockaddr(struct peer *peer, const struct sockaddr *address);

/*
 * Writes the socket address of `peer` for a socket of `family` (AF_INET, or
 * AF_INET6 with IPv4 mapped). Returns its length, or 0 when an AF_INET socket
 * cannot reach it.
 */
socklen_t peer_to_sockaddr(const struct peer *peer, int family, struct sockaddr_storage *address);

/* Writes the address without the port into `out`; returns `out`. */
const char *peer_text(const struct peer *peer, char out[PEER_TEXT_ROOM]);

bool peer_is_same_address(const struct peer *a, const struct peer *b);
bool peer_is_same(const struct peer *a, const struct peer *b);

/* 127.0.0.0/8 and ::1. */
bool peer_is_loopback(const struct peer *peer);

/*
 * An address that only a neighbour can have, where a spoofed source is not to be
 * feared: 127/8, 10/8, 172.16/12, 192.168/16, 169.254/16, ::1, fc00::/7, fe80::/10.
 */
bool peer_is_neighbour(const struct peer *peer);

#endif
