/*
 * Whatever the pieces: the lines are those that stand between the LFs, one CR before an LF
 * taken off, and exactly those above the limit are told as too long, with their beginning.
 */
#include "smtp/line.h"

#include <assert.h>

#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMITS = 64 }; /* small, so that lines often reach them */

static struct line_reader reader;

/* What the stream has told so far: where its next line begins. */
struct truth {
    const char *line, *end;
    size_t limit;
};

static void compare(struct truth *truth, enum line_result result)
{
    const char *line_end = memchr(truth->line, '\n', (size_t)(truth->end - truth->line));
    size_t length;

    assert(line_end != NULL);
    length = (size_t)(line_end - truth->line);
    assert((result == LINE_TOO_LONG) == (length + 1 > truth->limit));
    if (length > 0 && line_end[-1] == '\r')
        length--;
    assert(reader.total == length);
    assert(reader.length == (length < truth->limit ? length : truth->limit));
    assert(memcmp(reader.octets, truth->line, reader.length) == 0);
    truth->line = line_end + 1;
}

static void take(struct truth *truth, const char *piece, size_t length)
{
    size_t at = 0, taken;

    while (at < length) {
        enum line_result result = line_take(&reader, piece + at, length - at, &taken);

        assert(taken > 0 && taken <= length - at);
        assert((result == LINE_MORE) == (piece[at + taken - 1] != '\n'));
        assert(result != LINE_MORE || taken == length - at);
        at += taken;
        if (result != LINE_MORE)
            compare(truth, result);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pieces pieces;
    struct truth truth;
    size_t length;
    char *piece;

    if (!pieces_begin(&pieces, data, size))
        return 0;
    truth = (struct truth){ pieces.stream, pieces.stream + pieces.length, 2 + data[0] % LIMITS };
    line_start(&reader, truth.limit);
    while ((piece = pieces_next(&pieces, &length)) != NULL) {
        take(&truth, piece, length);
        free(piece);
    }
    assert(memchr(truth.line, '\n', (size_t)(truth.end - truth.line)) == NULL);
    return 0;
}
