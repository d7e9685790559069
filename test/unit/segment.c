/* The datagrams of the numbered mode: what has the form of one, and what only looks like it. */
#include "net/segment.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define CN "00d1e8a94f3b7a21"
#define SID "7c1f0a9be2d45566"
#define OCTETS(text) text, sizeof(text) - 1

static char payload[SEGMENT_LIMIT + 1];

/* Parses from memory of just this size, so that a look beyond it is caught. */
static bool reads_octets(struct segment *segment, const char *octets, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);
    bool is_good;

    if (copy == NULL)
        abort();
    memcpy(copy, octets, length);
    is_good = segment_parse(segment, copy, length);
    if (is_good && segment->payload_length > 0)
        CHECK(memcmp(segment->payload, octets + length - segment->payload_length,
                     segment->payload_length) == 0);
    segment->payload = NULL; /* it goes with the copy */
    free(copy);
    return is_good;
}

static bool reads(const char *text)
{
    struct segment segment;

    return reads_octets(&segment, text, strlen(text));
}

/* The line, then `length` octets of payload. */
static bool reads_with(struct segment *segment, const char *line, size_t length)
{
    static char octets[2 * SEGMENT_LIMIT];
    size_t line_length = strlen(line);

    memcpy(octets, line, line_length);
    memcpy(octets + line_length, payload, length);
    return reads_octets(segment, octets, line_length + length);
}

static void check_table(const char *const *texts, bool is_good)
{
    for (; *texts != NULL; texts++) {
        if (reads(*texts) != is_good)
            fprintf(stderr, "%s: %s", is_good ? "not read" : "read", *texts);
        CHECK(reads(*texts) == is_good);
    }
}

static void ours_is_what_begins_so(void)
{
    CHECK(segment_is_ours("S1 ", 3));
    CHECK(segment_is_ours("S1 D", 4));
    CHECK(segment_is_ours("S1 nothing of the kind\r\n", 24));
    CHECK(!segment_is_ours("S1 ", 2));
    CHECK(!segment_is_ours("", 0));
    CHECK(!segment_is_ours("S1\n", 3));
    CHECK(!segment_is_ours("s1 D", 4));
    CHECK(!segment_is_ours("S2 D", 4));
    CHECK(!segment_is_ours(" S1 ", 4));
    CHECK(!segment_is_ours("HELO S1 ", 8));
}

static void a_segment_is_read(void)
{
    const char *text = "S1 D " SID " 12 3 a1 16 1a2cf 420\nEHLO c.example\r\n";
    struct segment segment;

    CHECK(segment_parse(&segment, text, strlen(text)));
    CHECK(segment.kind == SEGMENT_D && segment.id == UINT64_C(0x7c1f0a9be2d45566));
    CHECK(segment.seq == 12 && segment.ack == 3 && segment.sack == 0xa1 && segment.window == 16);
    CHECK(segment.ts == 0x1a2cf && segment.has_te && segment.te == 0x420);
    CHECK(segment.payload == strchr(text, '\n') + 1 && segment.payload_length == 16);
    CHECK(reads_octets(&segment, OCTETS("S1 D " SID " 1 0 0 0 0 -\n\0\n")));
    CHECK(!segment.has_te && segment.payload_length == 2);
}

static void each_kind_is_read(void)
{
    struct segment segment;

    CHECK(reads_octets(&segment, OCTETS("S1 W " SID " 1 0 0 16 1a2b3 - " CN "\n220 hi\r\n")));
    CHECK(segment.kind == SEGMENT_W && segment.id == UINT64_C(0x7c1f0a9be2d45566));
    CHECK(segment.cn == UINT64_C(0x00d1e8a94f3b7a21) && segment.seq == 1);
    CHECK(segment.payload_length == 8);
    CHECK(reads_octets(&segment, OCTETS("S1 F " SID " 9 8 0 16 1 2\n")));
    CHECK(segment.kind == SEGMENT_F && segment.payload_length == 0 && segment.seq == 9);
    CHECK(reads_octets(&segment, OCTETS("S1 A " SID " 0 8 ff 0 1 2\n")));
    CHECK(segment.kind == SEGMENT_A && segment.ack == 8 && segment.sack == 0xff);
    CHECK(segment.payload_length == 0 && segment.seq == 0 && segment.window == 0);
    CHECK(reads_octets(&segment, OCTETS("S1 P " SID " 0 8 0 32 1 2\n")));
    CHECK(segment.kind == SEGMENT_P && segment.window == 32 && segment.te == 2);
    CHECK(reads_octets(&segment, OCTETS("S1 R " SID " 503\n")));
    CHECK(segment.kind == SEGMENT_R && segment.id == UINT64_C(0x7c1f0a9be2d45566));
    CHECK(segment.code == 503);
    CHECK(reads_octets(&segment, OCTETS("S1 C " CN " 67403b5e.9b1c44d07ae2f310\n")));
    CHECK(segment.kind == SEGMENT_C && segment.id == UINT64_C(0x00d1e8a94f3b7a21));
    CHECK(segment.cookie.second == 0x67403b5e);
    CHECK(segment.cookie.mac == UINT64_C(0x9b1c44d07ae2f310));
}

