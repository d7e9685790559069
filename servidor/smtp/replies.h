/*
 * Every reply that the server gives, in every dialect, in one table: the only place
 * where the text of a reply stands. A new dialect is a new column of it.
 */
#ifndef SMTP_REPLIES_H
#define SMTP_REPLIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reply {
    REPLY_GREETING,
    REPLY_HELO,
    REPLY_EHLO,
    REPLY_MAIL,
    REPLY_RCPT,
    REPLY_OK, /* RSET, NOOP */
    REPLY_DATA,
    REPLY_CHUNK,  /* BDAT, but for the last */
    REPLY_QUEUED, /* after the text */
    REPLY_QUIT,
    REPLY_HELP,
    REPLY_VRFY,
    REPLY_VERIFIED,
    REPLY_SYNTAX,
    REPLY_UNKNOWN,
    REPLY_NOT_OFFERED,
    REPLY_ARGUMENT,
    REPLY_PARAMETER,
    REPLY_LINE_TOO_LONG,
    REPLY_BAD_SENDER,
    REPLY_BAD_RECIPIENT,
    REPLY_NEED_HELO,
    REPLY_NEED_MAIL,
    REPLY_NEED_RCPT,
    REPLY_NESTED_MAIL,
    REPLY_AFTER_CHUNK, /* RCPT or DATA when BDAT has begun the text */
    REPLY_UTF8_SENDER, /* and no SMTPUTF8 */
    REPLY_UTF8_RECIPIENT,
    REPLY_BAD_UTF8,
    REPLY_FOREIGN,    /* the domain is not ours */
    REPLY_NO_MAILBOX, /* nobody of that name */
    REPLY_TOO_MANY_RECIPIENTS,
    REPLY_TOO_BIG,
    REPLY_BARE,    /* a CR or LF stood alone in the text */
    REPLY_LOOPS,   /* it went through too many hosts */
    REPLY_FILTERED, /* the filter does not let it pass */
    REPLY_NO_ROOM, /* on the disk */
    REPLY_FAILED,  /* the mail could not be kept */
    REPLY_TOO_MANY_ERRORS,
    REPLY_TIMEOUT,
    REPLY_SHUTTING_DOWN,
    REPLY_TOO_MANY_SESSIONS,
    REPLY_TOO_MANY_OF_YOURS, /* sessions from one address */
    REPLIES
};

enum dialect { DIALECT_USAL, DIALECT_ITBA, DIALECTS };

/* What stands in for the placeholders of the table. */
struct reply_values {
    const char *name;      /* %N, the server's */
    uint64_t message_size; /* %S, the largest message */
    const char *id;        /* %I, of the mail that was queued */
    const char *verbs;     /* %V, those that HELP tells of */
    const char *mailbox;   /* %M, the one that VRFY has found */
};

/* Finds the dialect called `name`, as -d takes it. False if there is none. */
bool dialect_find(const char *name, enum dialect *dialect);

/* Must HELO or EHLO come before MAIL? */
bool dialect_needs_hello(enum dialect dialect);

/* Room for any reply, all its lines with their CRLFs. */
enum { REPLY_ROOM = 2048 };

/* Writes a reply with its CRLFs into `out`. Returns its length. */
size_t reply_write(enum reply reply, enum dialect dialect, const struct reply_values *values,
                   char out[REPLY_ROOM]);

/* The first digit of its code: 4 refuses for now, 5 for ever (RFC 5321 4.2.1). */
unsigned reply_class(enum reply reply, enum dialect dialect);

/* Does the reply refuse a command (4yz, 5yz)? */
bool reply_is_refusal(enum reply reply, enum dialect dialect);

#endif
