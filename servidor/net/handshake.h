/*
 * How a client comes to a session in numbered mode: it says hello, is given a cookie, says
 * hello with it, and follows the server's first segment to the port that it came from. Pure,
 * with the time and chance passed in; whose socket it is, and whom it asks, is the caller's.
 */
#ifndef NET_HANDSHAKE_H
#define NET_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/segment.h"

struct handshake {
    uint64_t cn, chance;
    unsigned window;
    unsigned tries; /* hellos since the beginning, or since the last cookie */
    unsigned sent;  /* all of them */
    unsigned cookies;
    struct cookie cookie; /* if cookies > 0 */
    unsigned refused;     /* the code of the last R; 0: none came */
    int64_t next_ms;
};

enum handshake_news {
    HANDSHAKE_NOTHING, /* nothing that matters */
    HANDSHAKE_COOKIE,  /* from now on only its sender is to be asked; a hello is due */
    HANDSHAKE_SESSION, /* `first` is the W: its sender is the session's other end */
    HANDSHAKE_REFUSED, /* for good; `refused` is the code */
    HANDSHAKE_PLAIN,   /* a reply of SMTP, as a server gives that speaks the plain mode only */
};

/* Begins at `now_ms`. `cn` is random, and spreads the waits too. */
void handshake_begin(struct handshake *handshake, uint64_t cn, unsigned window, int64_t now_ms);

/* The hello that is due at `now_ms`, in `out`, and its length; 0 if none is. */
size_t handshake_next(struct handshake *handshake, char out[SEGMENT_LIMIT], int64_t now_ms);

/* When the next hello is due, or, after the last one, when there is no hope left. */
int64_t handshake_deadline(const struct handshake *handshake);

/* Was the last hello sent, and is its time over? */
bool handshake_is_hopeless(const struct handshake *handshake, int64_t now_ms);

/*
 * Judges a datagram that came from somebody who may answer. With HANDSHAKE_SESSION `first` is
 * filled, with what datagram_begin() wants; the datagram itself goes to datagram_receive().
 */
enum handshake_news handshake_receive(struct handshake *handshake, const char *octets,
                                      size_t length, struct segment *first);

#endif
