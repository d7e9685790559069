/*
 * One mail on its way into the boxes of its recipients: into all of them, or none. It is
 * written to a spool file as it comes, in a buffer of fixed size however large it is; when it
 * is whole, it is linked into every box. The first thing that goes wrong drops it, and what
 * comes after that goes nowhere; the verdict is told once, at the end. Where there is a filter,
 * the spool file is only its input, and another one, which it writes, becomes the mail.
 */
#ifndef MAIL_DELIVERY_H
#define MAIL_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/config.h"
#include "mail/envelope.h"
#include "mail/maildir.h"
#include "mail/message.h"
#include "watch/counters.h"

/* How much can be added at once, and how much waits at most before it is written. */
enum { DELIVERY_PIECE = 65536 + 8, DELIVERY_ROOM = 2 * DELIVERY_PIECE };

struct delivery {
    const struct mail_config *config;
    const struct envelope *envelope;
    bool is_open; /* there is a spool file */
    int error;    /* errno of what went wrong; 0: nothing did */
    char id[COUNTERS_ID + 1]; /* the queue id */
    struct spool spool;
    struct message_reader header;
    bool has_text; /* some of the client's text has come */
    bool is_filtered;
    struct peer client;
    size_t trace_length; /* of a filtered mail: what is to stand above its text */
    char trace[MESSAGE_TRACE_ROOM];
    size_t used;
    size_t most; /* octets of the buffer that the mail has used at some time */
    char buffer[DELIVERY_ROOM];
};

enum delivery_verdict {
    DELIVERY_KEPT,    /* it is in every box, and would survive a power cut */
    DELIVERY_FAILED,  /* it is nowhere, unless a reader has moved it; it can be tried again */
    DELIVERY_NO_ROOM, /* the same, since the disk is full */
    DELIVERY_LOOPS,   /* it is nowhere, and goes in circles between hosts */
    DELIVERY_DROPPED, /* it is nowhere, and is to be taken as kept: the filter says so */
    DELIVERY_FILTERED, /* it is nowhere: the filter does not let it pass */
};

/* May a mail of so many octets find room? A guess: true if the system does not tell. */
bool delivery_has_room(const struct mail_config *config, uint64_t octets);

/*
 * Begins with the trace fields. `config` and `envelope`, which has a recipient, must outlive
 * the delivery. DELIVERY_KEPT if it can go on; else it is dropped already.
 */
enum delivery_verdict delivery_start(struct delivery *delivery, const struct mail_config *config,
                                     const struct envelope *envelope,
                                     const struct message_trace *trace);

/* Where the next DELIVERY_PIECE octets, or fewer, are to be written. */
char *delivery_room(struct delivery *delivery);

/*
 * They were, up to `end`. If they begin the text, and would go on with the field above it, an
 * empty line is put between.
 */
void delivery_wrote(struct delivery *delivery, const char *end);

/*
 * The mail is whole: keeps it, and logs that. It is over whatever the verdict. A filter may make
 * at most `size_limit` octets of it; running it takes its time.
 */
enum delivery_verdict delivery_keep(struct delivery *delivery, uint64_t size_limit);

/*
 * Ends it, if it is not over: nothing of it stays, on disk or in memory. All zeros are a delivery
 * that is over.
 */
void delivery_drop(struct delivery *delivery);

#endif
