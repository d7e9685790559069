/* Command lines come out the same however the stream was cut, and no line outgrows its limit. */
#include "smtp/line.h"

#include <string.h>

#include "check.h"

enum { STORY_ROOM = 512 };

static struct line_reader reader;

/* What came out of the reader: each line in brackets, "<long>" for one that was too long. */
struct story {
    char text[STORY_ROOM];
    size_t length;
};

static void tell(struct story *story, const char *octets, size_t length)
{
    CHECK(length < STORY_ROOM - story->length);
    memcpy(story->text + story->length, octets, length);
    story->length += length;
}

/* Gives the reader one piece of a stream, as session.c does: what was before it is not there. */
static void take_piece(struct story *story, const char *octets, size_t length)
{
    char piece[STORY_ROOM];
    size_t at = 0, taken;

    memset(piece, '#', sizeof piece);
    octets = memcpy(piece + 1, octets, length);
    while (at < length) {
        enum line_result result = line_take(&reader, octets + at, length - at, &taken);

        CHECK(taken > 0 && taken <= length - at);
        at += taken;
        if (result == LINE_READY) {
            tell(story, "[", 1);
            tell(story, reader.octets, reader.length);
            tell(story, "]", 1);
        } else if (result == LINE_TOO_LONG) {
            tell(story, "<long>", 6);
        } else {
            CHECK(at == length);
        }
    }
}

/* A cut behind octet i of the stream where bit i of `cuts` is set. */
static struct story read_in_pieces(size_t limit, const char *stream, size_t length, unsigned cuts)
{
    struct story story = { .length = 0 };
    size_t from = 0, i;

    line_start(&reader, limit);
    for (i = 0; i < length; i++)
        if (i + 1 == length || (cuts >> i & 1) != 0) {
            take_piece(&story, stream + from, i + 1 - from);
            from = i + 1;
        }
    return story;
}

/* Does `stream` give `told`, whole, in single octets, and in every two pieces? */
static bool gives(size_t limit, const char *stream, size_t length, const char *told)
{
    size_t i;

    for (i = 0; i <= length + 1; i++) {
        unsigned cuts = i == 0 ? 0 : i == 1 ? ~0U : 1U << (i - 2);
        struct story story = read_in_pieces(limit, stream, length, cuts);

        if (story.length != strlen(told) || memcmp(story.text, told, story.length) != 0) {
            fprintf(stderr, "got %.*s\n", (int)story.length, story.text);
            return false;
        }
    }
    return true;
}

#define GIVES(limit, stream, told) gives(limit, stream, sizeof(stream) - 1, told)

static void a_line_ends_at_crlf_or_lf(void)
{
    CHECK(GIVES(512, "NOOP\r\n", "[NOOP]"));
    CHECK(GIVES(512, "NOOP\n", "[NOOP]"));
    CHECK(GIVES(512, "\r\n\n", "[][]"));
    CHECK(GIVES(512, "A\r\nB\nC\r\n", "[A][B][C]"));
    CHECK(GIVES(512, "A\r\nB", "[A]"));
    CHECK(GIVES(512, "A\r", ""));
}

static void a_cr_elsewhere_belongs_to_the_line(void)
{
    CHECK(GIVES(512, "A\rB\r\n", "[A\rB]"));
    CHECK(GIVES(512, "A\r\r\n", "[A\r]"));
    CHECK(GIVES(512, "\rA\n", "[\rA]"));
    CHECK(GIVES(512, "A\n\rB\r\n", "[A][\rB]"));
}

static void nul_is_an_octet_like_others(void)
{
    struct story story = read_in_pieces(512, "A\0B\r\n", 5, 0);

    CHECK(story.length == 5 && memcmp(story.text, "[A\0B]", 5) == 0);
}

static void the_limit_counts_the_line_end(void)
{
    CHECK(GIVES(8, "12345\r\n", "[12345]"));
    CHECK(GIVES(8, "123456\r\n", "[123456]"));
    CHECK(GIVES(8, "1234567\r\n", "<long>"));
    CHECK(GIVES(8, "1234567\n", "[1234567]"));
    CHECK(GIVES(8, "12345678\n", "<long>"));
    CHECK(GIVES(2, "\r\n", "[]"));
    CHECK(GIVES(2, "1\n", "[1]"));
    CHECK(GIVES(2, "1\r\n", "<long>"));
}

/* However long it is: told once, at its end, and the next line is as good as any. */
static void a_long_line_is_told_once_and_swallowed(void)
{
    CHECK(GIVES(8, "1234567890123456\r\nNOOP\r\n", "<long>[NOOP]"));
    CHECK(GIVES(8, "123456789\r\n123456789\r\n\r\n", "<long><long>[]"));
    CHECK(GIVES(8, "123456789\rQUIT\r\n", "<long>"));
    CHECK(GIVES(8, "123456789", ""));
}

