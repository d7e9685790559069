/*
 * The dialogue: the greeting, then an order file line by line, each waiting for its
 * reply but for the lines of a mail's text. It knows no socket: the link carries
 * it, the log keeps what the server said.
 */
#ifndef CLIENTE_REPLAY_H
#define CLIENTE_REPLAY_H

#include "orders.h"

struct link;
struct portlog;

/* An exit status, too. */
enum replay_status {
    REPLAY_COMPLETE = 0, /* the dialogue ran to its end, and the log says so */
    REPLAY_FAILED = 1,   /* it did not, and what became of each mail is known */
    REPLAY_UNKNOWN = 3   /* it did not, and of a mail nobody knows */
};

/*
 * Replays `orders`. The dialogue's end is a 221 or the end of the orders. When it fails, it
 * says why, and what became of each mail so far. All three arguments stay the caller's, open.
 */
enum replay_status replay_run(struct link *link, struct portlog *log, struct orders orders);

#endif
