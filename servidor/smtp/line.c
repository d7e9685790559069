/* See line.h. */
#include "smtp/line.h"

#include <string.h>

#include "net/wipe.h"

void line_start(struct line_reader *reader, size_t limit)
{
    reader->limit = limit;
    reader->length = reader->total = 0;
    reader->last = '\0';
    reader->is_ready = reader->is_bare = false;
}

void line_forget(struct line_reader *reader)
{
    wipe(reader->octets, reader->length);
    line_start(reader, reader->limit);
}

static void keep(struct line_reader *reader, const char *octets, size_t length)
{
    size_t room = reader->limit - reader->length;

    memcpy(reader->octets + reader->length, octets, length < room ? length : room);
    reader->length += length < room ? length : room;
    reader->total += length;
    if (length > 0)
        reader->last = octets[length - 1];
}

enum line_result line_take(struct line_reader *reader, const char *octets, size_t length,
                           size_t *taken)
{
    const char *line_end = memchr(octets, '\n', length);
    bool is_too_long;

    if (reader->is_ready)
        line_forget(reader);
    *taken = line_end == NULL ? length : (size_t)(line_end - octets);
    keep(reader, octets, *taken);
    if (line_end == NULL)
        return LINE_MORE;
    ++*taken;
    reader->is_ready = true;
    is_too_long = reader->total + 1 > reader->limit;
    reader->is_bare = reader->last != '\r';
    if (!reader->is_bare)
        reader->total--;
    if (reader->length > reader->total)
        reader->length = reader->total;
    return is_too_long ? LINE_TOO_LONG : LINE_READY;
}
