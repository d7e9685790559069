/* Hellos of the numbered mode, and what segment_write() makes of each kind of datagram. */
#include "net/segment.h"

#include <string.h>

#include "check.h"

#define CN "00d1e8a94f3b7a21"
#define SID "7c1f0a9be2d45566"
#define COOKIE "67403b5e.9b1c44d07ae2f310"

/* A hello of `length` octets: the line, its end, and dots. */
static bool reads_hello(struct segment *segment, const char *line, size_t length)
{
    static char octets[SEGMENT_LIMIT + 1];
    size_t line_length = strlen(line);

    memset(octets, '.', sizeof octets);
    memcpy(octets, line, line_length);
    octets[line_length] = '\n';
    return segment_parse(segment, octets, length);
}

static void a_hello_is_read(void)
{
    struct segment segment;

    CHECK(reads_hello(&segment, "S1 H " CN " w=16", 64));
    CHECK(segment.kind == SEGMENT_H && segment.id == UINT64_C(0x00d1e8a94f3b7a21));
    CHECK(segment.window == 16 && !segment.has_cookie);
    CHECK(reads_hello(&segment, "S1 H " CN " w=1 k=" COOKIE, 64));
    CHECK(segment.window == 1 && segment.has_cookie);
    CHECK(segment.cookie.second == 0x67403b5e);
    CHECK(segment.cookie.mac == UINT64_C(0x9b1c44d07ae2f310));
}

static void a_hello_has_its_length(void)
{
    struct segment segment;

    CHECK(!reads_hello(&segment, "S1 H " CN " w=16", 27));
    CHECK(!reads_hello(&segment, "S1 H " CN " w=16", 63));
    CHECK(reads_hello(&segment, "S1 H " CN " w=16", 64));
    CHECK(reads_hello(&segment, "S1 H " CN " w=16", 1200));
    CHECK(!reads_hello(&segment, "S1 H " CN " w=16", 1201));
}

/* The padding is anything, and a line may be long. */
static void a_hello_is_a_line_and_padding(void)
{
    char octets[SEGMENT_LIMIT + 1];
    struct segment segment;

    memset(octets, '\n', sizeof octets);
    memcpy(octets, "S1 H " CN " w=16", 26);
    CHECK(segment_parse(&segment, octets, 64) && segment.window == 16);
    memset(octets + 26, '\0', sizeof octets - 26);
    CHECK(!segment_parse(&segment, octets, 64));
    octets[26] = '\n';
    CHECK(segment_parse(&segment, octets, 64));
    memset(octets + 26, 'x', sizeof octets - 26);
    octets[26] = ' ';
    CHECK(!segment_parse(&segment, octets, 1200)); /* no line end */
    octets[1199] = '\n';
    CHECK(segment_parse(&segment, octets, 1200) && segment.window == 16);
    CHECK(!segment_parse(&segment, octets, 1199));
}

static const struct {
    const char *options;
    bool has_cookie;
} options[] = {
    { "", false },
    { " x", false },
    { " x=1", false },
    { " k=" COOKIE, true },
    { " x=1 k=" COOKIE, true },
    { " k=" COOKIE " x=1", true },
    { " some=thing k=" COOKIE " else", true },
    { " w", false },
    { " !~ w=3", false },
    { " K=" COOKIE, false },
    { " kk=" COOKIE, false },
    { " k" COOKIE, false },
    /* a cookie that is none counts for nothing */
    { " k", false },
    { " k=", false },
    { " k=67403b5e", false },
    { " k=67403b5e.", false },
    { " k=67403b5e.9b1c44d07ae2f31", false },
    { " k=67403b5e.9b1c44d07ae2f3100", false },
    { " k=67403b5.9b1c44d07ae2f310", false },
    { " k=067403b5e.9b1c44d07ae2f310", false },
    { " k=67403b5e:9b1c44d07ae2f310", false },
    { " k=67403B5E.9b1c44d07ae2f310", false },
    { " k=67403b5e.9b1c44d07ae2f31g", false },
};

