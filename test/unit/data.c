/*
 * Where a mail's text ends, how large it is, and what of it is kept. CVE-2023-51764 to 51766
 * are the story of servers that saw an end where others did not: a mail within a mail came
 * through.
 */
#include "smtp/data.h"

#include <string.h>

#include "check.h"

enum { NO_END = -1, KEPT_ROOM = 128 };

/* Where the text ended, in octets taken (NO_END: it did not), its size, and what is kept. */
struct outcome {
    long end;
    uint64_t size;
    bool has_bare;
    size_t kept_length;
    char kept[KEPT_ROOM];
};

/* A cut behind octet i of the stream where bit i of `cuts` is set. */
static struct outcome read_in_pieces(const char *stream, size_t length, unsigned cuts)
{
    struct outcome outcome = { .end = NO_END };
    struct data_reader reader;
    const char *from = stream;
    char *to = outcome.kept;
    size_t i, left;
    bool has_ended = false;

    data_start(&reader, DATA_BY_DOT, true);
    for (i = 0; i < length && !has_ended; i++) {
        if (i + 1 < length && (i >= 32 || (cuts >> i & 1) == 0))
            continue;
        left = (size_t)(stream + i + 1 - from);
        has_ended = data_take(&reader, &from, &left, &to);
        CHECK(has_ended || left == 0);
    }
    if (has_ended)
        outcome.end = from - stream;
    outcome.size = reader.size;
    outcome.has_bare = reader.has_bare;
    outcome.kept_length = (size_t)(to - outcome.kept);
    return outcome;
}

/* Where CRLF . CRLF ends in `all`, which begins with the CRLF of DATA; NO_END: nowhere. */
static long find_end(const char *all, size_t length)
{
    size_t i;

    for (i = 0; i + 5 <= length; i++)
        if (memcmp(all + i, "\r\n.\r\n", 5) == 0)
            return (long)i + 5;
    return NO_END;
}

/*
 * The rule as RFC 5321 4.5.2 tells it, without a state machine: look for CRLF . CRLF, leave out
 * each dot that begins a line, and keep LF for CRLF. A CR that came last may be half of a line
 * end, or of the end: it is not kept yet, nor counted behind the dot.
 */
static struct outcome read_naively(const char *stream, size_t length)
{
    char all[64] = "\r\n";
    struct outcome outcome = { .end = NO_END };
    size_t i;
    long end;

    memcpy(all + 2, stream, length);
    end = find_end(all, length + 2);
    outcome.end = end == NO_END ? NO_END : end - 2;
    length = end == NO_END ? length + 2 : (size_t)end - 3;
    for (i = 2; i < length; i++) {
        bool is_cr = all[i] == '\r', is_lf = all[i] == '\n';

        if (all[i] == '.' && memcmp(all + i - 2, "\r\n", 2) == 0)
            continue;
        outcome.size++;
        if (is_cr && i + 1 == length)
            outcome.size -= i >= 3 && memcmp(all + i - 3, "\r\n.", 3) == 0;
        else if (!(is_cr && all[i + 1] == '\n'))
            outcome.kept[outcome.kept_length++] = all[i];
        if ((is_lf && all[i - 1] != '\r') || (is_cr && i + 1 < length && all[i + 1] != '\n'))
            outcome.has_bare = true;
    }
    return outcome;
}

static bool is_same(struct outcome a, struct outcome b)
{
    return a.end == b.end && a.size == b.size && a.has_bare == b.has_bare &&
           a.kept_length == b.kept_length && memcmp(a.kept, b.kept, a.kept_length) == 0;
}

