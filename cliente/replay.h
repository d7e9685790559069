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

/*
 * Replays `orders`. Returns 0 when the dialogue ran to its end, which is a 221 or
 * the end of the orders, and records that in the log; else 1 after saying why. All
 * three arguments stay the caller's, open.
 */
int replay_run(struct link *link, struct portlog *log, struct orders orders);

#endif
