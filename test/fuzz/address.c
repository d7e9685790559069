/*
 * What address_parse() accepts is harmless and within its limits, stands in the input, is
 * read as the same address when it is written down again, and has a box in the mail folder.
 * The input is tried as a domain, too.
 */
#include "smtp/address.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail/box.h"
#include "net/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_octets(const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        assert((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

static void check_parts(const char *text, size_t taken, const struct address *address)
{
    const char *end = text + taken;

    assert(address->local > text - 1 && address->local + address->local_length <= end);
    assert(address->local_length > 0 && address->local_length <= ADDRESS_LOCAL_LIMIT);
    assert(address->domain + address->domain_length <= end);
    assert(address->local_length + address->domain_length <= ADDRESS_PATH_LIMIT - 2);
    assert(address->domain_length > 0 || address->local_length == strlen("postmaster"));
}

/* Writes the mailbox as <local@domain>; returns its length. */
static size_t write_path(char path[ADDRESS_PATH_LIMIT], const struct address *address)
{
    size_t used = 0;

    path[used++] = '<';
    memcpy(path + used, address->local, address->local_length);
    used += address->local_length;
    if (address->domain_length > 0) {
        path[used++] = '@';
        memcpy(path + used, address->domain, address->domain_length);
        used += address->domain_length;
    }
    path[used++] = '>';
    return used;
}

/* The mailbox has a box, which is one harmless component of a path. */
static void check_box(const struct address *address)
{
    char local[ADDRESS_LOCAL_LIMIT], name[BOX_NAME_ROOM];
    size_t length = address_unquote(address, local);

    assert(length <= address->local_length);
    box_name(name, local, box_untagged(local, length));
    assert(name[0] != '\0' && name[0] != '.' && strlen(name) < BOX_NAME_ROOM);
    assert(name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-+=.%ABCDEF")] == '\0');
}

static void check_again(const struct address *address)
{
    char path[ADDRESS_PATH_LIMIT + 8];
    struct address again;
    size_t length = write_path(path, address);

    assert(length <= ADDRESS_PATH_LIMIT);
    assert(address_parse(path, length, &again) == length);
    assert(again.local_length == address->local_length &&
           memcmp(again.local, address->local, again.local_length) == 0);
    assert(again.domain_length == address->domain_length &&
           memcmp(again.domain, address->domain, again.domain_length) == 0);
    assert(address_parse(path, length - 1, &again) == 0); /* the bracket is not optional */
}

/* A text is a domain if and only if a path that is made with it ends with it. */
static void check_domain(const char *text, size_t size)
{
    char path[ADDRESS_PATH_LIMIT];
    struct address address;
    struct peer literal = { .port = 1 };
    bool is_domain;

    if (size > sizeof path - strlen("<x@>"))
        return;
    memcpy(path, "<x@", 3);
    memcpy(path + 3, text, size);
    path[3 + size] = '>';
    is_domain = address_parse(path, size + 4, &address) == size + 4 &&
                address.domain == path + 3 && address.domain_length == size;
    assert(address_is_domain(text, size) == is_domain);
    if (is_domain && address_is_literal(&address, &literal))
        assert(text[0] == '[' && text[size - 1] == ']' && literal.port == 0 &&
               (literal.version == 4 || literal.version == 6));
}

/* The path ends where it ends, whatever follows: nothing was looked up behind it. */
static void check_alone(const char *text, size_t taken)
{
    struct address alone;
    char *copy = malloc(taken);

    assert(copy != NULL);
    memcpy(copy, text, taken);
    assert(address_parse(copy, taken, &alone) == taken);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct address address;
    size_t taken = address_parse(text, size, &address);

    assert(taken <= size);
    check_domain(text, size);
    if (taken > 0) {
        check_octets(text, taken);
        check_parts(text, taken, &address);
        check_box(&address);
        check_again(&address);
        check_alone(text, taken);
    }
    return 0;
}
