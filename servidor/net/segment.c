/*
 * See segment.h. A datagram is read field by field through a cursor that remembers the first
 * thing that was wrong, and written the same way.
 */
#include "net/segment.h"

#include <string.h>

enum { ID_DIGITS = 16, WORD_DIGITS = 8, COOKIE_OCTETS = WORD_DIGITS + 1 + ID_DIGITS };

/* The letters of the kinds, in the order of enum segment_kind. */
static const char letters[] = "HCWDFAPR";

/* No sequence number is larger. */
static const uint64_t sequence_limit = 0x7fffffff;

struct cursor {
    const char *at, *end;
    bool is_wrong;
};

static void skip(struct cursor *cursor, const char *text)
{
    size_t length = strlen(text);

    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, text, length) != 0)
        cursor->is_wrong = true;
    else
        cursor->at += length;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Reads `least` to `most` hexadecimal digits. */
static uint64_t read_hex(struct cursor *cursor, unsigned least, unsigned most)
{
    uint64_t value = 0;
    unsigned digits = 0;

    while (digits < most && cursor->at < cursor->end && hex_value(*cursor->at) >= 0) {
        value = value << 4 | (uint64_t)hex_value(*cursor->at++);
        digits++;
    }
    cursor->is_wrong |= digits < least;
    return value;
}

static uint64_t read_id(struct cursor *cursor)
{
    return read_hex(cursor, ID_DIGITS, ID_DIGITS);
}

/* Reads a decimal number of at most `limit`, without a leading zero. */
static uint32_t read_number(struct cursor *cursor, uint64_t limit)
{
    const char *from = cursor->at;
    uint64_t value = 0;

    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9' && value <= limit)
        value = value * 10 + (uint64_t)(*cursor->at++ - '0');
    cursor->is_wrong |= cursor->at == from || value > limit ||
                        (*from == '0' && cursor->at - from > 1);
    return (uint32_t)value;
}

static struct cookie read_cookie(struct cursor *cursor)
{
    struct cookie cookie;

    cookie.second = (uint32_t)read_hex(cursor, WORD_DIGITS, WORD_DIGITS);
    skip(cursor, ".");
    cookie.mac = read_id(cursor);
    return cookie;
}

/* Reads one option of a hello, visible ASCII; those that nobody knows mean nothing. */
static void read_option(struct cursor *cursor, struct segment *segment)
{
    struct cursor option = { .at = cursor->at };

    while (cursor->at < cursor->end && *cursor->at > ' ' && *cursor->at <= '~')
        cursor->at++;
    option.end = cursor->at;
    cursor->is_wrong |= option.at == option.end;
    skip(&option, "k=");
    if (!option.is_wrong && option.end - option.at == COOKIE_OCTETS) {
        segment->cookie = read_cookie(&option);
        segment->has_cookie = !option.is_wrong;
    }
}

static void read_hello(struct cursor *cursor, struct segment *segment)
{
    skip(cursor, " w=");
    segment->window = read_number(cursor, SEGMENT_WINDOW);
    cursor->is_wrong |= segment->window == 0;
    while (!cursor->is_wrong && cursor->at < cursor->end && *cursor->at == ' ') {
        cursor->at++;
        read_option(cursor, segment);
    }
    skip(cursor, "\n");
    cursor->at = cursor->end;
}

static void read_echo(struct cursor *cursor, struct segment *segment)
{
    segment->has_te = cursor->at == cursor->end || *cursor->at != '-';
    if (segment->has_te)
        segment->te = (uint32_t)read_hex(cursor, 1, WORD_DIGITS);
    else
        cursor->at++;
}

/* Reads what the segments and their acknowledgements have in common. */
static void read_fields(struct cursor *cursor, struct segment *segment)
{
    skip(cursor, " ");
    segment->seq = read_number(cursor, sequence_limit);
    skip(cursor, " ");
    segment->ack = read_number(cursor, sequence_limit);
    skip(cursor, " ");
    segment->sack = (uint32_t)read_hex(cursor, 1, WORD_DIGITS);
    skip(cursor, " ");
    segment->window = read_number(cursor, SEGMENT_WINDOW);
    skip(cursor, " ");
    segment->ts = (uint32_t)read_hex(cursor, 1, WORD_DIGITS);
    skip(cursor, " ");
    read_echo(cursor, segment);
    if (segment->kind == SEGMENT_W) {
        skip(cursor, " ");
        segment->cn = read_id(cursor);
    }
    skip(cursor, "\n");
}

/* Has the segment the number and the payload that its kind must have? */
static bool is_fit(const struct segment *segment)
{
    size_t length = segment->payload_length;

    switch (segment->kind) {
    case SEGMENT_W:
        return segment->seq == 1 && length >= 1 && length <= SEGMENT_PAYLOAD;
    case SEGMENT_D:
        return segment->seq >= 1 && length >= 1 && length <= SEGMENT_PAYLOAD;
    case SEGMENT_F:
        return segment->seq >= 1 && length <= SEGMENT_PAYLOAD;
    default:
        return segment->seq == 0 && length == 0;
    }
}

