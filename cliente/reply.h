/*
 * Finds a whole reply (RFC 5321, section 4.2) at the head of what a server sent:
 * lines of three digits and a hyphen, then one without the hyphen. Pure.
 */
#ifndef CLIENTE_REPLY_H
#define CLIENTE_REPLY_H

#include <stddef.h>

/* The longest reply that is believed, all its lines together. */
enum { REPLY_LIMIT = 16384 };

struct reply {
    const char *text; /* all its lines, line ends included */
    size_t length;
    int code; /* of its last line */
};

enum reply_scan {
    REPLY_WHOLE, /* `reply` is filled; its text points into the octets given */
    REPLY_PART,  /* no contradiction so far, but more must come */
    REPLY_NONE   /* these octets begin no reply */
};

/* A line end is CRLF or LF. Fills `reply` only with REPLY_WHOLE. */
enum reply_scan reply_scan(const char *text, size_t length, struct reply *reply);

#endif
