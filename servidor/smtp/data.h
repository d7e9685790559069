/*
 * The text of a mail out of a stream of octets that comes in any pieces: where it ends,
 * and how large it is (RFC 5321 4.1.1.4, 4.5.2). The end is CRLF . CRLF and nothing
 * else; the CRLF of the DATA command counts as the first of the two. A dot behind a
 * bare LF or CR is text, so no other server's idea of a line end smuggles mail in. Pure.
 */
#ifndef SMTP_DATA_H
#define SMTP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct data_reader {
    int state;
    uint64_t size; /* octets of the text as meant: stuffed dots and the end not counted */
};

void data_start(struct data_reader *reader);

/*
 * Takes octets up to the end of the text. `*taken` is how many of the `length` octets it
 * took. Returns true when the end was among them.
 */
bool data_take(struct data_reader *reader, const char *octets, size_t length, size_t *taken);

#endif
