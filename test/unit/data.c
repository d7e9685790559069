/*
 * Where a mail's text ends and how large it is. CVE-2023-51764 to 51766 are the story of
 * servers that saw an end where others did not: a mail within a mail came through.
 */
#include "smtp/data.h"

#include <string.h>

#include "check.h"

enum { NO_END = -1 };

/* Where the text ended, in octets taken (NO_END: it did not), and its size. */
struct outcome {
    long end;
    uint64_t size;
};

/* A cut behind octet i of the stream where bit i of `cuts` is set. */
static struct outcome read_in_pieces(const char *stream, size_t length, unsigned cuts)
{
    struct data_reader reader;
    size_t from = 0, i, taken;

    data_start(&reader);
    for (i = 0; i < length; i++) {
        if (i + 1 < length && (i >= 32 || (cuts >> i & 1) == 0))
            continue;
        if (data_take(&reader, stream + from, i + 1 - from, &taken))
            return (struct outcome){ (long)(from + taken), reader.size };
        CHECK(taken == i + 1 - from);
        from = i + 1;
    }
    return (struct outcome){ NO_END, reader.size };
}

/*
 * The rule as RFC 5321 4.5.2 tells it, without a state machine: look for CRLF . CRLF, the
 * CRLF of DATA before it, and leave out each dot that begins a line.
 */
static struct outcome read_naively(const char *stream, size_t length)
{
    char all[64] = "\r\n";
    struct outcome outcome = { NO_END, 0 };
    size_t i;

    memcpy(all + 2, stream, length);
    for (i = 0; i + 5 <= length + 2 && outcome.end == NO_END; i++)
        if (memcmp(all + i, "\r\n.\r\n", 5) == 0)
            outcome.end = (long)i + 3;
    length = outcome.end == NO_END ? length : (size_t)outcome.end - 3;
    for (i = 2; i < length + 2; i++)
        outcome.size += !(all[i] == '.' && memcmp(all + i - 2, "\r\n", 2) == 0);
    return outcome;
}

static bool is_same(struct outcome a, struct outcome b)
{
    return a.end == b.end && a.size == b.size;
}

/* Does `stream`, whole, in single octets and in every two pieces, end so? */
static bool ends(const char *stream, size_t length, long end, uint64_t size)
{
    struct outcome wanted = { end, size };
    size_t i;

    if (!is_same(read_in_pieces(stream, length, 0), wanted) ||
        !is_same(read_in_pieces(stream, length, ~0U), wanted))
        return false;
    for (i = 0; i + 1 < length; i++)
        if (!is_same(read_in_pieces(stream, length, 1U << i), wanted))
            return false;
    return true;
}

#define ENDS(stream, end, size) ends(stream, sizeof(stream) - 1, end, size)

static void a_dot_alone_on_a_line_is_the_end(void)
{
    CHECK(ENDS(".\r\n", 3, 0)); /* a mail without any text: the CRLF of DATA is before it */
    CHECK(ENDS("\r\n.\r\n", 5, 2));
    CHECK(ENDS("hola\r\n.\r\n", 9, 6));
    CHECK(ENDS("a\r\n\r\nb\r\n.\r\n", 11, 8));
    CHECK(ENDS("hola\r\n", NO_END, 6));
    CHECK(ENDS("hola", NO_END, 4));
}

static void what_follows_the_end_is_left(void)
{
    CHECK(ENDS("a\r\n.\r\nQUIT\r\n", 6, 3));
    CHECK(ENDS(".\r\n.\r\n", 3, 0));
}

static void stuffed_dots_do_not_count(void)
{
    CHECK(ENDS("..\r\n.\r\n", 7, 3)); /* is the line "." */
    CHECK(ENDS("..x\r\n.\r\n", 8, 4));
    CHECK(ENDS(".x\r\n.\r\n", 7, 3)); /* a dot the client forgot to double is taken off as well */
    CHECK(ENDS("...\r\n.\r\n", 8, 4));
    CHECK(ENDS("a.b.\r\n.\r\n", 9, 6)); /* elsewhere a dot is text */
    CHECK(ENDS("x\r\n..\r\n..\r\n.\r\n", 14, 9));
}

static void a_dot_that_may_be_the_end_does_not_count_yet(void)
{
    CHECK(ENDS("a\r\n.", NO_END, 3));
    CHECK(ENDS(".", NO_END, 0));
}

