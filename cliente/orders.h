/*
 * Reads an order file: octets in, lines out. Pure: no system call, no
 * allocation, no state but the reader's own. A line ends at LF, CRLF or a lone
 * CR, in any mixture; what stands after the last line end is a line too. Every
 * other octet is data, NUL and those above 127 included.
 */
#ifndef CLIENTE_ORDERS_H
#define CLIENTE_ORDERS_H

#include <stdbool.h>
#include <stddef.h>

/* One line without its end. `text` points into the file's octets. */
struct order {
    const char *text;
    size_t length;
    size_t number; /* of the line in the file, from 1 */
};

/* What is left to read. Begin with the whole file in `text` and `length`, and 0 `lines`. */
struct orders {
    const char *text; /* stays the caller's */
    size_t length;
    size_t lines; /* read so far */
};

/* Takes the next line into `order`. Returns false, leaving it, when there is none. */
bool orders_next(struct orders *orders, struct order *order);

#endif
