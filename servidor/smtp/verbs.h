/*
 * What a session remembers, and what each verb does to it. Shared by session.c, which
 * carries octets and keeps time, verbs.c, which knows the commands, and paths.c, which knows
 * those with mailboxes; nobody else includes this.
 */
#ifndef SMTP_VERBS_H
#define SMTP_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/delivery.h"
#include "mail/envelope.h"
#include "smtp/address.h"
#include "smtp/data.h"
#include "smtp/session.h"

/* One mail, from MAIL to the end of its text or whatever drops it (RFC 5321 3.3). */
struct transaction {
    struct envelope envelope;
    bool is_utf8;    /* MAIL asked for SMTPUTF8 */
    bool has_chunks; /* BDAT has begun its text */
    struct data_reader text;
    struct delivery delivery;
};

/* The octets that follow a BDAT command (RFC 3030 2). */
struct chunk {
    uint64_t left;      /* of them */
    bool is_last;       /* of its mail */
    enum reply refusal; /* they are swallowed and this is said; REPLY_OK: they are text */
    bool ends_mail;     /* the refusal is of a mail, of which so many octets were sent: */
    uint64_t mail_size;
};

/* What the octets that come are. */
enum session_state { STATE_COMMANDS, STATE_TEXT, STATE_CHUNK };

/* The large ones stand behind what every session needs, which is one page of memory so. */
struct session {
    const struct session_config *config;
    const struct session_client *client;
    struct channel *channel;
    enum session_state state;
    bool has_hello;   /* HELO or EHLO was said */
    bool is_extended; /* it was EHLO */
    bool is_over;     /* nothing more is read */
    uint64_t errors;  /* refused commands */
    struct transaction *mail; /* the open one, or NULL: points to storage */
    char hello[ADDRESS_DOMAIN_LIMIT + 1]; /* what the client calls itself; empty at first */
    char reply[REPLY_ROOM]; /* the last one; on the stack it would be half a page more of that */
    struct line_reader line;
    struct chunk chunk;
    char verified[ENVELOPE_ADDRESS_ROOM]; /* the mailbox that VRFY has found */
    struct transaction storage;
};

/*
 * Carries out one command line. Returns the reply to it; in STATE_CHUNK it is still to come,
 * when the octets of the chunk have been taken.
 */
enum reply verbs_execute(struct session *session, const char *line, size_t length);

/* Is `line` a BDAT, well said or not? Octets follow that are no commands. */
bool verbs_announces_octets(const char *line, size_t length);

/* Opens a transaction without recipients; there must be none. */
void transaction_start(struct session *session);

/*
 * Drops the open transaction, if there is one: nothing of an unfinished mail stays, and nothing of
 * any in memory.
 */
void transaction_drop(struct session *session);

/* What a client is told of a delivery; `kept` if all is well with it. */
enum reply transaction_reply(enum delivery_verdict verdict, enum reply kept);

/* The names of the verbs that are offered, each behind a blank. */
const char *verbs_list(void);

#endif
