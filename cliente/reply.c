/* See reply.h. */
#include "reply.h"

#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Is this line, without its line end, one of a reply? RFC 5321 allows a bare code. */
static bool is_reply_line(const char *line, size_t length)
{
    return length >= 3 && is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2]) &&
           (length == 3 || line[3] == ' ' || line[3] == '-');
}

enum reply_scan reply_scan(const char *text, size_t length, struct reply *reply)
{
    const char *line = text, *end;
    size_t shown;

    while ((end = memchr(line, '\n', length - (size_t)(line - text))) != NULL) {
        shown = (size_t)(end - line);
        if (shown > 0 && line[shown - 1] == '\r')
            shown--;
        if (!is_reply_line(line, shown))
            return REPLY_NONE;
        if (shown == 3 || line[3] != '-') {
            reply->text = text;
            reply->length = (size_t)(end + 1 - text);
            reply->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
            return REPLY_WHOLE;
        }
        line = end + 1;
    }
    return REPLY_PART;
}
