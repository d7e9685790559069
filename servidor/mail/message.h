/*
 * What a receiver adds to a message and looks for in it: the trace fields that it begins
 * with (RFC 5321 4.4), and those of the hosts before, which tell of a loop (6.3).
 */
#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "net/peer.h"

/* More Received fields than this, and the message goes in circles. */
enum { MESSAGE_HOPS_LIMIT = 100 };

/* Where a mail comes from. No string has controls in it. */
struct message_trace {
    const char *hello;       /* what the client calls itself; empty if it did not say */
    const char *client_name; /* its name in the DNS; empty if that was not asked */
    struct peer client;
    const char *server;      /* our name */
    const char *protocol;    /* ESMTP and the like */
};

enum { MESSAGE_TRACE_ROOM = 2048 };

/* Whose mail it is. Addresses are without brackets. */
struct message_path {
    const char *sender;    /* empty for the null reverse-path */
    const char *recipient; /* NULL: there are several */
    const char *id;        /* its queue id */
};

/*
 * Writes the Return-Path and Received fields, with LF at the end of each line, into `out`.
 * Returns their length.
 */
size_t message_write_trace(char out[MESSAGE_TRACE_ROOM], const struct message_trace *trace,
                           const struct message_path *path, time_t when);

/*
 * Would a text that begins with this octet go on with the field above it (RFC 5322 2.2.3)? Above it
 * are our trace fields, and a client could have them say what it likes.
 */
bool message_goes_on(char first);

/* Reads the header of a message that comes in any pieces. All zeros begins one. */
struct message_reader {
    unsigned hops;      /* Received fields so far */
    bool is_in_body;    /* the header is over */
    bool is_in_line;    /* behind the first octets of a line, which tell no more */
    size_t name_length; /* of the octets of this line that the name "Received:" begins with */
};

void message_read(struct message_reader *reader, const char *text, size_t length);

#endif
