/* See say.h. */
#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "net/text.h"

static const char *name = "cliente";
static bool is_silent;

void say_as(const char *program)
{
    name = program;
}

void say_nothing(void)
{
    is_silent = true;
}

void say(const char *format, ...)
{
    va_list values;

    if (is_silent)
        return;
    va_start(values, format);
    fprintf(stderr, "%s: ", name);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
}

int say_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    say("standard output: %s", strerror(errno));
    return 1;
}

/* The length to quote of a text that is too long: no UTF-8 character is cut in two. */
static size_t cut(const char *text)
{
    size_t length = SAY_QUOTED;

    while (length > SAY_QUOTED - 3 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

const char *say_quote(char out[SAY_QUOTE_ROOM], const char *text, size_t length)
{
    const char *tail = "\"";
    size_t used;

    if (length > 0 && text[length - 1] == '\n')
        length--;
    if (length > 0 && text[length - 1] == '\r')
        length--;
    if (length > SAY_QUOTED) {
        length = cut(text);
        tail = "...\"";
    }
    out[0] = '"';
    used = 1 + text_escape(out + 1, SAY_QUOTE_ROOM - 1 - sizeof "...\"", text, length);
    memcpy(out + used, tail, strlen(tail) + 1);
    return out;
}
