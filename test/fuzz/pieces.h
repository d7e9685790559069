/*
 * A fuzz target's input as a stream that comes in pieces: the first octets say how long
 * the pieces are, in turn, and the rest is the stream. Each piece is copied to memory of
 * just its size, so that a reader that looks beyond it is caught.
 */
#ifndef TEST_PIECES_H
#define TEST_PIECES_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES_LENGTHS = 4 };

struct pieces {
    const uint8_t *lengths;
    unsigned turn;
    const char *stream;
    size_t length;
};

/* False when the input is too short to be one. */
static inline int pieces_begin(struct pieces *pieces, const uint8_t *data, size_t size)
{
    if (size < PIECES_LENGTHS)
        return 0;
    pieces->lengths = data;
    pieces->turn = 0;
    pieces->stream = (const char *)data + PIECES_LENGTHS;
    pieces->length = size - PIECES_LENGTHS;
    return 1;
}

/* The next piece, 1 to 256 octets, for the caller to free; NULL at the end. */
static inline char *pieces_next(struct pieces *pieces, size_t *length)
{
    size_t want = 1 + (size_t)pieces->lengths[pieces->turn++ % PIECES_LENGTHS];
    char *piece;

    if (pieces->length == 0)
        return NULL;
    *length = want < pieces->length ? want : pieces->length;
    piece = malloc(*length);
    assert(piece != NULL);
    memcpy(piece, pieces->stream, *length);
    pieces->stream += *length;
    pieces->length -= *length;
    return piece;
}

#endif