static const char *const good[] = {
    /* the examples of the manual */
    "S1 C " CN " 67403b5e.9b1c44d07ae2f310\n",
    "S1 W " SID " 1 0 0 16 1a2b3 - " CN "\n220 Servicio de ...\r\n",
    "S1 D " SID " 1 1 0 16 412 1a2b3\nEHLO c.example\r\n",
    "S1 D " SID " 2 1 0 16 1a2c1 412\n250-localhost\r\n250-PIPELINING\r\n250 SIZE 10240000\r\n",
    "S1 D " SID " 2 2 0 16 420 1a2c1\nMAIL FROM:<a@x.es>\r\n",
    "S1 D " SID " 3 2 0 16 420 -\nRCPT TO:<b@y.es>\r\n",
    "S1 D " SID " 4 2 0 16 420 -\nDATA\r\n",
    "S1 D " SID " 3 2 1 16 1a2cf 420\n250 OK\r\n",
    "S1 D " SID " 4 4 0 16 1a3a0 4f0\n250 OK\r\n",
    /* the ends of each field */
    "S1 D 0000000000000000 1 0 0 0 0 0\nx",
    "S1 D ffffffffffffffff 2147483647 2147483647 ffffffff 32 ffffffff ffffffff\nx",
    "S1 D " SID " 1 0 00000001 0 00000000 0000000f\nx",
    "S1 F " SID " 2147483647 0 0 0 0 -\n",
    "S1 F " SID " 1 0 0 0 0 -\n221 bye\r\n",
    "S1 A " SID " 0 2147483647 ffffffff 32 ffffffff -\n",
    "S1 P " SID " 0 0 0 0 0 -\n",
    "S1 W " SID " 1 2147483647 ffffffff 32 ffffffff ffffffff ffffffffffffffff\nx",
    "S1 D " SID " 1 0 0 0 0 -\n\n",
    "S1 D " SID " 1 0 0 0 0 -\nS1 D \r\n\r\n",
    "S1 R " SID " 100\n",
    "S1 R " CN " 450\n",
    "S1 R " CN " 421\n",
    "S1 R " SID " 503\n",
    "S1 R " SID " 999\n",
    "S1 C " CN " 00000000.0000000000000000\n",
    "S1 C " CN " ffffffff.ffffffffffffffff\n",
    NULL,
};