static void options_stand_in_any_order(void)
{
    char line[200];
    struct segment segment;
    size_t i;

    for (i = 0; i < sizeof options / sizeof options[0]; i++) {
        bool is_good;

        snprintf(line, sizeof line, "S1 H " CN " w=16%s", options[i].options);
        is_good = reads_hello(&segment, line, 150) && segment.window == 16 &&
                  segment.has_cookie == options[i].has_cookie;
        if (!is_good)
            fprintf(stderr, "%s\n", line);
        CHECK(is_good);
    }
}

static const char *const bad[] = {
    "S1 H " CN, "S1 H " CN " ", "S1 H " CN " 16", "S1 H " CN " w=", "S1 H " CN " w=0",
    "S1 H " CN " w=33", "S1 H " CN " w=01", "S1 H " CN " w=-1", "S1 H " CN " w=1f",
    "S1 H " CN " w=4294967297", "S1 H " CN " w=16k=" COOKIE, "S1 H " CN " W=16",
    "S1 H " CN " x w=16", "S1 H " CN " k=" COOKIE " w=16", "S1 H " CN " k=" COOKIE,
    "S1 H " CN "  w=16", "S1 H  " CN " w=16", "S1 H " CN " w=16\r", "S1 H " CN " w=16 x\r",
    "S1 H 0d1e8a94f3b7a21 w=16", "S1 H 000d1e8a94f3b7a21 w=16", "S1 H 00D1E8A94F3B7A21 w=16",
    "S1 H " CN " w=16 ", "S1 H " CN " w=16  x", "S1 H " CN " w=16 x ", "S1 H " CN " w=16 x\ty",
    "S1 H " CN " w=16 x\x7f", "S1 H " CN " w=16 \xc3\xb1",
    "S1 h " CN " w=16", "S1 H w=16", "S1 H ", "S1 H",
};

static void a_window_is_asked_for_first(void)
{
    struct segment segment;
    size_t i;

    CHECK(reads_hello(&segment, "S1 H " CN " w=1", 64) && segment.window == 1);
    CHECK(reads_hello(&segment, "S1 H " CN " w=32", 64) && segment.window == 32);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (reads_hello(&segment, bad[i], 150))
            fprintf(stderr, "read: %s\n", bad[i]);
        CHECK(!reads_hello(&segment, bad[i], 150));
    }
}

/* What is written, as the manual has it. */
static const struct {
    const char *text;
    struct segment segment;
} written[] = {
#define IDS .id = UINT64_C(0x7c1f0a9be2d45566), .cn = UINT64_C(0x00d1e8a94f3b7a21)
    { "S1 C " CN " " COOKIE "\n",
      { .kind = SEGMENT_C,
        .id = UINT64_C(0x00d1e8a94f3b7a21),
        .cookie = { 0x67403b5e, UINT64_C(0x9b1c44d07ae2f310) } } },
    { "S1 C 0000000000000001 00000002.0000000000000003\n",
      { .kind = SEGMENT_C, .id = 1, .cookie = { 2, 3 } } },
    { "S1 W " SID " 1 0 0 16 1a2b3 - " CN "\n220 hi\r\n",
      { .kind = SEGMENT_W, IDS, .seq = 1, .window = 16, .ts = 0x1a2b3, .payload = "220 hi\r\n",
        .payload_length = 8 } },
    { "S1 D " SID " 3 2 1 16 1a2cf 420\n250 OK\r\n",
      { .kind = SEGMENT_D, IDS, .seq = 3, .ack = 2, .sack = 1, .window = 16, .ts = 0x1a2cf,
        .te = 0x420, .has_te = true, .payload = "250 OK\r\n", .payload_length = 8 } },
    { "S1 D ffffffffffffffff 2147483647 2147483647 ffffffff 32 ffffffff ffffffff\nx",
      { .kind = SEGMENT_D, .id = UINT64_MAX, .seq = 2147483647, .ack = 2147483647,
        .sack = UINT32_MAX, .window = 32, .ts = UINT32_MAX, .te = UINT32_MAX, .has_te = true,
        .payload = "x", .payload_length = 1 } },
    { "S1 D 0000000000000000 1 0 0 0 0 0\nx",
      { .kind = SEGMENT_D, .seq = 1, .has_te = true, .payload = "x", .payload_length = 1 } },
    { "S1 F " SID " 10 9 0 1 0 -\n",
      { .kind = SEGMENT_F, IDS, .seq = 10, .ack = 9, .window = 1 } },
    { "S1 F " SID " 10 9 0 1 0 -\n221 x\r\n",
      { .kind = SEGMENT_F, IDS, .seq = 10, .ack = 9, .window = 1, .payload = "221 x\r\n",
        .payload_length = 7 } },
    { "S1 A " SID " 0 1000000000 80000000 0 12345678 9\n",
      { .kind = SEGMENT_A, IDS, .ack = 1000000000, .sack = 0x80000000, .ts = 0x12345678, .te = 9,
        .has_te = true } },
    { "S1 P " SID " 0 7 0 32 0 -\n", { .kind = SEGMENT_P, IDS, .ack = 7, .window = 32 } },
    { "S1 R " SID " 421\n", { .kind = SEGMENT_R, IDS, .code = 421 } },
#undef IDS
};

