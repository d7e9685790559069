/*
 * The plain mode of SMTP over UDP, the dialogue of the classic assignment: one line a
 * datagram, one datagram a reply, nothing numbered. Pure: what a datagram means, given
 * what came before it. The sockets are in core/door and net/channel_plain.
 */
#ifndef NET_PLAIN_H
#define NET_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

/* The longest datagram there is, and what plain_lines() may add to it. */
enum { PLAIN_DATAGRAM_LIMIT = 65535, PLAIN_LINE_END = 2 };

enum plain_hello {
    PLAIN_NO_HELLO,   /* not for the well-known port: a late line of an old session */
    PLAIN_HELLO,      /* CR, LF, NUL, blanks or nothing: asks for the greeting */
    PLAIN_HELLO_TEXT, /* begins with a HELO or EHLO line: asks for it, and is input too */
};

/* What a datagram to the well-known port asks for. "S1 " belongs to the numbered mode. */
enum plain_hello plain_hello(const char *datagram, size_t length);

/*
 * Turns a datagram into the octets that a connection would have carried: cut at its
 * first NUL (course clients send whole buffers), one final line end taken off, and
 * CRLF added. In place: `datagram` has room for PLAIN_LINE_END octets more.
 * Returns the new length.
 */
size_t plain_lines(char *datagram, size_t length);

/* Where a session stands, as far as telling a repetition from something new needs it. */
struct plain {
    bool shares_port; /* hellos come to the session's own socket too (udp-port=same) */
    bool has_input;   /* something came besides the hello */
    bool is_answered; /* the input that came last has had a reply */
    bool is_in_text;  /* the last reply asked for a mail's text (354) */
    const char *input; /* what came last, as lines; the caller's */
    size_t input_length;
};

enum plain_verdict {
    PLAIN_NEW,    /* take it as input */
    PLAIN_AGAIN,  /* the last input again, its reply was lost: send that reply again */
    PLAIN_GREET,  /* the hello again: send the greeting again */
    PLAIN_IGNORE, /* the hello again, too late to mean anything */
};

/*
 * Judges the datagram `lines` (as plain_lines() left it). A repetition is known by its octets
 * alone; within a mail's text there are no replies, so there nothing can be told apart and
 * all is new.
 */
enum plain_verdict plain_judge(const struct plain *plain, const char *lines, size_t length);

/* Is `lines` a blank hello that can come to this session's own socket? */
bool plain_is_hello_again(const struct plain *plain, const char *lines, size_t length);

/* Notes that `reply` was given to the last input. */
void plain_note_reply(struct plain *plain, const char *reply, size_t length);

/* Notes that `lines`, which stay where they are until the next input, were taken as input. */
void plain_note_input(struct plain *plain, const char *lines, size_t length);

#endif
