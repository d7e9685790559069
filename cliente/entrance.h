/*
 * How the numbered link comes to a session: hellos to every address of the host, then with
 * the server's cookie to the one that gave it, and on to the port of the session. What a
 * hello is, and when it is due, is in net/handshake.
 */
#ifndef CLIENTE_ENTRANCE_H
#define CLIENTE_ENTRANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "link.h"
#include "net/handshake.h"
#include "udp.h"

struct ferry;

/* Begin with the first two, which stay the caller's, and the rest 0. */
struct entrance {
    struct link *link; /* its error and reason are set, and its sends */
    struct ferry *ferry;
    struct udp udp;
    struct handshake handshake;
    struct peer door; /* who gave the cookie, and alone is asked from then on; version 0 before */
    bool has_said_hello;
    bool has_heard_plain; /* a reply of SMTP without our nonce, which anybody can forge */
    bool is_passed;
};

/*
 * Makes the socket. Returns 0, and the caller closes udp.socket; or -1 with errno after saying
 * why not.
 */
int entrance_open(struct entrance *entrance);

/* Says the first hello, without waiting. Whether it could is for entrance_pass() to tell. */
void entrance_knock(struct entrance *entrance);

/*
 * Waits for a session until `deadline_ms`, or until the last hello's time is over. LINK_SENT:
 * the ferry is ready and has the server's first segment. Never LINK_REPLY.
 */
enum link_result entrance_pass(struct entrance *entrance, int64_t deadline_ms);

#endif
