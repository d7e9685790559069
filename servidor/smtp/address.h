/*
 * The grammar of paths in MAIL and RCPT (RFC 5321 4.1.2, 4.1.3, 4.5.3.1). Pure.
 */
#ifndef SMTP_ADDRESS_H
#define SMTP_ADDRESS_H

#include <stddef.h>

enum {
    ADDRESS_LOCAL_LIMIT = 64,
    ADDRESS_DOMAIN_LIMIT = 255,
    ADDRESS_PATH_LIMIT = 256, /* with its angle brackets */
};

/* A mailbox within the text that was parsed; nothing is copied. */
struct address {
    const char *local; /* quotes included */
    size_t local_length;
    const char *domain; /* brackets of a literal included; none: length 0 */
    size_t domain_length;
};

/*
 * Reads the path that begins `text`: <local@domain>, with a source route before it that
 * means nothing any more, or the mailbox without its brackets. A mailbox needs its domain
 * unless it is "postmaster". Returns the octets it takes, 0 where there is no valid path.
 */
size_t address_parse(const char *text, size_t length, struct address *address);

#endif
