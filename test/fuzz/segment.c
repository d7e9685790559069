/*
 * Datagrams of the numbered mode: what segment_parse() reads is what regular expressions of
 * the manual's grammar read, nothing is looked up beyond the datagram, and what is read can
 * be written and read again as the same.
 */
#include "net/segment.h"

#include <assert.h>
#include <regex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEX16 "[0-9a-f]{16}"
#define NUMBER "(0|[1-9][0-9]{0,9})"
#define WINDOW "([0-9]|[12][0-9]|3[0-2])"
#define COOKIE "[0-9a-f]{8}[.]" HEX16
#define REST NUMBER " [0-9a-f]{1,8} " WINDOW " [0-9a-f]{1,8} (-|[0-9a-f]{1,8})"

/* The line of each kind, and how many octets may follow it. */
static const struct {
    const char *pattern;
    size_t least, most;
} forms[] = {
    [SEGMENT_H] = { "^S1 H " HEX16 " w=([1-9]|[12][0-9]|3[0-2])( [!-~]+)*$", 0, SEGMENT_LIMIT },
    [SEGMENT_C] = { "^S1 C " HEX16 " " COOKIE "$", 0, 0 },
    [SEGMENT_W] = { "^S1 W " HEX16 " 1 " REST " " HEX16 "$", 1, SEGMENT_PAYLOAD },
    [SEGMENT_D] = { "^S1 D " HEX16 " [1-9][0-9]{0,9} " REST "$", 1, SEGMENT_PAYLOAD },
    [SEGMENT_F] = { "^S1 F " HEX16 " [1-9][0-9]{0,9} " REST "$", 0, SEGMENT_PAYLOAD },
    [SEGMENT_A] = { "^S1 A " HEX16 " 0 " REST "$", 0, 0 },
    [SEGMENT_P] = { "^S1 P " HEX16 " 0 " REST "$", 0, 0 },
    [SEGMENT_R] = { "^S1 R " HEX16 " [1-9][0-9]{2}$", 0, 0 },
};

enum { FORMS = sizeof forms / sizeof forms[0] };

static regex_t regexes[FORMS], cookie_option, cookie_options;

static void compile(void)
{
    static int is_done;
    size_t i;

    if (is_done++ != 0)
        return;
    for (i = 0; i < FORMS; i++)
        if (regcomp(&regexes[i], forms[i].pattern, REG_EXTENDED | REG_NOSUB) != 0)
            abort();
    if (regcomp(&cookie_option, " k=" COOKIE "( |$)", REG_EXTENDED | REG_NOSUB) != 0 ||
        regcomp(&cookie_options, " k=.* k=", REG_EXTENDED | REG_NOSUB) != 0)
        abort();
}

/* The numbers of a line that matches: seq and ack have 31 bits. */
static bool has_small_numbers(const char *line)
{
    char *end;
    unsigned long long seq = strtoull(line + sizeof "S1 D 0123456789abcdef " - 1, &end, 10);

    return seq < 1ull << 31 && strtoull(end, NULL, 10) < 1ull << 31;
}

/* The kind of the datagram; FORMS if it is none. Its first line, a string, is in `line`. */
static size_t kind_of(const char *octets, size_t length, char line[SEGMENT_LIMIT + 1])
{
    const char *end = length > 0 ? memchr(octets, '\n', length) : NULL;
    size_t kind, rest, i;

    if (length > SEGMENT_LIMIT || end == NULL)
        return FORMS;
    /* A NUL is as bad as any other octet that is not to be seen. */
    for (i = 0; i < (size_t)(end - octets); i++) {
        line[i] = octets[i];
        if (octets[i] == '\0')
            line[i] = '\x7f';
    }
    line[i] = '\0';
    rest = length - (size_t)(end - octets) - 1;
    for (kind = 0; kind < FORMS; kind++)
        if (regexec(&regexes[kind], line, 0, NULL, 0) == 0)
            break;
    if (kind == FORMS || rest < forms[kind].least || rest > forms[kind].most)
        return FORMS;
    if (kind == SEGMENT_H)
        return length >= SEGMENT_HELLO ? kind : FORMS;
    return kind == SEGMENT_C || kind == SEGMENT_R || has_small_numbers(line) ? kind : FORMS;
}

static void check_same(const struct segment *a, const struct segment *b)
{
    assert(a->kind == b->kind && a->id == b->id);
    if (a->kind == SEGMENT_H)
        assert(a->window == b->window && a->has_cookie == b->has_cookie);
    if (a->kind == SEGMENT_C || (a->kind == SEGMENT_H && a->has_cookie))
        assert(a->cookie.second == b->cookie.second && a->cookie.mac == b->cookie.mac);
    if (a->kind == SEGMENT_R)
        assert(a->code == b->code && a->code >= 100 && a->code <= 999);
    if (a->kind == SEGMENT_W)
        assert(a->cn == b->cn && a->seq == 1);
    if (a->kind == SEGMENT_H || a->kind == SEGMENT_C || a->kind == SEGMENT_R)
        return;
    assert(a->seq == b->seq && a->ack == b->ack && a->sack == b->sack);
    assert(a->window == b->window && a->window <= SEGMENT_WINDOW);
    assert(a->ts == b->ts && a->has_te == b->has_te && (!a->has_te || a->te == b->te));
    assert(a->payload_length == b->payload_length);
    assert(a->payload_length == 0 || memcmp(a->payload, b->payload, a->payload_length) == 0);
}

static void check_again(const struct segment *segment, size_t length)
{
    char out[SEGMENT_LIMIT], out_again[SEGMENT_LIMIT];
    struct segment again;
    size_t written = segment_write(segment, out);

    assert(written <= length || (segment->kind == SEGMENT_H && written == SEGMENT_HELLO));
    assert(segment_parse(&again, out, written));
    check_same(segment, &again);
    assert(segment_write(&again, out_again) == written && memcmp(out, out_again, written) == 0);
}

static void check(const char *octets, size_t length)
{
    char line[SEGMENT_LIMIT + 1];
    size_t kind = kind_of(octets, length, line);
    struct segment segment;
    bool is_read = segment_parse(&segment, octets, length);

    assert(is_read == (kind != FORMS));
    assert(!is_read || segment_is_ours(octets, length));
    if (!is_read)
        return;
    assert(segment.kind == (enum segment_kind)kind);
    if (kind == SEGMENT_H && regexec(&cookie_options, line, 0, NULL, 0) != 0)
        assert(segment.has_cookie == (regexec(&cookie_option, line, 0, NULL, 0) == 0));
    if (kind == SEGMENT_D || kind == SEGMENT_W || kind == SEGMENT_F)
        assert(segment.payload + segment.payload_length == octets + length ||
               segment.payload_length == 0);
    check_again(&segment, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *octets = malloc(size > 0 ? size : 1);

    assert(octets != NULL);
    compile();
    if (size > 0)
        memcpy(octets, data, size);
    check(octets, size);
    free(octets);
    return 0;
}