/* Does `stream`, whole, in single octets and in every two pieces, end so? */
static bool ends(const char *stream, size_t length, long end, uint64_t size)
{
    struct outcome wanted = read_naively(stream, length);
    size_t i;

    if (wanted.end != end || wanted.size != size ||
        !is_same(read_in_pieces(stream, length, 0), wanted) ||
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
    CHECK(ENDS(".\r", NO_END, 0)); /* the CR may belong to the end */
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

/* What is kept of "a" CRLF, `stream`, CRLF . CRLF. */
static bool keeps(const char *stream, const char *kept)
{
    char all[64];
    struct outcome outcome;
    int length = snprintf(all, sizeof all, "a\r\n%s\r\n.\r\n", stream);

    outcome = read_in_pieces(all, (size_t)length, 0);
    outcome.kept[outcome.kept_length] = '\0';
    return outcome.end == length && strncmp(outcome.kept, "a\n", 2) == 0 &&
           strcmp(outcome.kept + 2, kept) == 0;
}

static void what_is_kept_has_unix_line_ends_and_no_stuffed_dots(void)
{
    CHECK(keeps("b", "b\n"));
    CHECK(keeps("..b", ".b\n"));
    CHECK(keeps(".b", "b\n"));
    CHECK(keeps("..", ".\n"));
    CHECK(keeps("b\nc", "b\nc\n"));    /* a bare LF is a line end */
    CHECK(keeps("b\n.c", "b\n.c\n"));  /* but the dot behind it is no stuffed one */
    CHECK(keeps("b\rc", "b\rc\n"));    /* a bare CR is data */
    CHECK(keeps("b\r\r\nc", "b\r\nc\n"));
    CHECK(keeps(".\rb", "\rb\n"));
}

static bool has_bare(const char *stream)
{
    return read_in_pieces(stream, strlen(stream), 0).has_bare;
}

static void bare_line_ends_are_seen(void)
{
    CHECK(!has_bare("a\r\nb\r\n\r\n.\r\n"));
    CHECK(has_bare("a\nb\r\n.\r\n"));
    CHECK(has_bare("a\rb\r\n.\r\n"));
    CHECK(has_bare("\nb\r\n.\r\n"));
    CHECK(has_bare(".\nb\r\n.\r\n"));
    CHECK(has_bare("a\r\r\n.\r\n"));
}

/* Octets that are counted have no dots to mark their end, and their last CR is one. */
static void chunks_have_neither_end_nor_stuffing(void)
{
    static const char *const chunks[] = { ".\r", "\n..x\r\n", ".\r\n", "y\r" };
    static const char wanted[] = ".\n..x\n.\ny\r";
    char kept[KEPT_ROOM], *to = kept;
    struct data_reader reader;
    size_t i, left;

    data_start(&reader, DATA_BY_LENGTH, true);
    for (i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        const char *from = chunks[i];

        left = strlen(from);
        CHECK(!data_take(&reader, &from, &left, &to) && left == 0);
    }
    CHECK(!reader.has_bare && reader.size == 13);
    data_finish(&reader, &to);
    CHECK(reader.has_bare && reader.size == 13);
    CHECK(to - kept == (long)strlen(wanted) && memcmp(kept, wanted, strlen(wanted)) == 0);
    data_finish(&reader, &to);
    CHECK(to - kept == (long)strlen(wanted));
}

static void a_large_text_is_counted_to_the_octet(void)
{
    static char text[100000], kept[100000 + DATA_HELD];
    struct data_reader reader;
    const char *from;
    char *to;
    size_t i, left;

    memset(text, 'x', sizeof text);
    data_start(&reader, DATA_BY_DOT, false);
    for (i = 0; i < 200; i++) {
        from = text;
        left = sizeof text;
        to = kept;
        CHECK(!data_take(&reader, &from, &left, &to) && left == 0);
        CHECK(to == kept + sizeof text && memcmp(text, kept, sizeof text) == 0);
    }
    CHECK(reader.size == 200 * sizeof text);
    from = "\r\n.\r\n";
    left = 5;
    to = kept;
    CHECK(data_take(&reader, &from, &left, &to) && left == 0 && to == kept + 1);
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
    what_is_kept_has_unix_line_ends_and_no_stuffed_dots();
    bare_line_ends_are_seen();
    chunks_have_neither_end_nor_stuffing();
    a_large_text_is_counted_to_the_octet();
    return check_status();
}
