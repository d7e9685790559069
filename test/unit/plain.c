/* Plain mode over UDP: what is a hello, what is a line, and what is only a repetition. */
#include "net/plain.h"

#include <string.h>

#include "check.h"

static const struct {
    const char *datagram;
    size_t length;
    enum plain_hello is;
} hellos[] = {
#define DATAGRAM(text) text, sizeof(text) - 1
    { DATAGRAM(""), PLAIN_HELLO },
    { DATAGRAM("\r"), PLAIN_HELLO },
    { DATAGRAM("\n"), PLAIN_HELLO },
    { DATAGRAM("\r\n"), PLAIN_HELLO },
    { DATAGRAM("\r\n\r\n"), PLAIN_HELLO },
    { DATAGRAM(" \t "), PLAIN_HELLO },
    { DATAGRAM("\0"), PLAIN_HELLO },
    { DATAGRAM("\r\n\0"), PLAIN_HELLO },
    { DATAGRAM("\0QUIT\r\n"), PLAIN_HELLO }, /* a whole buffer: what follows NUL is waste */
    { DATAGRAM("HELO usal.es\r\n"), PLAIN_HELLO_TEXT },
    { DATAGRAM("HELO usal.es"), PLAIN_HELLO_TEXT },
    { DATAGRAM("ehlo usal.es\n"), PLAIN_HELLO_TEXT },
    { DATAGRAM("HELO"), PLAIN_HELLO_TEXT },
    { DATAGRAM("HELO\r\n"), PLAIN_HELLO_TEXT },
    { DATAGRAM("Helo\tusal.es\r\n"), PLAIN_HELLO_TEXT },
    { DATAGRAM("HELO\0 usal.es"), PLAIN_HELLO_TEXT },
    { DATAGRAM("EHLO a\r\nMAIL FROM:<a@b>\r\nQUIT\r\n"), PLAIN_HELLO_TEXT },
    { DATAGRAM("HEL"), PLAIN_NO_HELLO },
    { DATAGRAM("HEL\0O"), PLAIN_NO_HELLO },
    { DATAGRAM("HELOX usal.es\r\n"), PLAIN_NO_HELLO },
    { DATAGRAM(" HELO usal.es\r\n"), PLAIN_NO_HELLO },
    { DATAGRAM("\r\nHELO usal.es\r\n"), PLAIN_NO_HELLO },
    { DATAGRAM("MAIL FROM:<a@b>\r\nHELO a\r\n"), PLAIN_NO_HELLO },
    { DATAGRAM("QUIT\r\n"), PLAIN_NO_HELLO },
    { DATAGRAM("."), PLAIN_NO_HELLO },
    { DATAGRAM("a late line of a mail's text\r\n"), PLAIN_NO_HELLO },
    { DATAGRAM("S1 H 00d1e8a94f3b7a21 w=16\n"), PLAIN_NO_HELLO }, /* the numbered mode's */
    { DATAGRAM("S1 "), PLAIN_NO_HELLO },
#undef DATAGRAM
};

static void hellos_are_told_from_late_lines(void)
{
    size_t i;

    for (i = 0; i < sizeof hellos / sizeof hellos[0]; i++) {
        if (plain_hello(hellos[i].datagram, hellos[i].length) != hellos[i].is)
            fprintf(stderr, "hello %zu: %s\n", i, hellos[i].datagram);
        CHECK(plain_hello(hellos[i].datagram, hellos[i].length) == hellos[i].is);
    }
}

/* Does the datagram `in` become the octets `out`? */
static bool becomes(const char *in, size_t length, const char *out)
{
    char datagram[64];

    memcpy(datagram, in, length);
    length = plain_lines(datagram, length);
    return length == strlen(out) && memcmp(datagram, out, length) == 0;
}

#define BECOMES(in, out) becomes(in, sizeof(in) - 1, out)

static void a_datagram_ends_a_line(void)
{
    CHECK(BECOMES("", "\r\n"));
    CHECK(BECOMES("NOOP", "NOOP\r\n"));
    CHECK(BECOMES("NOOP\n", "NOOP\r\n"));
    CHECK(BECOMES("NOOP\r\n", "NOOP\r\n"));
    CHECK(BECOMES("\n", "\r\n"));
    CHECK(BECOMES("\r\n", "\r\n"));
    CHECK(BECOMES(".", ".\r\n"));
}

static void only_one_line_end_is_taken_off(void)
{
    CHECK(BECOMES("a\r\n\r\n", "a\r\n\r\n"));
    CHECK(BECOMES("a\n\n", "a\n\r\n"));
    CHECK(BECOMES("a\r", "a\r\r\n")); /* a CR alone ends nothing */
    CHECK(BECOMES("a\r\nb\r\n", "a\r\nb\r\n"));
    CHECK(BECOMES("a\nb", "a\nb\r\n"));
}

static void what_follows_a_nul_is_waste(void)
{
    CHECK(BECOMES("QUIT\r\n\0\0\0\0", "QUIT\r\n"));
    CHECK(BECOMES("QUIT\0RSET\r\n", "QUIT\r\n"));
    CHECK(BECOMES("\0QUIT", "\r\n"));
}

static void the_longest_datagram_fits(void)
{
    static char datagram[PLAIN_DATAGRAM_LIMIT + PLAIN_LINE_END];

    memset(datagram, 'x', sizeof datagram);
    CHECK(plain_lines(datagram, PLAIN_DATAGRAM_LIMIT) == sizeof datagram);
    CHECK(memcmp(datagram + PLAIN_DATAGRAM_LIMIT, "\r\n", 2) == 0);
}

/* The judge's word on `lines` after the input `input`. */
static enum plain_verdict judge(const struct plain *plain, const char *input, const char *lines)
{
    struct plain with_input = *plain;

