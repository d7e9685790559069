/* See plain.h. */
#include "net/plain.h"

#include <string.h>

#include "net/text.h"

static size_t until_nul(const char *datagram, size_t length)
{
    const char *nul = memchr(datagram, '\0', length);

    return nul == NULL ? length : (size_t)(nul - datagram);
}

static bool is_blank(const char *octets, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        if (strchr("\r\n\t ", octets[i]) == NULL)
            return false;
    return true;
}

static bool begins_with_verb(const char *text, size_t length, const char *verb)
{
    size_t n = strlen(verb);

    return text_begins(text, length, verb) && (length == n || strchr("\r\n\t ", text[n]) != NULL);
}

enum plain_hello plain_hello(const char *datagram, size_t length)
{
    length = until_nul(datagram, length);
    if (is_blank(datagram, length))
        return PLAIN_HELLO;
    if (begins_with_verb(datagram, length, "HELO") || begins_with_verb(datagram, length, "EHLO"))
        return PLAIN_HELLO_TEXT;
    return PLAIN_NO_HELLO;
}

size_t plain_lines(char *datagram, size_t length)
{
    length = until_nul(datagram, length);
    if (length > 0 && datagram[length - 1] == '\n') {
        length--;
        if (length > 0 && datagram[length - 1] == '\r')
            length--;
    }
    memcpy(datagram + length, "\r\n", PLAIN_LINE_END);
    return length + PLAIN_LINE_END;
}

enum plain_verdict plain_judge(const struct plain *plain, const char *lines, size_t length)
{
    if (is_blank(lines, length) && !plain->is_in_text) {
        if (!plain->has_input)
            return PLAIN_GREET;
        if (plain->shares_port)
            return PLAIN_IGNORE;
    }
    if (plain->is_answered && length == plain->input_length &&
        memcmp(lines, plain->input, length) == 0)
        return PLAIN_AGAIN;
    return PLAIN_NEW;
}

bool plain_is_hello_again(const struct plain *plain, const char *lines, size_t length)
{
    return plain->shares_port && is_blank(lines, length);
}

void plain_note_reply(struct plain *plain, const char *reply, size_t length)
{
    plain->is_answered = true;
    plain->is_in_text = length > 0 && reply[0] == '3';
}

void plain_note_input(struct plain *plain, const char *lines, size_t length)
{
    plain->input = lines;
    plain->input_length = length;
    plain->has_input = true;
    plain->is_answered = false;
}
