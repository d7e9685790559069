/*
 * The datagrams of the numbered mode of SMTP over UDP, as they travel: one line of fields,
 * then the payload. Which fields a kind has, and their form, is in smtp-udp(7). Pure.
 */
#ifndef NET_SEGMENT_H
#define NET_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/cookie.h"

/*
 * The longest datagram, which passes every network that carries IPv6 (as in RFC 9000, 14), the
 * longest payload, and the largest window, in datagrams. Who reads one has room for
 * SEGMENT_LIMIT + 1 octets, so that a longer one is known.
 */
enum { SEGMENT_LIMIT = 1200, SEGMENT_PAYLOAD = 1100, SEGMENT_WINDOW = 32 };

/* The shortest hello, so that no answer to it is longer, and the longest C or R. */
enum { SEGMENT_HELLO = 64, SEGMENT_ANSWER = 48 };

/* The codes of an R: the server closes or the client leaves, too many, no such session. */
enum { SEGMENT_LEAVING = 421, SEGMENT_TOO_MANY = 450, SEGMENT_NO_SESSION = 503 };

enum segment_kind {
    SEGMENT_H, /* client to door: asks for a session */
    SEGMENT_C, /* door to client: a cookie */
    SEGMENT_W, /* server's first segment */
    SEGMENT_D, /* a segment */
    SEGMENT_F, /* the server's last segment */
    SEGMENT_A, /* acknowledgement */
    SEGMENT_P, /* please acknowledge */
    SEGMENT_R, /* refusal, or goodbye */
};

struct segment {
    enum segment_kind kind;
    uint64_t id;          /* H, C: the client's nonce cn; R: cn or sid; else the session's sid */
    uint64_t cn;          /* W */
    struct cookie cookie; /* C; H if has_cookie */
    bool has_cookie;
    unsigned code;   /* R: 100 to 999 */
    unsigned window; /* H: 1 to 32; D, F, W, A, P: 0 to 32 */
    uint32_t seq, ack, sack; /* D, F, W, A, P */
    uint32_t ts, te;
    bool has_te;
    const char *payload; /* D, F, W */
    size_t payload_length;
};

/* Does the datagram belong to the numbered mode, well-formed or not? */
bool segment_is_ours(const char *octets, size_t length);

/*
 * Reads a datagram; the payload stays where it is. False if it is longer than SEGMENT_LIMIT or
 * has not the form of its kind. A hello whose cookie has no good form is one without.
 */
bool segment_parse(struct segment *segment, const char *octets, size_t length);

/*
 * Writes a datagram, whose payload is no longer than SEGMENT_PAYLOAD, into `out`; a hello is
 * padded to SEGMENT_HELLO octets. Returns its length.
 */
size_t segment_write(const struct segment *segment, char out[SEGMENT_LIMIT]);

#endif
