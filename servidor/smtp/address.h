/*
 * The grammar of paths in MAIL and RCPT (RFC 5321 4.1.2, 4.1.3, 4.5.3.1), with the octets of
 * UTF-8 wherever RFC 6531 lets them stand; that they are well-formed is for others to see. Pure.
 */
#ifndef SMTP_ADDRESS_H
#define SMTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

struct peer;

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

/* Is all of `text` a domain, or an address literal? */
bool address_is_domain(const char *text, size_t length);

/* Reads a local part that begins `text`, without any domain. Returns the octets it takes, or 0. */
size_t address_parse_local(const char *text, size_t length, struct address *address);

/* Writes the local part without its quotes into `out`. Returns its length. */
size_t address_unquote(const struct address *address, char out[ADDRESS_LOCAL_LIMIT]);

/* Is the domain an address literal? If so, the address is in `*literal`, with port 0. */
bool address_is_literal(const struct address *address, struct peer *literal);

#endif