static void read_segment(struct cursor *cursor, struct segment *segment)
{
    read_fields(cursor, segment);
    segment->payload = cursor->at;
    segment->payload_length = (size_t)(cursor->end - cursor->at);
    cursor->is_wrong |= !is_fit(segment);
    cursor->at = cursor->end;
}

static void read_rest(struct cursor *cursor, struct segment *segment)
{
    switch (segment->kind) {
    case SEGMENT_H:
        read_hello(cursor, segment);
        return;
    case SEGMENT_C:
        skip(cursor, " ");
        segment->cookie = read_cookie(cursor);
        segment->has_cookie = true;
        skip(cursor, "\n");
        return;
    case SEGMENT_R:
        skip(cursor, " ");
        segment->code = read_number(cursor, 999);
        cursor->is_wrong |= segment->code < 100;
        skip(cursor, "\n");
        return;
    default:
        read_segment(cursor, segment);
    }
}

bool segment_is_ours(const char *octets, size_t length)
{
    return length >= 3 && memcmp(octets, "S1 ", 3) == 0;
}

bool segment_parse(struct segment *segment, const char *octets, size_t length)
{
    struct cursor cursor = { octets, octets + length, false };
    const char *letter;

    if (!segment_is_ours(octets, length) || length == 3 || length > SEGMENT_LIMIT)
        return false;
    letter = memchr(letters, octets[3], sizeof letters - 1);
    if (letter == NULL)
        return false;
    *segment = (struct segment){ .kind = (enum segment_kind)(letter - letters) };
    if (segment->kind == SEGMENT_H && length < SEGMENT_HELLO)
        return false;
    cursor.at += 4;
    skip(&cursor, " ");
    segment->id = read_id(&cursor);
    read_rest(&cursor, segment);
    return !cursor.is_wrong && cursor.at == cursor.end;
}

static char *write_text(char *out, const char *text)
{
    size_t length = strlen(text);

    memcpy(out, text, length);
    return out + length;
}

static char *write_hex(char *out, uint64_t value, unsigned digits)
{
    while (digits > 0)
        *out++ = "0123456789abcdef"[value >> (4 * --digits) & 15];
    return out;
}

/* Writes `value` with as many digits as it needs. */
static char *write_word(char *out, uint32_t value)
{
    unsigned digits = 1;

    while (digits < WORD_DIGITS && value >> (4 * digits) != 0)
        digits++;
    return write_hex(out, value, digits);
}

static char *write_number(char *out, uint32_t value)
{
    uint32_t unit = 1;

    while (value / unit >= 10)
        unit *= 10;
    for (; unit > 0; unit /= 10)
        *out++ = (char)('0' + value / unit % 10);
    return out;
}

static char *write_cookie(char *out, const struct cookie *cookie)
{
    out = write_hex(out, cookie->second, WORD_DIGITS);
    *out++ = '.';
    return write_hex(out, cookie->mac, ID_DIGITS);
}

static char *write_fields(char *out, const struct segment *segment)
{
    *out++ = ' ';
    out = write_number(out, segment->seq);
    *out++ = ' ';
    out = write_number(out, segment->ack);
    *out++ = ' ';
    out = write_word(out, segment->sack);
    *out++ = ' ';
    out = write_number(out, segment->window);
    *out++ = ' ';
    out = write_word(out, segment->ts);
    *out++ = ' ';
    if (segment->has_te)
        out = write_word(out, segment->te);
    else
        *out++ = '-';
    if (segment->kind == SEGMENT_W) {
        *out++ = ' ';
        out = write_hex(out, segment->cn, ID_DIGITS);
    }
    return out;
}

static char *write_hello(char *out, const struct segment *segment)
{
    out = write_text(out, " w=");
    out = write_number(out, segment->window);
    if (segment->has_cookie) {
        out = write_text(out, " k=");
        out = write_cookie(out, &segment->cookie);
    }
    return out;
}

/* Writes what follows the id, up to the line end. */
static char *write_rest(char *out, const struct segment *segment)
{
    switch (segment->kind) {
    case SEGMENT_H:
        return write_hello(out, segment);
    case SEGMENT_C:
        *out++ = ' ';
        return write_cookie(out, &segment->cookie);
    case SEGMENT_R:
        *out++ = ' ';
        return write_number(out, segment->code);
    default:
        return write_fields(out, segment);
    }
}

size_t segment_write(const struct segment *segment, char out[SEGMENT_LIMIT])
{
    char *at = write_text(out, "S1 ");
    size_t length;

    *at++ = letters[segment->kind];
    *at++ = ' ';
    at = write_hex(at, segment->id, ID_DIGITS);
    at = write_rest(at, segment);
    *at++ = '\n';
    if (segment->payload_length > 0)
        memcpy(at, segment->payload, segment->payload_length);
    length = (size_t)(at - out) + segment->payload_length;
    if (segment->kind == SEGMENT_H && length < SEGMENT_HELLO) {
        memset(out + length, '.', SEGMENT_HELLO - length);
        length = SEGMENT_HELLO;
    }
    return length;
}
