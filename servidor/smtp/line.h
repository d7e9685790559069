/*
 * Command lines out of a stream of octets that comes in any pieces. Pure.
 */
#ifndef SMTP_LINE_H
#define SMTP_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* The longest line that can be asked for, its line end included. */
enum { LINE_ROOM = 16384 };

struct line_reader {
    size_t limit;     /* of octets in a line, its line end included (RFC 5321 4.5.3.1.4) */
    size_t length;    /* of the line so far, or of its beginning that is kept */
    size_t total;     /* of all of the line so far */
    char last;        /* its last octet so far */
    bool is_bare;     /* it ended in an LF without CR */
    bool is_ready;    /* the line was handed out; the next octet begins another */
    char octets[LINE_ROOM];
};

enum line_result {
    LINE_MORE,     /* all was taken and the line has not ended */
    LINE_READY,    /* octets[0] to octets[length - 1] is a line, without its line end */
    LINE_TOO_LONG, /* the same of the beginning of a line above the limit, `total` octets long */
};

/* Makes the reader ready for the first line. `limit` is 2 to LINE_ROOM. */
void line_start(struct line_reader *reader, size_t limit);

/* What is kept of the last line is no longer. */
void line_forget(struct line_reader *reader);

/*
 * Takes octets up to the end of one line, which is CRLF or a bare LF; a CR elsewhere
 * belongs to the line. `*taken` is how many of the `length` octets it took.
 */
enum line_result line_take(struct line_reader *reader, const char *octets, size_t length,
                           size_t *taken);

#endif