    with_input.input = input;
    with_input.input_length = strlen(input);
    return plain_judge(&with_input, lines, strlen(lines));
}

/* A session that has taken `input` and answered `reply`, if that is not NULL. */
static struct plain after(const char *reply)
{
    struct plain plain = { .shares_port = false };

    plain_note_reply(&plain, "220 hello\r\n", 11);
    plain_note_input(&plain, "", 0);
    if (reply != NULL)
        plain_note_reply(&plain, reply, strlen(reply));
    return plain;
}

static void the_hello_again_is_greeted_until_the_first_input(void)
{
    struct plain plain = { .shares_port = false };

    plain_note_reply(&plain, "220 hello\r\n", 11);
    CHECK(judge(&plain, "", "\r\n") == PLAIN_GREET);
    CHECK(judge(&plain, "", " \r\n") == PLAIN_GREET);
    CHECK(judge(&plain, "", "HELO a\r\n") == PLAIN_NEW);
    plain = after("250 OK\r\n");
    CHECK(judge(&plain, "HELO a\r\n", "\r\n") != PLAIN_GREET);
}

/* On a port of its own only the client's own lines arrive; on the shared one, hellos do too. */
static void a_late_hello_means_nothing_on_a_shared_port(void)
{
    struct plain plain = after("250 OK\r\n");

    CHECK(judge(&plain, "HELO a\r\n", "\r\n") == PLAIN_NEW);
    plain.shares_port = true;
    CHECK(judge(&plain, "HELO a\r\n", "\r\n") == PLAIN_IGNORE);
    CHECK(judge(&plain, "HELO a\r\n", "NOOP\r\n") == PLAIN_NEW);
}

static void only_a_shared_port_hears_hellos(void)
{
    struct plain plain = { .shares_port = true };

    CHECK(plain_is_hello_again(&plain, "\r\n", 2));
    CHECK(!plain_is_hello_again(&plain, "QUIT\r\n", 6));
    plain.shares_port = false;
    CHECK(!plain_is_hello_again(&plain, "\r\n", 2));
}

static void a_command_again_gets_its_reply_again(void)
{
    struct plain plain = after("250 OK\r\n");

    CHECK(judge(&plain, "RSET\r\n", "RSET\r\n") == PLAIN_AGAIN);
    CHECK(judge(&plain, "RSET\r\n", "rset\r\n") == PLAIN_NEW);
    CHECK(judge(&plain, "RSET\r\n", "RSET \r\n") == PLAIN_NEW);
    CHECK(judge(&plain, "RSET\r\n", "RSE\r\n") == PLAIN_NEW);
    CHECK(judge(&plain, "NOOP\r\nRSET\r\n", "NOOP\r\n") == PLAIN_NEW);
    CHECK(judge(&plain, "NOOP\r\n", "NOOP\r\nRSET\r\n") == PLAIN_NEW);
    plain = after("500 Error de sintaxis\r\n");
    CHECK(judge(&plain, "FOO\r\n", "FOO\r\n") == PLAIN_AGAIN);
    plain = after("221 bye\r\n");
    CHECK(judge(&plain, "QUIT\r\n", "QUIT\r\n") == PLAIN_AGAIN);
}

static void data_again_is_no_first_line_of_text(void)
{
    struct plain plain = after("354 go on\r\n");

    CHECK(judge(&plain, "DATA\r\n", "DATA\r\n") == PLAIN_AGAIN);
    CHECK(judge(&plain, "DATA\r\n", "Subject: x\r\n") == PLAIN_NEW);
    CHECK(judge(&plain, "DATA\r\n", "\r\n") == PLAIN_NEW);
    plain.shares_port = true;
    CHECK(judge(&plain, "DATA\r\n", "\r\n") == PLAIN_NEW);
}

/* Two equal lines of a text are two lines: nothing there is ever taken for a repetition. */
static void equal_lines_of_a_text_are_all_new(void)
{
    struct plain plain = after("354 go on\r\n");

    plain_note_input(&plain, "", 0);
    CHECK(judge(&plain, "same\r\n", "same\r\n") == PLAIN_NEW);
    CHECK(judge(&plain, "\r\n", "\r\n") == PLAIN_NEW);
    CHECK(judge(&plain, "DATA\r\n", "DATA\r\n") == PLAIN_NEW);
    plain.shares_port = true;
    CHECK(judge(&plain, "\r\n", "\r\n") == PLAIN_NEW);
}

static void the_dot_again_does_not_send_the_mail_twice(void)
{
    struct plain plain = after("354 go on\r\n");

    plain_note_input(&plain, "", 0);
    plain_note_reply(&plain, "250 OK\r\n", 8);
    CHECK(judge(&plain, ".\r\n", ".\r\n") == PLAIN_AGAIN);
    CHECK(judge(&plain, ".\r\n", "QUIT\r\n") == PLAIN_NEW);
}

static void unanswered_input_is_never_a_repetition(void)
{
    struct plain plain = after(NULL);

    CHECK(judge(&plain, "NOOP\r\n", "NOOP\r\n") == PLAIN_NEW);
}

int main(void)
{
    hellos_are_told_from_late_lines();
    a_datagram_ends_a_line();
    only_one_line_end_is_taken_off();
    what_follows_a_nul_is_waste();
    the_longest_datagram_fits();
    the_hello_again_is_greeted_until_the_first_input();
    a_late_hello_means_nothing_on_a_shared_port();
    only_a_shared_port_hears_hellos();
    a_command_again_gets_its_reply_again();
    data_again_is_no_first_line_of_text();
    equal_lines_of_a_text_are_all_new();
    the_dot_again_does_not_send_the_mail_twice();
    unanswered_input_is_never_a_repetition();
    return check_status();
}
