/*
 * What the owner of the well-known port makes of a datagram of the numbered mode: it gives
 * cookies, knows them again, and keeps nothing of anybody who has not shown one. Pure, with
 * the time and the key passed in.
 */
#ifndef NET_RECEPTION_H
#define NET_RECEPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/peer.h"
#include "net/segment.h"

/* How many hellos that led to a session are remembered, to drop their repetitions. */
enum { RECEPTION_RECENT = 4096 };

/*
 * For how long. A server's first segment is given up after 19 s at most: who has not heard of it
 * by then may begin anew.
 */
enum { RECEPTION_MEMORY_MS = 20000 };

struct reception {
    unsigned char key[SIPHASH_KEY];
    unsigned next;
    struct {
        uint64_t hash; /* of peer and nonce */
        int64_t at_ms;
    } recent[RECEPTION_RECENT]; /* a ring */
};

enum reception_verdict {
    RECEPTION_NOT_OURS, /* not a datagram of this mode */
    RECEPTION_WRONG,    /* it should be one: drop and count it */
    RECEPTION_DROP,     /* nothing is to be done */
    RECEPTION_ANSWER,   /* send `answer` back */
    RECEPTION_HELLO,    /* who asks for a session is who it says, and may have one */
};

/* Who calls, when, and the datagram as it came. */
struct reception_caller {
    struct peer peer;
    const char *octets;
    size_t length;
    int64_t now_ms;
    bool is_closing; /* nobody may have a session any more: hellos are answered with R 421 */
};

struct reception_result {
    /* With RECEPTION_HELLO: the client's nonce and window, and a number for its session. */
    uint64_t cn, sid;
    unsigned window;
    size_t length; /* of answer, with RECEPTION_ANSWER */
    char answer[SEGMENT_ANSWER];
};

/* Judges what came. No answer is longer than it. */
enum reception_verdict reception_judge(const struct reception *reception,
                                       const struct reception_caller *caller,
                                       struct reception_result *result);

/* The hello was handed over: its repetitions are dropped for RECEPTION_MEMORY_MS. */
void reception_remember(struct reception *reception, const struct peer *peer, uint64_t cn,
                        int64_t now_ms);

/* Makes the answer to a RECEPTION_HELLO its refusal: there are too many sessions (450). */
void reception_refuse(struct reception_result *result);

#endif
