/*
 * Whatever the pieces: the text ends where RFC 5321 4.5.2, read without a state machine,
 * says that it ends, and has the size that it says.
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

static uint64_t size_of(const char *stream, size_t length)
{
    uint64_t size = 0;
    size_t at;

    for (at = 0; at < length; at++)
        size += !(stream[at] == '.' && is_behind_crlf(stream, at));
    return size;
}

/* Where the reader sees the end when the stream comes in pieces; its size in `*size`. */
static size_t read_in_pieces(struct pieces *pieces, uint64_t *size)
{
    struct data_reader reader;
    size_t end = 0, length, taken;
    bool has_ended = false;
    char *piece;

    data_start(&reader);
    while (!has_ended && (piece = pieces_next(pieces, &length)) != NULL) {
        has_ended = data_take(&reader, piece, length, &taken);
        assert(has_ended ? taken <= length : taken == length);
        end += taken;
        free(piece);
    }
    *size = reader.size;
    return has_ended ? end : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *stream;
    struct pieces pieces;
    size_t length, end, seen;
    uint64_t text_size;

    if (!pieces_begin(&pieces, data, size))
        return 0;
    stream = pieces.stream;
    length = pieces.length;
    end = find_end(stream, length);
    seen = read_in_pieces(&pieces, &text_size);
    assert(seen == end);
    assert(text_size == size_of(stream, end == 0 ? length : end - 3));
    return 0;
}