/* Between "a" and "b" CRLF . CRLF each of these is text: the end is the last one alone. */
static const struct {
    const char *octets;
    size_t length, size;
} smugglers[] = {
#define SMUGGLER(octets, stuffed) octets, sizeof(octets) - 1, sizeof(octets) - 1 - (stuffed)
    { SMUGGLER("\n.\n", 0) },
    { SMUGGLER("\n.\r\n", 0) },
    { SMUGGLER("\r\n.\n", 1) },
    { SMUGGLER("\r.\r", 0) },
    { SMUGGLER("\r.\n", 0) },
    { SMUGGLER("\r.\r\n", 0) },
    { SMUGGLER("\n.\r", 0) },
    { SMUGGLER("\r\n.\r", 1) },
    { SMUGGLER("\r\n.\r\r\n", 1) },
    { SMUGGLER("\r\n.\n\r\n", 1) },
    { SMUGGLER("\r\r\n.\r\r\n", 1) },
    { SMUGGLER("\n\r.\r\n", 0) },
    { SMUGGLER("\n\n.\r\n", 0) },
    { SMUGGLER("\r\n\0.\r\n", 0) },
    { SMUGGLER("\r\n.\0\r\n", 1) },
    { SMUGGLER("\r\0\n.\r\n", 0) },
    { SMUGGLER("\r\n.\r\0\n", 1) },
    { SMUGGLER("\r\n .\r\n", 0) },
    { SMUGGLER("\r\n. \r\n", 1) },
    { SMUGGLER("\r\n..\r\n", 1) },
    { SMUGGLER("\r\n.\r.\r\n", 1) },
    { SMUGGLER("\r\n\302\205.\r\n", 0) },
#undef SMUGGLER
};

static void nothing_else_is_an_end(void)
{
    static const char last[] = "b\r\n.\r\n";
    char stream[64];
    size_t i, length;

    for (i = 0; i < sizeof smugglers / sizeof smugglers[0]; i++) {
        stream[0] = 'a';
        memcpy(stream + 1, smugglers[i].octets, smugglers[i].length);
        length = 1 + smugglers[i].length;
        memcpy(stream + length, last, strlen(last));
        length += strlen(last);
        if (!ends(stream, length, (long)length, 1 + smugglers[i].size + 3))
            fprintf(stderr, "smuggler %zu\n", i);
        CHECK(ends(stream, length, (long)length, 1 + smugglers[i].size + 3));
    }
}

/* As the first octets of a text, too. */
static void nothing_else_is_an_end_at_the_beginning(void)
{
    CHECK(ENDS(".\n", NO_END, 1));
    CHECK(ENDS(".\r", NO_END, 1));
    CHECK(ENDS(".\r\r\n", NO_END, 3));
    CHECK(ENDS("\n.\r\n", NO_END, 4));
    CHECK(ENDS("\r.\r\n", NO_END, 4));
    CHECK(ENDS(".\0\r\n", NO_END, 3));
    CHECK(ENDS(".\r\r\n.\r\n", 7, 3)); /* the second CR and LF are a line end like any */
}

/* All streams of up to 9 octets of these, against the naive reading. */
static void every_short_stream_ends_where_the_rfc_says(void)
{
    static const char alphabet[] = { '\r', '\n', '.', 'x' };
    unsigned long number, all;
    char stream[9];
    size_t length, i;

    for (length = 1; length <= sizeof stream; length++) {
        all = 1UL << (2 * length);
        for (number = 0; number < all; number++) {
            for (i = 0; i < length; i++)
                stream[i] = alphabet[number >> (2 * i) & 3];
            CHECK(is_same(read_in_pieces(stream, length, (unsigned)number * 2654435761U),
                          read_naively(stream, length)));
        }
    }
}

static void every_fragmentation_ends_at_the_same_place(void)
{
    static const char stream[] = "..a\r\n.\rb\r\n.\r\nQ";
    size_t length = sizeof stream - 1;
    struct outcome whole = read_in_pieces(stream, length, 0);
    unsigned cuts;

    CHECK(whole.end == 13 && whole.size == 8);
    for (cuts = 0; cuts < 1U << (length - 1); cuts++)
        CHECK(is_same(read_in_pieces(stream, length, cuts), whole));
}

static void a_large_text_is_counted_to_the_octet(void)
{
    static char text[100000];
    struct data_reader reader;
    size_t i, taken;

    memset(text, 'x', sizeof text);
    data_start(&reader);
    for (i = 0; i < 200; i++)
        CHECK(!data_take(&reader, text, sizeof text, &taken) && taken == sizeof text);
    CHECK(reader.size == 200 * sizeof text);
    CHECK(data_take(&reader, "\r\n.\r\n", 5, &taken) && taken == 5);
    CHECK(reader.size == 200 * sizeof text + 2);
}

int main(void)
{
    a_dot_alone_on_a_line_is_the_end();
    what_follows_the_end_is_left();
    stuffed_dots_do_not_count();
    a_dot_that_may_be_the_end_does_not_count_yet();
    nothing_else_is_an_end();
    nothing_else_is_an_end_at_the_beginning();
    every_short_stream_ends_where_the_rfc_says();
    every_fragmentation_ends_at_the_same_place();
    a_large_text_is_counted_to_the_octet();
    return check_status();
}
