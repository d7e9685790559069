/*
 * Whatever the pieces: the Received fields that are counted are those that a search through
 * the lines of the header finds.
 */
#include "mail/message.h"

#include <assert.h>

#include "net/text.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned count_naively(const char *text, size_t length)
{
    const char *line_end;
    unsigned hops = 0;

    while (length > 0 && *text != '\n') {
        hops += text_begins(text, length, "Received:");
        line_end = memchr(text, '\n', length);
        if (line_end == NULL)
            break;
        length -= (size_t)(line_end + 1 - text);
        text = line_end + 1;
    }
    return hops;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message_reader reader = { .hops = 0 };
    struct pieces pieces;
    unsigned hops;
    size_t length;
    char *piece;

    if (!pieces_begin(&pieces, data, size))
        return 0;
    hops = count_naively(pieces.stream, pieces.length);
    while ((piece = pieces_next(&pieces, &length)) != NULL) {
        message_read(&reader, piece, length);
        free(piece);
    }
    assert(reader.hops == hops);
    return 0;
}
