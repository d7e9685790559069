/*
 * A question of the monitoring protocol over UDP: one datagram, sent again until its answer
 * comes or its time is over. An answer is taken from the asked address and port alone, and
 * with the id of the question.
 */
#ifndef CLIENTE_MNG_ASK_H
#define CLIENTE_MNG_ASK_H

#include <stdint.h>

#include "net/monitor_wire.h"

enum { MNG_DEADLINE_MS = 5000 }; /* of one question, all its addresses and repetitions */

struct mng_server {
    const char *host; /* a name, or an IPv4 or IPv6 address */
    uint16_t port;
    uint8_t version; /* MONITOR_PLAIN or MONITOR_HASHED */
    unsigned char secret[MONITOR_SECRET];
};

enum mng_outcome {
    MNG_ANSWERED,
    MNG_REFUSED,   /* answered with another status than MONITOR_OK */
    MNG_UNREACHED, /* no answer; why is said */
    MNG_STOPPED,   /* SIGINT is blocked, and came */
};

struct mng_link;

/*
 * Resolves the server's name and makes sockets. `server` must outlive it. Returns NULL after
 * saying why not; else mng_close() frees it.
 */
struct mng_link *mng_open(const struct mng_server *server);

/*
 * Asks `command`, 0 to 255. A server of several addresses is asked at the first, and with each
 * repetition or refusal at one more; the one that answers is kept. `reply` is filled with
 * MNG_ANSWERED and MNG_REFUSED. A refused port ends it only when all addresses refused.
 */
enum mng_outcome mng_ask(struct mng_link *link, unsigned command, struct monitor_reply *reply);

void mng_close(struct mng_link *link);

#endif
