/* See data.h. */
#include "smtp/data.h"

#include <string.h>

/* What the octets before this one were. */
enum {
    AT_LINE_START, /* ... CRLF */
    AFTER_DOT,     /* ... CRLF . */
    AFTER_DOT_CR,  /* ... CRLF . CR */
    IN_TEXT,
    AFTER_CR, /* ... CR, not behind a dot that began the line */
};

void data_start(struct data_reader *reader)
{
    reader->state = AT_LINE_START;
    reader->size = 0;
}

/* The state behind `c` within a line, or at its end. */
static int state_in_line(int state, char c)
{
    if (c == '\r')
        return AFTER_CR;
    return c == '\n' && state == AFTER_CR ? AT_LINE_START : IN_TEXT;
}

/*
 * One octet further. A dot at a line's start is taken back from the size until it proves
 * to be the end; stuffed or not, it is never part of the text. Returns true at the end.
 */
static bool step(struct data_reader *reader, char c)
{
    reader->size++;
    switch (reader->state) {
    case AT_LINE_START:
        if (c == '.') {
            reader->size--;
            reader->state = AFTER_DOT;
            return false;
        }
        break;
    case AFTER_DOT:
        if (c == '\r') {
            reader->state = AFTER_DOT_CR;
            return false;
        }
        break;
    case AFTER_DOT_CR:
        if (c == '\n') {
            reader->size -= 2;
            return true;
        }
        break;
    default:
        break;
    }
    reader->state = state_in_line(reader->state, c);
    return false;
}

/* How many octets from here on can change nothing but the size. */
static size_t plain_run(const struct data_reader *reader, const char *octets, size_t length)
{
    const char *cr;

    if (reader->state != IN_TEXT)
        return 0;
    cr = memchr(octets, '\r', length);
    return cr == NULL ? length : (size_t)(cr - octets);
}

bool data_take(struct data_reader *reader, const char *octets, size_t length, size_t *taken)
{
    size_t at = 0;
    bool has_ended = false;

    while (at < length && !has_ended) {
        size_t run = plain_run(reader, octets + at, length - at);

        reader->size += run;
        at += run;
        if (at < length)
            has_ended = step(reader, octets[at++]);
    }
    *taken = at;
    return has_ended;
}
