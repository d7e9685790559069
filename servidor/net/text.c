/* See text.h. Locale-free on purpose: the wire and the logs know only ASCII and UTF-8. */
#include "net/text.h"

#include <string.h>

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* The length of the UTF-8 character that begins `in` (RFC 3629), 0 if none does. */
static size_t utf8_length(const unsigned char *in, size_t length)
{
    size_t n, i;

    if (in[0] < 0x80)
        return 1;
    n = in[0] >= 0xf0 && in[0] <= 0xf4 ? 4 : in[0] >= 0xe0 && in[0] < 0xf0 ? 3 :
        in[0] >= 0xc2 && in[0] < 0xe0 ? 2 : 0;
    if (n == 0 || n > length)
        return 0;
    for (i = 1; i < n; i++)
        if ((in[i] & 0xc0) != 0x80)
            return 0;
    if ((in[0] == 0xe0 && in[1] < 0xa0) || (in[0] == 0xed && in[1] > 0x9f) ||
        (in[0] == 0xf0 && in[1] < 0x90) || (in[0] == 0xf4 && in[1] > 0x8f))
        return 0;
    return n;
}

/* Is the UTF-8 character of `n` octets one that a person sees where it stands? */
static bool is_visible(const unsigned char *in, size_t n)
{
    if (n == 1)
        return in[0] >= 0x20 && in[0] != 0x7f && in[0] != '\\';
    if (n == 2)
        return !(in[0] == 0xc2 && in[1] < 0xa0) && !(in[0] == 0xd8 && in[1] == 0x9c);
    if (n == 3 && in[0] == 0xe2 && in[1] == 0x80)
        return in[2] != 0x8e && in[2] != 0x8f && !(in[2] >= 0xa8 && in[2] <= 0xae);
    if (n == 3 && in[0] == 0xe2 && in[1] == 0x81)
        return !(in[2] >= 0xa6 && in[2] <= 0xa9);
    return true;
}

/* Writes the escape of one octet; returns its length, at most TEXT_ESCAPE_GROWTH. */
static size_t escape_octet(char out[TEXT_ESCAPE_GROWTH], unsigned char c)
{
    static const char named[] = "\\\\\rr\nn\tt";
    size_t i;

    out[0] = '\\';
    for (i = 0; named[i] != '\0'; i += 2)
        if ((unsigned char)named[i] == c) {
            out[1] = named[i + 1];
            return 2;
        }
    out[1] = (char)('0' + (c >> 6));
    out[2] = (char)('0' + (c >> 3 & 7));
    out[3] = (char)('0' + (c & 7));
    return 4;
}

size_t text_escape(char *out, size_t room, const char *in, size_t length)
{
    char escape[TEXT_ESCAPE_GROWTH];
    size_t used = 0, at = 0, take, give;
    const char *from;

    while (at < length) {
        const unsigned char *here = (const unsigned char *)in + at;

        take = utf8_length(here, length - at);
        if (take > 0 && is_visible(here, take)) {
            from = in + at;
            give = take;
        } else {
            take = 1;
            from = escape;
            give = escape_octet(escape, *here);
        }
        if (give > room - used)
            break;
        memcpy(out + used, from, give);
        used += give;
        at += take;
    }
    return used;
}

bool text_is_ascii(const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    return true;
}

bool text_is_utf8(const char *text, size_t length)
{
    size_t at, n;

    for (at = 0; at < length; at += n) {
        n = utf8_length((const unsigned char *)text + at, length - at);
        if (n == 0)
            return false;
    }
    return true;
}

bool text_is_same(const char *one, const char *other, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        if (lower(one[i]) != lower(other[i]))
            return false;
    return true;
}

bool text_begins(const char *text, size_t length, const char *word)
{
    size_t i;

    for (i = 0; word[i] != '\0'; i++)
        if (i >= length || lower(text[i]) != lower(word[i]))
            return false;
    return true;
}

bool text_is_word(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && text_begins(text, length, word);
}

bool text_number(const char *text, size_t length, uint64_t limit, uint64_t *number)
{
    uint64_t sum = 0;
    size_t i;

    if (length == 0)
        return false;
    for (i = 0; i < length; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');

        if (text[i] < '0' || text[i] > '9' || digit > limit || sum > (limit - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *number = sum;
    return true;
}
