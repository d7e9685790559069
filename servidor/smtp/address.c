/*
 * See address.h. Each scan_ function returns how many octets of what it looks for begin
 * the text: 0 where it does not begin it.
 */
#include "smtp/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "net/peer.h"
#include "net/text.h"

enum { LITERAL_ROOM = 64, LABEL_LIMIT = 63 };

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Part of a character of UTF-8 that is not ASCII. */
static bool is_utf8_octet(char c)
{
    return (unsigned char)c >= 0x80;
}

/* atext of RFC 5322 3.2.3. */
static bool is_atom_octet(char c)
{
    return is_letter_or_digit(c) || is_utf8_octet(c) ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static size_t scan_atom(const char *text, size_t length)
{
    size_t n = 0;

    while (n < length && is_atom_octet(text[n]))
        n++;
    return n;
}

/* Let-dig [Ldh-str]: no hyphen at either end. */
static size_t scan_label(const char *text, size_t length)
{
    size_t n = 0;

    while (n < length &&
           (is_letter_or_digit(text[n]) || is_utf8_octet(text[n]) || text[n] == '-'))
        n++;
    return n == 0 || n > LABEL_LIMIT || text[0] == '-' || text[n - 1] == '-' ? 0 : n;
}

/* One `part` or more with single dots between them. */
static size_t scan_dotted(const char *text, size_t length, size_t (*part)(const char *, size_t))
{
    size_t n = part(text, length), next;

    while (n > 0 && n < length && text[n] == '.') {
        next = part(text + n + 1, length - n - 1);
        if (next == 0)
            return 0;
        n += 1 + next;
    }
    return n;
}

static size_t scan_quoted(const char *text, size_t length)
{
    size_t n = 1;

    if (length == 0 || text[0] != '"')
        return 0;
    while (n < length && text[n] != '"') {
        if (text[n] == '\\')
            n++;
        if (n == length || ((text[n] < ' ' || text[n] > '~') && !is_utf8_octet(text[n])))
            return 0;
        n++;
    }
    return n < length ? n + 1 : 0;
}

/* Is this, the inside of the brackets, an address that a machine can have? */
static bool is_literal(const char *text, size_t length, struct peer *literal)
{
    char copy[LITERAL_ROOM];

    memset(literal, 0, sizeof *literal);
    literal->version = 4;
    if (text_begins(text, length, "IPv6:")) {
        literal->version = 6;
        text += 5;
        length -= 5;
    }
    if (length == 0 || length >= sizeof copy || memchr(text, '\0', length) != NULL)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return inet_pton(literal->version == 6 ? AF_INET6 : AF_INET, copy, literal->address) == 1;
}

static size_t scan_domain(const char *text, size_t length)
{
    struct peer literal;
    const char *end;

    if (length == 0 || text[0] != '[')
        return scan_dotted(text, length, scan_label);
    end = memchr(text, ']', length);
    if (end == NULL || !is_literal(text + 1, (size_t)(end - text) - 1, &literal))
        return 0;
    return (size_t)(end - text) + 1;
}

/* @one,@two: with its colon. The route is as long as it is, for it is thrown away. */
static size_t scan_route(const char *text, size_t length)
{
    size_t n = 0, domain;

    while (n < length && text[n] == '@') {
        domain = scan_domain(text + n + 1, length - n - 1);
        n += 1 + domain;
        if (domain == 0 || n == length)
            return 0;
        if (text[n] == ':')
            return n + 1;
        n += text[n] == ',';
    }
    return 0;
}

size_t address_parse_local(const char *text, size_t length, struct address *address)
{
    size_t local = scan_quoted(text, length);

    if (local == 0)
        local = scan_dotted(text, length, scan_atom);
    if (local == 0 || local > ADDRESS_LOCAL_LIMIT)
        return 0;
    *address = (struct address){ .local = text, .local_length = local, .domain = text + local };
    return local;
}

static size_t scan_mailbox(const char *text, size_t length, struct address *address)
{
    size_t local = address_parse_local(text, length, address);

    if (local == 0)
        return 0;
    if (local == length || text[local] != '@')
        return text_is_word(text, local, "postmaster") ? local : 0;
    address->domain = text + local + 1;
    address->domain_length = scan_domain(address->domain, length - local - 1);
    return address->domain_length == 0 ? 0 : local + 1 + address->domain_length;
}

size_t address_parse(const char *text, size_t length, struct address *address)
{
    size_t n, mailbox;

    if (length == 0 || text[0] != '<') {
        n = scan_mailbox(text, length, address);
        return n <= ADDRESS_PATH_LIMIT - 2 ? n : 0;
    }
    n = 1 + scan_route(text + 1, length - 1);
    mailbox = scan_mailbox(text + n, length - n, address);
    n += mailbox;
    if (mailbox == 0 || mailbox > ADDRESS_PATH_LIMIT - 2 || n == length || text[n] != '>')
        return 0;
    return n + 1;
}

size_t address_unquote(const struct address *address, char out[ADDRESS_LOCAL_LIMIT])
{
    const char *from = address->local, *end = from + address->local_length;
    size_t used = 0;

    if (*from != '"') {
        memcpy(out, from, address->local_length);
        return address->local_length;
    }
    for (from++, end--; from < end; from++) {
        if (*from == '\\')
            from++;
        out[used++] = *from;
    }
    return used;
}

bool address_is_literal(const struct address *address, struct peer *literal)
{
    return address->domain_length > 2 && address->domain[0] == '[' &&
           is_literal(address->domain + 1, address->domain_length - 2, literal);
}

bool address_is_domain(const char *text, size_t length)
{
    return length > 0 && length <= ADDRESS_DOMAIN_LIMIT && scan_domain(text, length) == length;
}