static const char *const bad[] = {
    /* no datagram at all */
    "", "S", "S1", "S1 ", "S1 D", "S1 D ", "S1 D\n", "S1 \n", "S1 X " SID " 1 0 0 0 0 -\nx",
    "S1 d " SID " 1 0 0 0 0 -\nx", "S2 D " SID " 1 0 0 0 0 -\nx", "s1 D " SID " 1 0 0 0 0 -\nx",
    "S1 DD " SID " 1 0 0 0 0 -\nx", "220 hello\r\n", " S1 D " SID " 1 0 0 0 0 -\nx",
    /* sid */
    "S1 D 7c1f0a9be2d4556 1 0 0 0 0 -\nx", "S1 D 7c1f0a9be2d455666 1 0 0 0 0 -\nx",
    "S1 D 7C1F0A9BE2D45566 1 0 0 0 0 -\nx", "S1 D 7c1f0a9be2d4556g 1 0 0 0 0 -\nx",
    "S1 D 0x1f0a9be2d45566 1 0 0 0 0 -\nx", "S1 D -c1f0a9be2d45566 1 0 0 0 0 -\nx",
    /* seq and ack */
    "S1 D " SID " 01 0 0 0 0 -\nx", "S1 D " SID " 2147483648 0 0 0 0 -\nx",
    "S1 D " SID " 4294967297 0 0 0 0 -\nx", "S1 D " SID " 18446744073709551617 0 0 0 0 -\nx",
    "S1 D " SID " -1 0 0 0 0 -\nx", "S1 D " SID " +1 0 0 0 0 -\nx", "S1 D " SID " a 0 0 0 0 -\nx",
    "S1 D " SID "  0 0 0 0 -\nx", "S1 D " SID " 1x 0 0 0 0 -\nx", "S1 D " SID " 1. 0 0 0 0 -\nx",
    "S1 D " SID " 1 00 0 0 0 -\nx", "S1 D " SID " 1 01 0 0 0 -\nx",
    "S1 D " SID " 1 2147483648 0 0 0 -\nx", "S1 D " SID " 1 4294967296 0 0 0 -\nx",
    "S1 D " SID " 1 - 0 0 0 -\nx", "S1 D " SID " 1 f 0 0 0 -\nx", "S1 D " SID " 1  0 0 0 -\nx",
    "S1 D " SID " 0 0 0 0 0 -\nx",
    /* sack */
    "S1 D " SID " 1 0 000000000 0 0 -\nx", "S1 D " SID " 1 0 A 0 0 -\nx",
    "S1 D " SID " 1 0 - 0 0 -\nx", "S1 D " SID " 1 0  0 0 -\nx", "S1 D " SID " 1 0 g 0 0 -\nx",
    "S1 D " SID " 1 0 0x1 0 0 -\nx", "S1 D " SID " 1 0 1ffffffff 0 0 -\nx",
    /* win */
    "S1 D " SID " 1 0 0 33 0 -\nx", "S1 D " SID " 1 0 0 00 0 -\nx", "S1 D " SID " 1 0 0 016 0 -\nx",
    "S1 D " SID " 1 0 0 -1 0 -\nx", "S1 D " SID " 1 0 0 1f 0 -\nx", "S1 D " SID " 1 0 0  0 -\nx",
    "S1 D " SID " 1 0 0 4294967297 0 -\nx", "S1 D " SID " 1 0 0 100 0 -\nx",
    "S1 D " SID " 1 0 0 - 0 -\nx",
    /* ts and te */
    "S1 D " SID " 1 0 0 0 - -\nx", "S1 D " SID " 1 0 0 0 000000000 -\nx",
    "S1 D " SID " 1 0 0 0 F -\nx", "S1 D " SID " 1 0 0 0  -\nx", "S1 D " SID " 1 0 0 0 0 \nx",
    "S1 D " SID " 1 0 0 0 0 --\nx", "S1 D " SID " 1 0 0 0 0 F\nx", "S1 D " SID " 1 0 0 0 0 -1\nx",
    "S1 D " SID " 1 0 0 0 0 123456789\nx", "S1 D " SID " 1 0 0 0 0 g\nx",
    /* fields: all, no more, one blank between them, and the end of the line */
    "S1 D " SID " 1 0 0 0 0\nx", "S1 D " SID " 1 0 0 0\nx", "S1 D " SID " 1\nx", "S1 D " SID "\nx",
    "S1 D " SID " 1 0 0 0 0 - \nx", "S1 D " SID " 1 0 0 0 0 - 0\nx",
    "S1 D " SID " 1 0 0 0 0 - " CN "\nx", "S1 D  " SID " 1 0 0 0 0 -\nx",
    "S1  D " SID " 1 0 0 0 0 -\nx", "S1 D " SID " 1  0 0 0 0 -\nx", "S1 D " SID "\t1 0 0 0 0 -\nx",
    "S1 D " SID " 1 0 0 0 0  -\nx", "S1 D " SID " 1 0 0 0 0 -\r\nx", "S1 D " SID " 1 0 0 0 0 -\r",
    "S1 D " SID " 1 0 0 0 0 -", "S1 D " SID " 1 0 0 0 0 -x", "S1 D" SID " 1 0 0 0 0 -\nx",
    "S1 D " SID " 1 0 0 0\n0 -\nx", "S1\nD " SID " 1 0 0 0 0 -\nx",
    /* what a kind must have, and must not */
    "S1 D " SID " 1 0 0 0 0 -\n", "S1 W " SID " 1 0 0 0 0 - " CN "\n",
    "S1 W " SID " 1 0 0 0 0 -\nx", "S1 W " SID " 2 0 0 0 0 - " CN "\nx",
    "S1 W " SID " 0 0 0 0 0 - " CN "\nx", "S1 W " SID " 1 0 0 0 0 - 0d1e8a94f3b7a21\nx",
    "S1 W " SID " 1 0 0 0 0 - " CN "0\nx", "S1 W " SID " 1 0 0 0 0 - 00D1e8a94f3b7a21\nx",
    "S1 W " SID " 1 0 0 0 0 - " CN " \nx", "S1 W " SID " 1 0 0 0 0 - " CN "\r\nx",
    "S1 F " SID " 1 0 0 0 0 - " CN "\n", "S1 F " SID " 1 0 0 0 0 -", "S1 F " SID " 0 0 0 0 0 -\n",
    "S1 A " SID " 1 0 0 0 0 -\n", "S1 A " SID " 0 0 0 0 0 -\nx", "S1 A " SID " 0 0 0 0 0 -\n\n",
    "S1 A " SID " 00 0 0 0 0 -\n", "S1 A " SID " 0 0 0 0 0 - " CN "\n", "S1 A " SID " 0 0 0 0 0 -",
    "S1 P " SID " 1 0 0 0 0 -\n", "S1 P " SID " 0 0 0 0 0 -\nx", "S1 P " SID " 0 0 0 0 0 -",
    "S1 R " SID " 50\n", "S1 R " SID " 99\n", "S1 R " SID " 1000\n",
    "S1 R " SID " 5030\n", "S1 R " SID " 099\n", "S1 R " SID " 5a3\n",
    "S1 R " SID " 503", "S1 R " SID " 503\nx", "S1 R " SID " 503\r\n", "S1 R " SID " 503 \n",
    "S1 R " SID " \n", "S1 R " SID "\n", "S1 R 503\n", "S1 R 7c1f0a9be2d4556 503\n",
    "S1 R " SID " -50\n", "S1 R " SID "  503\n",
    "S1 C " CN "\n", "S1 C " CN " \n", "S1 C " CN " 67403b5e.9b1c44d07ae2f310",
    "S1 C " CN " 67403b5e.9b1c44d07ae2f310\nx", "S1 C " CN " 67403b5e.9b1c44d07ae2f310\r\n",
    "S1 C " CN " 67403b5e9b1c44d07ae2f310\n", "S1 C " CN " 67403b5.9b1c44d07ae2f310\n",
    "S1 C " CN " 67403b5e.9b1c44d07ae2f31\n", "S1 C " CN " 67403b5e.9b1c44d07ae2f3100\n",
    "S1 C " CN " 067403b5e.9b1c44d07ae2f310\n", "S1 C " CN " 67403B5e.9b1c44d07ae2f310\n",
    "S1 C " CN " 67403b5e.9B1c44d07ae2f310\n", "S1 C " CN " 67403b5e,9b1c44d07ae2f310\n",
    "S1 C " CN " k=67403b5e.9b1c44d07ae2f310\n", "S1 C 0d1e8a94f3b7a21 67403b5e.9b1c44d07ae2f310\n",
    NULL,
};

