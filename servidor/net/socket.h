/*
 * Sockets as a server makes them: bound, dual-stack, close-on-exec. Each
 * function returns a descriptor (the caller closes it) or -1 with errno.
 */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

struct peer;

/* How a UDP port is bound. */
enum socket_sharing {
    SOCKET_ALONE,  /* nobody else may bind it */
    SOCKET_SHARED, /* sockets of this server may bind it too (SO_REUSEADDR) */
};

/*
 * A TCP listener on `port` of every address (0: the system chooses). Takes IPv6
 * and IPv4, or IPv4 alone where the system has no IPv6. The backlog is as long
 * as the system allows, and accept(2) gives up with EAGAIN after SOCKET_IDLE_MS
 * so that an idle worker can look around it.
 */
int socket_listen(uint16_t port);

enum { SOCKET_IDLE_MS = 1000 };

/*
 * Nobody takes a connection from `listener` any more, whoever has it: accept(2) fails at once,
 * with EINVAL, who waits in the backlog is refused, and another may listen on the port.
 */
void socket_stop_listening(int listener);

/* A UDP socket bound to `port` of every address, with the same families. */
int socket_datagram(uint16_t port, enum socket_sharing sharing);

/* The same on a loopback address alone, 127.0.0.1 or ::1. */
int socket_datagram_loopback(uint16_t port, bool is_ipv6);

/*
 * The socket of one UDP session (UDP_hijo): bound to the first free port of
 * `low` to `high` (0 to 0: one that the system chooses) and connected to `peer`.
 * EADDRINUSE when the whole range is taken.
 */
int socket_for_peer(const struct peer *peer, uint16_t low, uint16_t high,
                    enum socket_sharing sharing);

/* A pair of descriptors that keep records whole; 0, or -1 with errno. */
int socket_record_pair(int ends[2]);

/*
 * Has this bound socket stopped working for good, as after `ss -K`? Nothing comes through it then,
 * and waiting for it is no wait.
 */
bool socket_is_dead(int descriptor);

/* The port that `descriptor` is bound to, 0 if none. */
uint16_t socket_port(int descriptor);

/* The address and port of this end; 127.0.0.1 and 0 where `descriptor` has none. */
void socket_own_peer(int descriptor, struct peer *own);

/* The address and port of the other end; the same where it has none. */
void socket_other_peer(int descriptor, struct peer *other);

/* Is `error` the errno of a machine that lacks IPv6, or any address of it? */
bool socket_lacks_ipv6(int error);

/* Does `descriptor` take IPv6 as well as IPv4? */
bool socket_is_dual(int descriptor);

#endif
