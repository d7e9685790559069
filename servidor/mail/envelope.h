/*
 * Who a mail is from and for (RFC 5321 2.3.1), as far as keeping it needs to know. An
 * envelope that is all zeros is empty and usable; one that was used keeps its memory for
 * the next mail of the same worker, which is bounded by the limit on recipients.
 */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include <stddef.h>

/* A mailbox in a path has at most 254 octets (RFC 5321 4.5.3.1.3). */
enum { ENVELOPE_ADDRESS_ROOM = 256 };

/* Strings, one behind the other, each with its NUL. */
struct envelope_list {
    char *strings;
    size_t used, room, count;
};

struct envelope {
    char sender[ENVELOPE_ADDRESS_ROOM]; /* the reverse-path without brackets; empty for <> */
    struct envelope_list recipients;    /* their addresses, in the order in which they came */
    struct envelope_list boxes;         /* the folder of each (mail/box.h), in the same order */
};

/* The next string of a list; begin with list->strings, and take list->count of them. */
const char *envelope_next(const char *string);

/* Empties it, and keeps nothing of its strings. */
void envelope_forget(struct envelope *envelope);

/* Begins a mail from `sender`, of less than ENVELOPE_ADDRESS_ROOM octets. */
void envelope_start(struct envelope *envelope, const char *sender, size_t length);

/* Adds a recipient whose mail is kept in `box`. 0, or -1 with errno ENOMEM and nothing added. */
int envelope_add(struct envelope *envelope, const char *recipient, size_t length,
                 const char *box);

#endif
