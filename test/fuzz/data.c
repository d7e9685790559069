/*
 * Whatever the pieces: the text ends where RFC 5321 4.5.2, read without a state machine,
 * says that it ends, and has the size and the octets that it says.
 */
#include "smtp/data.h"

#include <assert.h>

#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_behind_crlf(const char *stream, size_t at)
{
    return at == 0 || (at >= 2 && stream[at - 2] == '\r' && stream[at - 1] == '\n');
}

/* How many octets up to the end and with it; 0 if there is none. */
static size_t find_end(const char *stream, size_t length)
{
    size_t at;

    for (at = 0; at + 3 <= length; at++)
        if (is_behind_crlf(stream, at) && memcmp(stream + at, ".\r\n", 3) == 0)
            return at + 3;
    return 0;
}

/* What the text is, read naively: its size, and what is kept of it. */
struct text {
    uint64_t size;
    size_t length;
    char *kept;
};

static void read_naively(struct text *text, const char *stream, size_t length)
{
    size_t at;

    text->kept = malloc(length + 1);
    assert(text->kept != NULL);
    text->size = text->length = 0;
    for (at = 0; at < length; at++) {
        if (stream[at] == '.' && is_behind_crlf(stream, at))
            continue;
        text->size++;
        if (!(stream[at] == '\r' && at + 1 < length && stream[at + 1] == '\n'))
            text->kept[text->length++] = stream[at];
    }
}

/* Reads the stream in pieces, each of which has just the room that is promised. Where it ended. */
static size_t read_in_pieces(struct pieces *pieces, struct data_reader *reader, struct text *text)
{
    size_t end = 0, length, left;
    bool has_ended = false;
    char *piece, *kept, *to;
    const char *from;

    text->kept = malloc(pieces->length + DATA_HELD);
    assert(text->kept != NULL);
    text->length = 0;
    while (!has_ended && (piece = pieces_next(pieces, &length)) != NULL) {
        kept = to = malloc(length + DATA_HELD);
        assert(kept != NULL);
        from = piece;
        left = length;
        has_ended = data_take(reader, &from, &left, &to);
        assert((size_t)(from - piece) + left == length && (has_ended || left == 0));
        end += length - left;
        memcpy(text->kept + text->length, kept, (size_t)(to - kept));
        text->length += (size_t)(to - kept);
        free(piece);
        free(kept);
    }
    text->size = reader->size;
    return has_ended ? end : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct data_reader reader;
    struct pieces pieces;
    struct text naive, read;
    const char *stream;
    size_t length, end, seen;

    if (!pieces_begin(&pieces, data, size))
        return 0;
    stream = pieces.stream;
    length = pieces.length;
    end = find_end(stream, length);
    data_start(&reader, DATA_BY_DOT, (data[0] & 1) != 0);
    seen = read_in_pieces(&pieces, &reader, &read);
    assert(seen == end);
    if (end > 0) {
        read_naively(&naive, stream, end - 3);
        assert(read.size == naive.size && read.length == naive.length);
        assert(memcmp(read.kept, naive.kept, read.length) == 0);
        free(naive.kept);
    }
    free(read.kept);
    return 0;
}