static void the_form_is_kept_to(void)
{
    check_table(good, true);
    check_table(bad, false);
}

static void a_payload_has_its_limit(void)
{
    static const char *const lines[] = { "S1 D " SID " 1 0 0 0 0 -\n", "S1 F " SID " 1 0 0 0 0 -\n",
                                         "S1 W " SID " 1 0 0 0 0 - " CN "\n" };
    struct segment segment;
    size_t i;

    for (i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        CHECK(reads_with(&segment, lines[i], 1) && segment.payload_length == 1);
        CHECK(reads_with(&segment, lines[i], 1100) && segment.payload_length == 1100);
        CHECK(!reads_with(&segment, lines[i], 1101));
        CHECK(!reads_with(&segment, lines[i], 1150));
        CHECK(!reads_with(&segment, lines[i], 1201));
    }
}

/* Nothing that was cut short is taken for whole, if its line is not. */
static void a_cut_line_is_none(void)
{
    const char *text = "S1 W " SID " 1 22 f0 16 1a2b3 4c5d " CN "\nx";
    struct segment segment;
    size_t length;

    for (length = 0; length < strlen(text); length++)
        CHECK(!reads_octets(&segment, text, length));
    CHECK(reads_octets(&segment, text, length));
}

/* No octet of the header may be what it must not. */
static void an_octet_beside_the_form_is_known(void)
{
    static const char forbidden[] = "\r\t\0\x7f\xff ,;:+_XZ/`G";
    const char *text = "S1 D " SID " 12 34 ab 16 1a2cf 420\nx";
    size_t header = strlen(text) - 2, at, i;
    struct segment segment;
    char other[128];

    for (at = 0; at < header; at++)
        for (i = 0; i < sizeof forbidden - 1; i++) {
            memcpy(other, text, strlen(text));
            other[at] = forbidden[i];
            if (forbidden[i] != text[at])
                CHECK(!reads_octets(&segment, other, strlen(text)));
        }
}

int main(void)
{
    memset(payload, 'x', sizeof payload);
    ours_is_what_begins_so();
    a_segment_is_read();
    each_kind_is_read();
    the_form_is_kept_to();
    a_payload_has_its_limit();
    a_cut_line_is_none();
    an_octet_beside_the_form_is_known();
    return check_status();
}