/* For the log: what a client sent must not vanish without a trace. */
static const struct {
    const char *line, *beginning;
    size_t total;
} too_long[] = {
    { "1234567\r\n", "1234567", 7 },
    { "12345678\n", "12345678", 8 },
    { "12345678\r\n", "12345678", 8 },
    { "123456789\r\n", "12345678", 9 },
    { "1234567\r9\r\n", "1234567\r", 9 },
    { "1234567890123456\r\r\n", "12345678", 17 },
};

static void the_beginning_of_a_long_line_is_kept(void)
{
    size_t i, at, length, taken;

    for (i = 0; i < sizeof too_long / sizeof too_long[0]; i++) {
        length = strlen(too_long[i].line);
        line_start(&reader, 8);
        for (at = 0; at + 1 < length; at++)
            CHECK(line_take(&reader, too_long[i].line + at, 1, &taken) == LINE_MORE);
        CHECK(line_take(&reader, too_long[i].line + at, 1, &taken) == LINE_TOO_LONG);
        CHECK(reader.total == too_long[i].total);
        CHECK(reader.length == strlen(too_long[i].beginning));
        CHECK(memcmp(reader.octets, too_long[i].beginning, reader.length) == 0);
    }
}

static void every_fragmentation_tells_the_same(void)
{
    static const char *const streams[] = {
        "AB\r\nC\r\n\nD\r",
        "\r\r\n\n\r\nX\r\n",
        "12345678\nQ\r\n",
    };
    size_t i;

    for (i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        size_t length = strlen(streams[i]);
        struct story whole = read_in_pieces(8, streams[i], length, 0);
        unsigned cuts;

        for (cuts = 1; cuts < 1U << (length - 1); cuts++) {
            struct story story = read_in_pieces(8, streams[i], length, cuts);

            CHECK(story.length == whole.length);
            CHECK(memcmp(story.text, whole.text, whole.length) == 0);
        }
    }
}

/* A line of `length` octets, its CRLF included, against the longest limit there is. */
static enum line_result take_x(size_t length)
{
    static char line[LINE_ROOM + 2];
    size_t taken;
    enum line_result result;

    memset(line, 'x', sizeof line);
    memcpy(line + length - 2, "\r\n", 2);
    line_start(&reader, LINE_ROOM);
    result = line_take(&reader, line, length, &taken);
    CHECK(taken == length);
    return result;
}

static void the_longest_line_fills_its_room(void)
{
    CHECK(take_x(LINE_ROOM - 1) == LINE_READY && reader.length == LINE_ROOM - 3);
    CHECK(take_x(LINE_ROOM) == LINE_READY && reader.length == LINE_ROOM - 2);
    CHECK(take_x(LINE_ROOM + 1) == LINE_TOO_LONG);
}

static void what_follows_the_line_is_not_taken(void)
{
    size_t taken;

    line_start(&reader, 512);
    CHECK(line_take(&reader, "DATA\r\nx", 7, &taken) == LINE_READY && taken == 6);
    CHECK(line_take(&reader, "x", 1, &taken) == LINE_MORE && taken == 1);
    CHECK(line_take(&reader, "", 0, &taken) == LINE_MORE && taken == 0);
    CHECK(line_take(&reader, "\n", 1, &taken) == LINE_READY && taken == 1);
    CHECK(reader.length == 1 && reader.octets[0] == 'x');
}

/* Of a line, of one too long and of one that broke off: who is next finds none of their octets. */
static void nothing_is_left_of_a_line_that_is_forgotten(void)
{
    static const char *const lines[] = { "HELO secret.example\n", "a line that is too long\n",
                                         "MAIL FR" };
    size_t i, at, taken;

    for (i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        memset(reader.octets, 0, sizeof reader.octets);
        line_start(&reader, 20);
        line_take(&reader, lines[i], strlen(lines[i]), &taken);
        CHECK(reader.octets[0] == lines[i][0]);
        line_forget(&reader);
        for (at = 0; at < sizeof reader.octets; at++)
            CHECK(reader.octets[at] == '\0');
    }
    line_take(&reader, "a longer line\n", 14, &taken);
    line_take(&reader, "b\n", 2, &taken);
    CHECK(reader.octets[0] == 'b' && reader.octets[1] == '\0' && reader.octets[2] == '\0');
}

int main(void)
{
    a_line_ends_at_crlf_or_lf();
    a_cr_elsewhere_belongs_to_the_line();
    nul_is_an_octet_like_others();
    the_limit_counts_the_line_end();
    a_long_line_is_told_once_and_swallowed();
    the_beginning_of_a_long_line_is_kept();
    every_fragmentation_tells_the_same();
    the_longest_line_fills_its_room();
    what_follows_the_line_is_not_taken();
    nothing_is_left_of_a_line_that_is_forgotten();
    return check_status();
}
