/* See line.h. */
#include "smtp/line.h"

#include <string.h>

void line_start(struct line_reader *reader, size_t limit)
{
    reader->limit = limit;
    reader->length = 0;
    reader->is_too_long = false;
    reader->is_ready = false;
}

static void keep(struct line_reader *reader, const char *octets, size_t length)
{
    if (length > reader->limit - reader->length)
        reader->is_too_long = true;
    if (reader->is_too_long)
        return;
    memcpy(reader->octets + reader->length, octets, length);
    reader->length += length;
}

enum line_result line_take(struct line_reader *reader, const char *octets, size_t length,
                           size_t *taken)
{
    const char *line_end = memchr(octets, '\n', length);

    if (reader->is_ready)
        line_start(reader, reader->limit);
    *taken = line_end == NULL ? length : (size_t)(line_end - octets) + 1;
    keep(reader, octets, *taken);
    if (line_end == NULL)
        return LINE_MORE;
    reader->is_ready = true;
    if (reader->is_too_long)
        return LINE_TOO_LONG;
    reader->length--;
    if (reader->length > 0 && reader->octets[reader->length - 1] == '\r')
        reader->length--;
    return LINE_READY;
}
