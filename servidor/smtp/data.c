/* See data.h. Text is scanned once, for CRs, and copied once. */
#include "smtp/data.h"

#include <string.h>

/* What the octets before this one were. */
enum {
    AT_LINE_START, /* ... CRLF */
    AFTER_DOT,     /* ... CRLF . */
    AFTER_DOT_CR,  /* ... CRLF . CR, the CR held back */
    IN_TEXT,
    AFTER_CR, /* ... CR, held back, not behind a dot that began the line */
};

void data_start(struct data_reader *reader, enum data_framing framing, bool looks_for_bare)
{
    reader->state = AT_LINE_START;
    reader->framing = framing;
    reader->looks_for_bare = looks_for_bare;
    reader->has_bare = false;
    reader->size = 0;
}

/* One octet that no dot concerns. A held CR becomes half of a line end or a bare CR. */
static void step_in_line(struct data_reader *reader, char c, char **to)
{
    bool is_cr_held = reader->state == AFTER_CR || reader->state == AFTER_DOT_CR;

    if (c == '\n' && reader->state == AFTER_CR) {
        *(*to)++ = '\n';
        reader->state = AT_LINE_START;
        return;
    }
    if (is_cr_held)
        *(*to)++ = '\r';
    reader->has_bare = reader->has_bare || is_cr_held || c == '\n';
    reader->state = c == '\r' ? AFTER_CR : IN_TEXT;
    if (c != '\r')
        *(*to)++ = c;
}

/*
 * One octet further. A dot at a line's start is the end, or stuffed, but never part of the
 * text, and a CR behind it counts only when it turns out to be. Returns true at the end.
 */
static bool step(struct data_reader *reader, char c, char **to)
{
    if (reader->state == AT_LINE_START && c == '.' && reader->framing == DATA_BY_DOT) {
        reader->state = AFTER_DOT;
        return false;
    }
    if (reader->state == AFTER_DOT && c == '\r') {
        reader->state = AFTER_DOT_CR;
        return false;
    }
    if (reader->state == AFTER_DOT_CR && c == '\n')
        return true;
    reader->size += reader->state == AFTER_DOT_CR ? 2 : 1;
    step_in_line(reader, c, to);
    return false;
}

/* Copies the octets up to the next CR, in whose midst nothing can change. */
static void take_run(struct data_reader *reader, const char **octets, size_t *length, char **to)
{
    const char *cr = memchr(*octets, '\r', *length);
    size_t run = cr == NULL ? *length : (size_t)(cr - *octets);

    if (reader->looks_for_bare && !reader->has_bare)
        reader->has_bare = memchr(*octets, '\n', run) != NULL;
    memcpy(*to, *octets, run);
    *octets += run;
    *length -= run;
    *to += run;
    reader->size += run;
}

bool data_take(struct data_reader *reader, const char **octets, size_t *length, char **to)
{
    bool has_ended = false;

    while (*length > 0 && !has_ended) {
        if (reader->state == IN_TEXT)
            take_run(reader, octets, length, to);
        if (*length > 0) {
            has_ended = step(reader, **octets, to);
            ++*octets;
            --*length;
        }
    }
    return has_ended;
}

void data_finish(struct data_reader *reader, char **to)
{
    if (reader->state != AFTER_CR)
        return;
    *(*to)++ = '\r';
    reader->has_bare = true;
    reader->state = IN_TEXT;
}
