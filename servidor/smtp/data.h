/*
 * The text of a mail out of a stream of octets that comes in any pieces: where it ends, how
 * large it is, and what of it is kept (RFC 5321 4.1.1.4, 4.5.2). The end is CRLF . CRLF and
 * nothing else; the CRLF of the DATA command counts as the first of the two. A dot behind a
 * bare LF or CR is text, so no other server's idea of a line end smuggles mail in. Pure.
 *
 * What is kept has LF for each CRLF and no stuffed dots; a bare LF is a line end too, a bare
 * CR stays, and so does every other octet.
 */
#ifndef SMTP_DATA_H
#define SMTP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the end of a text is told. */
enum data_framing {
    DATA_BY_DOT,    /* DATA: by a dot, and dots are stuffed */
    DATA_BY_LENGTH, /* BDAT: by somebody else, who counts octets (RFC 3030) */
};

struct data_reader {
    int state;
    enum data_framing framing;
    bool looks_for_bare; /* has_bare shall be known; that takes a second look at the text */
    bool has_bare;       /* a CR or LF stood alone */
    uint64_t size;       /* of the text as meant, without stuffed dots and what may be the end */
};

/* What data_take() may write beyond what it takes: an octet that it had held back. */
enum { DATA_HELD = 1 };

void data_start(struct data_reader *reader, enum data_framing framing, bool looks_for_bare);

/*
 * Takes octets up to the end of the text, writes what is kept of them, and advances all three
 * arguments. `*to` has room for `*length` + DATA_HELD octets and is other memory than
 * `*octets`. Returns true when the end was among them.
 */
bool data_take(struct data_reader *reader, const char **octets, size_t *length, char **to);

/* Nothing more comes: writes what was held back, and advances `*to`. For DATA_BY_LENGTH. */
void data_finish(struct data_reader *reader, char **to);

#endif
