/*
 * Which mailboxes are ours (RFC 5321 2.3.10), and which box each has.
 */
#ifndef MAIL_LOCAL_H
#define MAIL_LOCAL_H

#include <stdbool.h>
#include <stddef.h>

#include "mail/box.h"
#include "mail/config.h"

/* A mailbox as its address names it. */
struct local_mailbox {
    char local[BOX_LOCAL_LIMIT]; /* without quotes */
    size_t local_length;
    const char *domain; /* length 0 where there is none */
    size_t domain_length;
    bool is_here; /* the domain is the address, as a literal, that the client has reached */
};

enum local_verdict {
    LOCAL_OURS,
    LOCAL_FOREIGN, /* the domain is not ours */
    LOCAL_UNKNOWN, /* the domain is, but there is no such mailbox */
    LOCAL_UNSURE,  /* the system does not tell, see errno */
};

/* Judges a mailbox, and writes the name of its box when it is ours. */
enum local_verdict local_find(const struct mail_config *config,
                              const struct local_mailbox *mailbox, char box[BOX_NAME_ROOM]);

#endif