static void each_kind_is_written(void)
{
    char out[SEGMENT_LIMIT];
    size_t i, length;

    for (i = 0; i < sizeof written / sizeof written[0]; i++) {
        length = segment_write(&written[i].segment, out);
        if (length != strlen(written[i].text) || memcmp(out, written[i].text, length) != 0)
            fprintf(stderr, "for %swritten: %.*s\n", written[i].text, (int)length, out);
        CHECK(length == strlen(written[i].text) && memcmp(out, written[i].text, length) == 0);
    }
}

static void a_hello_is_written_long_enough(void)
{
    struct segment segment = { .kind = SEGMENT_H, .id = UINT64_C(0x00d1e8a94f3b7a21) };
    struct segment again;
    char out[SEGMENT_LIMIT];

    segment.window = 16;
    CHECK(segment_write(&segment, out) == SEGMENT_HELLO);
    CHECK(memcmp(out, "S1 H " CN " w=16\n", 27) == 0);
    CHECK(segment_parse(&again, out, SEGMENT_HELLO) && !again.has_cookie);
    segment.has_cookie = true;
    segment.cookie = (struct cookie){ 0x67403b5e, UINT64_C(0x9b1c44d07ae2f310) };
    CHECK(segment_write(&segment, out) == SEGMENT_HELLO);
    CHECK(memcmp(out, "S1 H " CN " w=16 k=" COOKIE "\n", 55) == 0);
    CHECK(segment_parse(&again, out, SEGMENT_HELLO) && again.has_cookie && again.window == 16);
    CHECK(again.id == segment.id && again.cookie.mac == segment.cookie.mac);
}

/* The longest there is: no datagram is longer than the limit, and it is read again. */
static void the_longest_is_read_again(void)
{
    static char payload[SEGMENT_PAYLOAD];
    struct segment segment = written[4].segment, again;
    char out[SEGMENT_LIMIT];
    size_t length;

    memset(payload, '\n', sizeof payload);
    segment.payload = payload;
    segment.payload_length = sizeof payload;
    length = segment_write(&segment, out);
    CHECK(length == strlen(written[4].text) - 1 + SEGMENT_PAYLOAD && length <= SEGMENT_LIMIT);
    CHECK(segment_parse(&again, out, length));
    CHECK(again.payload == out + length - SEGMENT_PAYLOAD);
    CHECK(again.payload_length == SEGMENT_PAYLOAD);
    segment.kind = SEGMENT_W;
    segment.seq = 1;
    segment.cn = UINT64_MAX;
    length = segment_write(&segment, out);
    CHECK(length <= SEGMENT_LIMIT && segment_parse(&again, out, length));
    CHECK(again.cn == UINT64_MAX && again.payload_length == SEGMENT_PAYLOAD);
}

int main(void)
{
    a_hello_is_read();
    a_hello_has_its_length();
    a_hello_is_a_line_and_padding();
    options_stand_in_any_order();
    a_window_is_asked_for_first();
    each_kind_is_written();
    a_hello_is_written_long_enough();
    the_longest_is_read_again();
    return check_status();
}
